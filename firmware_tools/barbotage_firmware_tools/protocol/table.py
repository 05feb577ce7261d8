"""The table of ids and layouts of the pod's link, as typed values."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from barbotage_device.errors import InvalidInputError

_SCALARS = {"u8": "B", "u16": "H", "u32": "I", "i16": "h", "i32": "i"}
FRAME_OVERHEAD_BYTES = 9
"""Leading zero, COBS code, id, sequence, CRC-32 (4), closing zero."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message. ``format`` is its part of a struct format, ``count`` how many numbers it holds (1 for bytes)."""

    name: str
    format: str
    count: int
    is_bytes: bool
    help: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its id, who sends it, and the layout of its payload (little endian, packed)."""

    id: int
    name: str
    sender: Literal["pod", "device"]
    help: str
    fields: tuple[Field, ...]

    @property
    def format(self) -> str:
        """The struct format of the payload."""
        return "<" + "".join(field.format for field in self.fields)

    @property
    def class_name(self) -> str:
        """Its dataclass on the device's side."""
        return "".join(part.capitalize() for part in self.name.split("_"))


@dataclass(frozen=True, slots=True)
class Named:
    """Named numbers: the values of an enumeration, or the bits of flags."""

    name: str
    help: str
    values: dict[str, int]


@dataclass(frozen=True, slots=True)
class Setting:
    """A value of the pod's configuration with its bounds."""

    key: int
    name: str
    default: int
    low: int
    high: int
    help: str


@dataclass(frozen=True, slots=True)
class Table:
    """The whole table."""

    protocol: int
    frame_bytes: int
    payload_max_bytes: int
    samples_per_pressure_frame: int
    enums: tuple[Named, ...]
    flags: tuple[Named, ...]
    messages: tuple[Message, ...]
    magic: dict[str, int]
    timing_ms: dict[str, int]
    settings_version: int
    settings: tuple[Setting, ...]


def read_table(path: Path) -> Table:
    """The table in ``path``. Raises InvalidInputError when it contradicts itself."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    table = Table(
        protocol=document["protocol"],
        frame_bytes=document["frame_bytes"],
        payload_max_bytes=document["payload_max_bytes"],
        samples_per_pressure_frame=document["samples_per_pressure_frame"],
        enums=tuple(Named(name, one["help"], one["values"]) for name, one in document["enums"].items()),
        flags=tuple(Named(name, one["help"], one["bits"]) for name, one in document["flags"].items()),
        messages=tuple(_message(one) for one in document["messages"]),
        magic=document["magic"],
        timing_ms=document["timing_ms"],
        settings_version=document["settings_version"],
        settings=tuple(
            Setting(one["key"], one["name"], one["default"], one["min"], one["max"], one["help"]) for one in document["settings"]
        ),
    )
    _check(table, path)
    return table


def _message(one: dict[str, Any]) -> Message:
    return Message(one["id"], one["name"], one["from"], one["help"], tuple(_field(*field) for field in one["fields"]))


def _field(name: str, kind: str, help_text: str) -> Field:
    if kind.startswith("bytes"):
        return Field(name, f"{int(kind[5:])}s", 1, True, help_text)
    base, _, count = kind.partition("x")
    if base not in _SCALARS:
        raise InvalidInputError(f"protocol table: field {name!r} has the unknown type {kind!r}")
    return Field(name, f"{count}{_SCALARS[base]}", int(count or 1), False, help_text)


def _check(table: Table, path: Path) -> None:
    if table.payload_max_bytes != table.frame_bytes - FRAME_OVERHEAD_BYTES:
        raise InvalidInputError(f"{path}: payload_max_bytes must be frame_bytes - {FRAME_OVERHEAD_BYTES}")
    for kind, numbers in (("message id", [m.id for m in table.messages]), ("setting key", [s.key for s in table.settings])):
        twice = {number for number in numbers if numbers.count(number) > 1}
        if twice:
            raise InvalidInputError(f"{path}: {kind} used twice: {sorted(twice)}")
    clash = {named.name for named in (*table.enums, *table.flags)} & {message.class_name for message in table.messages}
    if clash:
        raise InvalidInputError(f"{path}: names of both an enumeration and a message: {sorted(clash)}")
    for message in table.messages:
        size = struct.calcsize(message.format)
        if size > table.payload_max_bytes:
            raise InvalidInputError(
                f"{path}: message {message.name} has {size} bytes; {table.payload_max_bytes} fit into a frame"
            )
        if (message.id >= 64) != (message.sender == "device"):
            raise InvalidInputError(f"{path}: message {message.name}: the pod's ids are 1 to 63, the device's from 64")
    for setting in table.settings:
        if not setting.low <= setting.default <= setting.high:
            raise InvalidInputError(f"{path}: setting {setting.name}: the default {setting.default} is out of its bounds")
