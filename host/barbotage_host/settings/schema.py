"""What a device says about its settings (config-schema.json), and whether values fit. No I/O."""

import difflib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from barbotage_device.errors import UsageError
from barbotage_device.link.errors import LinkError

SCHEMA = "barbotage.config"
VERSION = 1
_TYPES: Mapping[str, tuple[type, str]] = {
    "integer": (int, "a whole number"),
    "number": (float, "a number"),
    "boolean": (bool, "true or false"),
    "string": (str, "a text"),
}
"""Of each type of the schema: what Python calls it, and people."""

Setting = int | float | bool | str | None
"""A value of a setting; None stands for an optional section that is absent."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A setting. ``default`` is None inside an optional section; ``required``: it must be given when its section is."""

    key: str
    type: str
    unit: str
    help: str
    default: Setting
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    required: bool

    @property
    def section(self) -> str:
        """The section that it stands in."""
        return self.key.rpartition(".")[0]

    @property
    def wanted(self) -> str:
        """What a value must be, with bounds and unit, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        unit = f" {self.unit}" if self.unit else ""
        bounds = "" if self.minimum is None or self.maximum is None else f" from {self.minimum:g} to {self.maximum:g}{unit}"
        return _TYPES[self.type][1] + bounds

    def check(self, value: object) -> Setting:
        """The value as the device keeps it. Raises UsageError naming key, value, bounds and unit."""
        kind = _TYPES[self.type][0]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value) if abs(value) < 2**53 else math.inf
        if type(value) is not kind or not isinstance(value, int | float | bool | str) or not self._fits(value):
            raise UsageError(f"'{self.key}' = {_shown(value)}: must be {self.wanted}")
        return value

    def _fits(self, value: float | bool | str) -> bool:
        if isinstance(value, str):
            return not self.choices or value in self.choices
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        return math.isfinite(value) and low <= value <= high


class Schema:
    """The settings of one device, by key."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = {entry.key: entry for entry in entries}
        self.optional = frozenset(entry.section for entry in self.entries.values() if entry.default is None)
        """Sections that may be absent: their keys have no value of their own then."""

    def check(self, values: Mapping[str, object]) -> dict[str, Setting]:
        """The values as the device keeps them. Raises UsageError for an unknown key (naming the nearest known one) and for a value that does not fit."""
        checked: dict[str, Setting] = {}
        for key, value in values.items():
            if value is None and key in self.optional:
                checked[key] = None
            elif key in self.entries:
                checked[key] = self.entries[key].check(value)
            else:
                raise UsageError(self._unknown(key))
        return checked

    def find(self, name: str) -> list[str]:
        """The keys that ``name`` stands for: itself, or those of the section. Raises UsageError."""
        if name in self.entries:
            return [name]
        found = [key for key in self.entries if key.startswith(f"{name}.")]
        if not found:
            raise UsageError(self._unknown(name))
        return found

    def factory(self) -> dict[str, Setting]:
        """Every key with the value of a new device; None for an optional section."""
        own = {key: entry.default for key, entry in self.entries.items() if entry.section not in self.optional}
        return own | dict.fromkeys(self.optional)

    def check_whole(self, values: Mapping[str, Setting]) -> None:
        """Raises UsageError when a section that is given lacks a key which it needs."""
        for section in sorted(self.optional):
            within = [entry for entry in self.entries.values() if entry.section == section]
            if not any(entry.key in values for entry in within):
                continue
            for entry in within:
                if entry.required and entry.key not in values:
                    raise UsageError(
                        f"'{entry.key}' is missing; the section [{section}] needs it: {entry.help} It is {entry.wanted}"
                    )

    def position(self, key: str) -> int:
        """Where a key, or a section, stands among the others."""
        order = [*self.entries]
        return next((order.index(each) for each in order if each == key or each.startswith(f"{key}.")), len(order))

    def unit(self, key: str) -> str:
        """The unit of a key, empty when it has none."""
        return self.entries[key].unit if key in self.entries else ""

    def _unknown(self, key: str) -> str:
        known = [*self.entries, *{entry.section for entry in self.entries.values()}]
        close = difflib.get_close_matches(key, known, n=1) or [each for each in known if each.rpartition(".")[2] == key][:1]
        hint = f"; did you mean '{close[0]}'?" if close else "; 'barbotage config get' lists the keys"
        return f"unknown key '{key[:80]}'{hint}"


def parse_schema(document: bytes) -> Schema:
    """The schema in the device's document. Raises LinkError when it is none, or of a newer version."""
    try:
        content = json.loads(document)
        if content["schema"] != SCHEMA or content["version"] != VERSION:
            raise LinkError(
                f"the device describes its settings as {content['schema']!s:.40} version {content['version']!s:.10}, this program reads "
                f"{SCHEMA} version {VERSION}; update Barbotage on this computer"
            )
        return Schema([_entry(each) for each in content["keys"]])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LinkError(f"the device's description of its settings cannot be read: {error!r}") from error


def _entry(values: Mapping[str, Any]) -> Entry:
    if values["type"] not in _TYPES:
        raise ValueError(f"type {values['type']!r:.40}")
    return Entry(
        key=str(values["key"]),
        type=values["type"],
        unit=str(values["unit"]),
        help=str(values["help"]),
        default=values["default"],
        minimum=_bound(values.get("min")),
        maximum=_bound(values.get("max")),
        choices=tuple(str(each) for each in values.get("choices", ())),
        required="example" in values,
    )


def _bound(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _shown(value: object) -> str:
    return f"{value!r:.60}"
