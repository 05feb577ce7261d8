"""What one typed or measured value may be: its kind, unit and bounds, and a plain sentence when it is something else."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from barbotage_device.errors import UsageError

MAX_TEXT = 200
"""Characters of a typed text: two lines of the screen."""
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its unit. The bounds catch slips of typing; they say nothing of what is right for a patient."""

    unit: str
    low: float
    high: float
    whole: bool = False
    required: bool = False
    or_none: bool = False
    """None says "not known", as a length is without a scale."""

    def problem(self, value: Any) -> str | None:
        """Why the value will not do; None when it will."""
        if value is None and self.or_none:
            return None
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return f"must be a {'whole ' if self.whole else ''}number{self._range()}"
        return None if math.isfinite(value) and self.low <= value <= self.high else f"must lie{self._range()}"

    def _range(self) -> str:
        return f" between {self.low:g} and {self.high:g} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Choice:
    """One word of a list."""

    words: tuple[str, ...]
    required: bool = False
    or_none: bool = False

    def problem(self, value: Any) -> str | None:
        """Why the value will not do; None when it will."""
        if value is None and self.or_none:
            return None
        return None if isinstance(value, str) and value in self.words else f"must be one of {', '.join(self.words)}"


@dataclass(frozen=True, slots=True)
class Text:
    """One line of typed text."""

    longest: int = MAX_TEXT
    required: bool = False

    def problem(self, value: Any) -> str | None:
        """Why the value will not do; None when it will."""
        if not isinstance(value, str) or not value.strip():
            return "must be a text, not empty"
        if not value.isprintable():
            return "must be one line without control characters"
        return None if len(value) <= self.longest else f"must have at most {self.longest} characters, has {len(value)}"


@dataclass(frozen=True, slots=True)
class Date:
    """A year, month or day: 2026, 2026-11 or 2026-11-23."""

    required: bool = False

    def problem(self, value: Any) -> str | None:
        """Why the value will not do; None when it will."""
        return None if isinstance(value, str) and _DATE.fullmatch(value) else "must be a date such as 2026-11-23, 2026-11 or 2026"


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    required: bool = False

    def problem(self, value: Any) -> str | None:
        """Why the value will not do; None when it will."""
        return None if isinstance(value, bool) else "must be true or false"


Field = Number | Choice | Text | Date | Flag
Fields = Mapping[str, Field]


def check(what: str, fields: Fields, value: Mapping[str, Any], more: bool = False) -> None:
    """Raises UsageError naming the first field that is missing, unknown (unless ``more``) or not what it must be."""
    for name, spec in fields.items():
        if name not in value:
            if spec.required:
                raise UsageError(f"{what}: '{name}' is missing")
            continue
        problem = spec.problem(value[name])
        if problem is not None:
            raise UsageError(f"{what}: '{name}' is {value[name]!r}; it {problem}")
    unknown = [name for name in value if name not in fields]
    if unknown and not more:
        raise UsageError(f"{what}: '{unknown[0]}' is not known; known are {', '.join(fields) or 'no fields'}")
    for name in unknown:
        _check_json(f"{what}: '{name}'", value[name])


def _check_json(where: str, value: Any) -> None:
    """Raises UsageError for what a session's events cannot hold."""
    if value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UsageError(f"{where} is {value!r}; it must be a finite number, or absent")
    elif isinstance(value, list | tuple):
        for one in value:
            _check_json(where, one)
    elif isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        for one in value.values():
            _check_json(where, one)
    else:
        raise UsageError(f"{where} is {value!r}; it must be something that JSON can say")
