"""Whether the Python and the distributions of this device meet what a bundle requires: requirement lines as wheels write them (PEP 508, 440).

Only what wheels of this project need: names, version specifiers, markers. What cannot be understood is refused. No I/O.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import zip_longest

from barbotage_device.update.errors import UpdateError

EXTRAS = ("", "device")
"""A device needs what is required always, and what its extra requires."""
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*\(?([^;()]*)\)?\s*(?:;(.*))?")
_SPECIFIER = re.compile(r"\s*(~=|==|!=|<=|>=|<|>)\s*([^\s]+)\s*")
_VERSION = re.compile(r"v?(?:0!)?(\d+(?:\.\d+)*)(?:[._-]?(a|b|rc|dev|post)[._-]?(\d*))?(?:\+[A-Za-z0-9.]+)?", re.IGNORECASE)
_TOKEN = re.compile(r"""\s*(?:(?P<op><=|>=|==|!=|~=|<|>)|(?P<text>"[^"]*"|'[^']*')|(?P<word>[A-Za-z_]+)|(?P<bracket>[()]))""")
_STAGES = {"dev": -4, "a": -3, "b": -2, "rc": -1, "": 0, "post": 1}
_VERSIONED = ("python_version", "python_full_version")
MAX_NESTING = 16

Environment = Mapping[str, str]
"""Marker variables of PEP 508 with their values here."""
Installed = Callable[[str], str | None]
"""The version of an installed distribution, None when it is not installed."""


def unmet(requirements: Iterable[str], environment: Environment, installed: Installed) -> list[str]:
    """Each requirement that is not met, in words. Raises UpdateError for a line that cannot be understood."""
    found = []
    for line in requirements:
        match = _REQUIREMENT.fullmatch(line)
        if match is None:
            raise UpdateError(f"the requirement '{line[:100]}' cannot be understood")
        name, specifiers, marker = match.group(1), match.group(2).strip(), match.group(3)
        if marker and not any(marker_holds(marker, {**environment, "extra": extra}) for extra in EXTRAS):
            continue
        have = installed(name)
        if have is None:
            found.append(f"{name} {specifiers} (not installed)")
        elif not meets(have, specifiers):
            found.append(f"{name} {specifiers} (installed: {have})")
    return found


def meets(version: str, specifiers: str) -> bool:
    """Whether a version meets comma-separated specifiers; none are met by any. Raises UpdateError when they cannot be understood."""
    return all(_meets_one(version, each) for each in specifiers.split(",") if each.strip())


def marker_holds(marker: str, environment: Environment) -> bool:
    """Whether a marker is true in ``environment``. Raises UpdateError when it cannot be understood."""
    reader = _Marker(marker, environment)
    holds = reader.either(0)
    if reader.tokens:
        raise _unreadable(marker)
    return holds


def _meets_one(version: str, specifier: str) -> bool:
    match = _SPECIFIER.fullmatch(specifier)
    if match is None:
        raise UpdateError(f"the version specifier '{specifier[:60]}' cannot be understood")
    operator, wanted = match.groups()
    if operator in ("==", "!=") and wanted.endswith(".*"):
        prefix = _release(wanted[:-2])
        return (_padded(_release(version), len(prefix))[: len(prefix)] == prefix) == (operator == "==")
    if operator == "~=":
        prefix = _release(wanted)[:-1]
        return _compare(version, wanted) >= 0 and _padded(_release(version), len(prefix))[: len(prefix)] == prefix
    order = _compare(version, wanted)
    if operator in "<>" and _release_order(version, wanted) == 0 and _stage(wanted) == 0:
        return False  # PEP 440: <2 leaves out pre-releases of 2, >2 its post-releases
    return {"==": order == 0, "!=": order != 0, "<=": order <= 0, ">=": order >= 0, "<": order < 0, ">": order > 0}[operator]


def _parsed(version: str) -> re.Match[str]:
    match = _VERSION.fullmatch(version.strip())
    if match is None:
        raise UpdateError(f"the version '{version[:60]}' cannot be understood")
    return match


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in _parsed(version).group(1).split("."))


def _stage(version: str) -> int:
    return _STAGES[(_parsed(version).group(2) or "").lower()]


def _padded(release: tuple[int, ...], length: int) -> tuple[int, ...]:
    return release + (0,) * (length - len(release))


def _release_order(a: str, b: str) -> int:
    for left, right in zip_longest(_release(a), _release(b), fillvalue=0):
        if left != right:
            return 1 if left > right else -1
    return 0


def _compare(a: str, b: str) -> int:
    order = _release_order(a, b)
    if order:
        return order
    left, right = ((_stage(each), int(_parsed(each).group(3) or 0)) for each in (a, b))
    return (left > right) - (left < right)


class _Marker:
    """Reads a marker from left to right: 'or' of 'and' of comparisons and brackets."""

    def __init__(self, text: str, environment: Environment) -> None:
        self._text = text
        self._environment = environment
        self.tokens = _tokens(text)

    def either(self, depth: int) -> bool:
        """An 'or' of terms; every part is read, whatever the first is."""
        holds = self._both(depth)
        while self._take("or"):
            holds = self._both(depth) or holds
        return holds

    def _both(self, depth: int) -> bool:
        holds = self._one(depth)
        while self._take("and"):
            holds = self._one(depth) and holds
        return holds

    def _one(self, depth: int) -> bool:
        if depth > MAX_NESTING:
            raise _unreadable(self._text)
        if self._take("("):
            holds = self.either(depth + 1)
            if not self._take(")"):
                raise _unreadable(self._text)
            return holds
        versioned = any(each in _VERSIONED for each in self.tokens[:3])
        left, operator, right = self._value(), self._operator(), self._value()
        if versioned and operator not in ("in", "not in"):
            return _meets_one(left, f"{operator}{right}")
        match operator:
            case "==" | "!=":
                return (left == right) == (operator == "==")
            case "in" | "not in":
                return (left in right) == (operator == "in")
        raise _unreadable(self._text)

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False

    def _operator(self) -> str:
        word = self._next()
        return "not in" if word == "not" and self._take("in") else word

    def _value(self) -> str:
        token = self._next()
        if token[0] in "'\"":
            return token[1:-1]
        if token not in self._environment:
            raise _unreadable(self._text)
        return self._environment[token]

    def _next(self) -> str:
        if not self.tokens:
            raise _unreadable(self._text)
        return self.tokens.pop(0)


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unreadable(text)
        tokens.append(match.group().strip())
        at = match.end()
    return tokens


def _unreadable(marker: str) -> UpdateError:
    return UpdateError(f"the marker '{marker[:100]}' of a requirement cannot be understood")
