"""The table written out for both sides: MicroPython constants for the pod, dataclasses for the device."""

import re
from collections.abc import Callable
from pathlib import Path

from barbotage_firmware_tools.places import Places
from barbotage_firmware_tools.protocol.table import Field, Message, Named, Table

_NOTE = "Generated from device/pod/protocol.json by ``barbotage-pod protocol --write``; do not edit."


def pod_module(table: Table) -> str:
    """The source of ``device/pod/pod/protocol.py``."""
    lines = [f"# Ids and layouts of the link. {_NOTE}", "from micropython import const", ""]
    lines += [
        f"PROTOCOL = const({table.protocol})",
        f"FRAME_BYTES = const({table.frame_bytes})",
        f"PAYLOAD_MAX_BYTES = const({table.payload_max_bytes})",
        f"SAMPLES_PER_PRESSURE_FRAME = const({table.samples_per_pressure_frame})",
    ]
    lines += [f"{name.upper()}_MS = const({value})" for name, value in table.timing_ms.items()]
    lines += [f"{name.upper()}_MAGIC = const(0x{value:08X})" for name, value in table.magic.items()]
    for message in table.messages:
        lines += ["", f"{message.name.upper()} = const(0x{message.id:02X})"]
        if message.fields:
            lines += [f'{message.name.upper()}_LAYOUT = "{message.format}"']
    for named in table.enums:
        lines += ["", *(f"{_snake(named.name)}_{name.upper()} = const({value})" for name, value in named.values.items())]
    for named in table.flags:
        lines += ["", *(f"{_snake(named.name)}_{name.upper()} = const(0x{1 << bit:02X})" for name, bit in named.values.items())]
    lines += ["", "# Command id: layout of its payload.", "COMMANDS = {"]
    lines += [f'    0x{m.id:02X}: "{m.format}",  # {m.name}' for m in table.messages if m.sender == "device"]
    lines += ["}", "", f"SETTINGS_VERSION = const({table.settings_version})"]
    lines += ["# Name: (key, default, lowest, highest).", "SETTINGS = {"]
    lines += [f'    "{s.name}": ({s.key}, {s.default}, {s.low}, {s.high}),' for s in table.settings]
    return "\n".join([*lines, "}", ""])


def device_module(table: Table) -> str:
    """The source of ``device/barbotage_device/probe_pod/protocol.py``."""
    lines = [
        f'"""Ids and layouts of the probe pod\'s link. {_NOTE}"""',
        "",
        "from dataclasses import dataclass",
        "from enum import IntEnum, IntFlag",
        "from struct import Struct",
        "from typing import ClassVar, Final",
        "",
        f"PROTOCOL: Final = {table.protocol}",
        f"FRAME_BYTES: Final = {table.frame_bytes}",
        f"PAYLOAD_MAX_BYTES: Final = {table.payload_max_bytes}",
    ]
    lines += [f"{name.upper()}_MS: Final = {value}" for name, value in table.timing_ms.items()]
    lines += [f"{name.upper()}_MAGIC: Final = 0x{value:08X}" for name, value in table.magic.items()]
    for named in table.enums:
        lines += _enum(named, "IntEnum", lambda value: value)
    for named in table.flags:
        lines += _enum(named, "IntFlag", lambda bit: 1 << bit)
    for message in table.messages:
        lines += _dataclass(message)
    for sender, name in (("pod", "PodMessage"), ("device", "Command")):
        classes = [m.class_name for m in table.messages if m.sender == sender]
        lines += ["", "", f"{name} = {' | '.join(classes)}"]
    lines += ["", "MESSAGES: Final[dict[int, type[PodMessage]]] = {"]
    lines += [f"    {m.id}: {m.class_name}," for m in table.messages if m.sender == "pod"]
    lines += ["}", '"""Everything that the pod sends, by its id."""', ""]
    lines += [
        "",
        "@dataclass(frozen=True, slots=True)",
        "class SettingBounds:",
        '    """A value of the pod\'s configuration."""',
        "",
    ]
    lines += ["    key: int", "    default: int", "    low: int", "    high: int", "    help: str", "", ""]
    lines += [f"SETTINGS_VERSION: Final = {table.settings_version}", "SETTINGS: Final[dict[str, SettingBounds]] = {"]
    lines += [f'    "{s.name}": SettingBounds({s.key}, {s.default}, {s.low}, {s.high}, "{s.help}"),' for s in table.settings]
    return "\n".join([*lines, "}", ""])


def generated_files(table: Table, where: Places) -> dict[Path, str]:
    """What is generated, by the file that it goes to."""
    device = where.sources.parent / "barbotage_device" / "probe_pod" / "protocol.py"
    return {where.sources / "pod" / "protocol.py": pod_module(table), device: device_module(table)}


def outdated(files: dict[Path, str]) -> list[Path]:
    """Which of the generated files are not what the table says."""
    return [path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]


def _enum(named: Named, base: str, value_of: Callable[[int], int]) -> list[str]:
    lines = ["", "", f"class {named.name}({base}):", f'    """{named.help}"""', ""]
    return lines + [f"    {name.upper()} = {value_of(value)}" for name, value in named.values.items()]


def _dataclass(message: Message) -> list[str]:
    lines = ["", "", "@dataclass(frozen=True, slots=True)", f"class {message.class_name}:", f'    """{message.help}"""', ""]
    lines += [f"    ID: ClassVar[int] = {message.id}", f'    LAYOUT: ClassVar[Struct] = Struct("{message.format}")', ""]
    for field in message.fields:
        lines += [f"    {field.name}: {_type(field)}", f'    """{field.help[0].upper()}{field.help[1:]}."""']
    if message.fields:
        lines += [""]
    if message.sender == "pod":
        return lines + _unpack(message)
    values = ", ".join(f"self.{field.name}" for field in message.fields)
    return [*lines, "    def pack(self) -> bytes:", '        """The payload."""', f"        return self.LAYOUT.pack({values})"]


def _unpack(message: Message) -> list[str]:
    head = ["    @classmethod", f'    def unpack(cls, payload: bytes) -> "{message.class_name}":']
    head += ['        """The message in a payload. Raises struct.error when its length is wrong."""']
    if all(field.count == 1 for field in message.fields):
        return [*head, "        return cls(*cls.LAYOUT.unpack(payload))"]
    arguments, at = [], 0
    for field in message.fields:
        arguments.append(f"values[{at}]" if field.count == 1 else f"values[{at}:{at + field.count}]")
        at += field.count
    return [*head, "        values = cls.LAYOUT.unpack(payload)", f"        return cls({', '.join(arguments)})"]


def _type(field: Field) -> str:
    if field.is_bytes:
        return "bytes"
    return "int" if field.count == 1 else "tuple[int, ...]"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
