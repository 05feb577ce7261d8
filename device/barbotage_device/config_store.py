"""The configuration file as a set of dotted keys that a host reads and changes: all or nothing, checked, written atomically."""

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from barbotage_device.config import DeviceConfig, load_config, parse_config
from barbotage_device.config_schema import CHOICES, EXAMPLE, HELP, MAXIMUM, MINIMUM, UNIT, documented_fields, render
from barbotage_device.errors import BarbotageError
from barbotage_device.link.errors import CallError, Code
from barbotage_device.session.files import replace_atomically

REVISION_LENGTH = 16
HEADING = "# Configuration of the Barbotage device, last changed by a host over the link or by barbotage-device setup.\n\n"


class ConfigStore:
    """The settings in ``path``; the defaults while there is no file. A running program notices changes when it starts anew."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def values(self) -> Mapping[str, Any]:
        """Every dotted key with its value; the name of a whole section with None where an optional section is absent."""
        return flatten(self._load())

    def revision(self) -> str:
        """A digest of the values: the same settings have the same revision."""
        return revision_of(self.values())

    def set(self, values: Mapping[str, Any]) -> bool:
        """Applies all or nothing. Raises CallError naming the key that is wrong, OSError when it cannot be written."""
        config = changed(self._load(), values)
        text = _text(config)
        if parse_config(tomllib.loads(text), self._path) != config:
            raise CallError(Code.INPUT_OUTPUT, "the configuration does not read back as it was written; nothing was changed")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_atomically(self._path, text.encode())
        return True

    def document(self) -> bytes:
        """The settings as the TOML file that ``--config`` reads, with unit, bounds and help as comments."""
        return _text(self._load()).encode()

    def _load(self) -> DeviceConfig:
        if not self._path.exists():
            return DeviceConfig()
        try:
            return load_config(self._path, {})
        except BarbotageError as error:
            raise CallError(Code.INPUT_OUTPUT, f"the device's configuration cannot be read: {error}") from error


def changed(config: DeviceConfig, values: Mapping[str, Any]) -> DeviceConfig:
    """``config`` with other values; None takes an optional section away, and gives a key its default. Raises CallError naming what is wrong."""
    optional = {key for key, value in flatten(DeviceConfig()).items() if value is None}
    known = {key for key, _, _ in documented_fields(DeviceConfig)} | optional
    for key, value in values.items():
        if isinstance(value, dict | list) or (value is None and key not in known):
            raise CallError(
                Code.BAD_REQUEST, f"'{key[:80]}' is no key that can have the value {value!r:.40}; sections are set key by key"
            )
    table = _table({**flatten(config), **values}, dropped={key for key, value in values.items() if value is None})
    try:
        return parse_config(table, Path("the configuration"))
    except BarbotageError as error:
        raise CallError(Code.BAD_REQUEST, str(error)) from error


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """The values of a configuration by their dotted keys."""
    flat: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            flat |= flatten(value, f"{prefix}{field.name}.")
        else:
            flat[prefix + field.name] = value
    return flat


def revision_of(values: Mapping[str, Any]) -> str:
    """The revision of a set of values."""
    canonical = json.dumps(dict(values), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:REVISION_LENGTH]


def schema_document() -> bytes:
    """Every key with type, unit, bounds, choices, default and help, as JSON."""
    defaults = flatten(DeviceConfig())
    entries = []
    for key, field, kind in documented_fields(DeviceConfig):
        metadata = field.metadata
        entry = {
            "key": key,
            "type": {int: "integer", float: "number", bool: "boolean"}.get(kind, "string"),
            "unit": metadata.get(UNIT, ""),
            "help": metadata.get(HELP, ""),
            "default": defaults.get(key),
        }
        entry |= {name: metadata[name] for name in (MINIMUM, MAXIMUM, CHOICES, EXAMPLE) if name in metadata}
        entries.append(entry)
    return (
        json.dumps({"schema": "barbotage.config", "version": 1, "keys": entries}, ensure_ascii=False, indent=1).encode() + b"\n"
    )


def _text(config: DeviceConfig) -> str:
    return HEADING + render(DeviceConfig, config)


def _table(values: Mapping[str, Any], dropped: set[str]) -> dict[str, Any]:
    """Dotted keys as nested tables; ``dropped`` sections, and whatever is None, are left out."""
    table: dict[str, Any] = {}
    for key, value in values.items():
        if value is None or any(key == section or key.startswith(f"{section}.") for section in dropped):
            continue
        *sections, name = key.split(".")
        inner = table
        for section in sections:
            inner = inner.setdefault(section, {})
            if not isinstance(inner, dict):
                raise CallError(Code.BAD_REQUEST, f"unknown key '{key[:80]}'")
        inner[name] = value
    return table
