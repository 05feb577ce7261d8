"""TOML tables to and from frozen dataclasses whose fields state unit, bounds and help in their metadata."""

import dataclasses
import difflib
import json
import math
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from barbotage_device.errors import BarbotageError, ConfigError

T = TypeVar("T")

UNIT, MINIMUM, MAXIMUM, HELP, CHOICES, EXAMPLE = "unit", "min", "max", "help", "choices", "example"
"""The metadata keys of a field. ``unit`` and ``help`` are on every value field, ``min`` and ``max`` on every number,
``choices`` on a string with few values, ``example`` on a field without a default."""

_TYPE_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text in quotes"}


def setting(
    help_text: str, *, unit: str = "", bounds: tuple[float, float] | None = None, choices: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The metadata of a field, for ``dataclasses.field(metadata=...)``. ``bounds`` are inclusive."""
    metadata: dict[str, Any] = {HELP: help_text, UNIT: unit}
    if bounds is not None:
        metadata[MINIMUM], metadata[MAXIMUM] = bounds
    if choices:
        metadata[CHOICES] = choices
    return metadata


def build(cls: type[T], table: Mapping[str, Any], file: Path, prefix: str = "") -> T:
    """The dataclass ``cls`` with the values of a TOML table; what the table leaves out keeps its default.

    Raises ConfigError, naming file and key, for an unknown key (with the nearest known one), a missing key without a default, a wrong
    type, and a value out of bounds or not among the choices.
    """
    hints = typing.get_type_hints(cls)
    known = {field.name: field for field in _fields(cls)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise ConfigError(f"{file}: unknown key '{prefix}{key}'{_nearest(key, known, prefix)}")
        values[key] = _value(known[key], hints[key], value, file, prefix + key)
    for name, field in known.items():
        if name not in values and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ConfigError(f"{file}: '{prefix}{name}' is missing; {field.metadata.get(HELP, 'it has no default')}")
    try:
        return cls(**values)
    except (BarbotageError, ValueError) as error:
        raise ConfigError(f"{file}: section '{prefix.rstrip('.') or 'top level'}': {error}") from error


def render(cls: type[Any], defaults: Any, prefix: str = "") -> str:
    """A documented TOML text of ``defaults``, an instance of ``cls``. Optional sections are written as comments."""
    hints = typing.get_type_hints(cls)
    lines: list[str] = []
    sections: list[str] = []
    for field in _fields(cls):
        value = getattr(defaults, field.name)
        inner, optional = _section_of(hints[field.name])
        if inner is None:
            lines += [*_comment(field), f"{field.name} = {_literal(value)}", ""]
        elif optional and value is None:
            sections.append(_optional_section(inner, prefix + field.name, field))
        else:
            body = render(inner, value, f"{prefix}{field.name}.")
            sections.append(f"{_heading(field)}[{prefix}{field.name}]\n{body}")
    return "\n".join([*lines, *sections])


def documented_fields(cls: type[Any], prefix: str = "") -> Iterator[tuple[str, "dataclasses.Field[Any]", type[Any]]]:
    """Every value field at any depth: its dotted key, the field, its type."""
    hints = typing.get_type_hints(cls)
    for field in _fields(cls):
        inner, _ = _section_of(hints[field.name])
        if inner is None:
            yield prefix + field.name, field, hints[field.name]
        else:
            yield from documented_fields(inner, f"{prefix}{field.name}.")


def _value(field: "dataclasses.Field[Any]", hint: Any, value: Any, file: Path, key: str) -> Any:
    inner, _ = _section_of(hint)
    if inner is not None:
        if not isinstance(value, dict):
            raise ConfigError(f"{file}: '{key}' must be a section [{key}], not {value!r}")
        return build(inner, value, file, key + ".")
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:  # not isinstance: True is an int in Python, not in TOML
        raise ConfigError(f"{file}: '{key}' = {value!r}: must be {_TYPE_WORDS.get(hint, hint)}{_bounds_words(field)}")
    choices = field.metadata.get(CHOICES, ())
    if choices and value not in choices:
        raise ConfigError(f"{file}: '{key}' = {value!r}: must be one of {', '.join(map(repr, choices))}")
    if isinstance(value, (int, float)) and not _within(field, value):
        raise ConfigError(f"{file}: '{key}' = {value!r}: must be{_bounds_words(field)}")
    return value


def _within(field: "dataclasses.Field[Any]", value: float) -> bool:
    low, high = field.metadata.get(MINIMUM, -math.inf), field.metadata.get(MAXIMUM, math.inf)
    return math.isfinite(value) and bool(low <= value <= high)


def _bounds_words(field: "dataclasses.Field[Any]") -> str:
    metadata = field.metadata
    if MINIMUM not in metadata and MAXIMUM not in metadata:
        return " a finite number" if field.type in (float, "float") else ""
    unit = f" {metadata[UNIT]}" if metadata.get(UNIT) else ""
    return f" between {metadata.get(MINIMUM, '-inf')} and {metadata.get(MAXIMUM, 'inf')}{unit}"


def _nearest(key: str, known: Mapping[str, Any], prefix: str) -> str:
    close = difflib.get_close_matches(key, list(known), n=1)
    if close:
        return f"; did you mean '{prefix}{close[0]}'?"
    return f"; known keys: {', '.join(known)}"


def _section_of(hint: Any) -> tuple[type[Any] | None, bool]:
    """The dataclass that a field holds, and whether it may be absent; (None, False) for a plain value."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return hint, False
    if isinstance(hint, types.UnionType):
        inner = [part for part in hint.__args__ if part is not type(None)]
        if len(inner) == 1 and dataclasses.is_dataclass(inner[0]) and isinstance(inner[0], type):
            return inner[0], True
    return None, False


def _fields(cls: Any) -> tuple["dataclasses.Field[Any]", ...]:
    return dataclasses.fields(cls)


def _heading(field: "dataclasses.Field[Any]") -> str:
    text = field.metadata.get(HELP, "")
    return f"# {text}\n" if text else ""


def _comment(field: "dataclasses.Field[Any]") -> list[str]:
    metadata = field.metadata
    choices = metadata.get(CHOICES, ())
    limits = f" One of {', '.join(map(repr, choices))}." if choices else ""
    if MINIMUM in metadata or MAXIMUM in metadata:
        limits = f" From {metadata.get(MINIMUM, '-inf')} to {metadata.get(MAXIMUM, 'inf')}{' ' + metadata[UNIT] if metadata.get(UNIT) else ''}."
    return [f"# {str(metadata.get(HELP, field.name)).rstrip('.')}.{limits}"]


def _optional_section(cls: type[Any], key: str, field: "dataclasses.Field[Any]") -> str:
    lines = [*(_heading(field).splitlines()), f"# [{key}]"]
    for inner in _fields(cls):
        example = inner.metadata.get(EXAMPLE, inner.default)
        lines.append(f"# {inner.name} = {_literal(example)}    {_comment(inner)[0]}")
    return "\n".join(lines) + "\n"


def _literal(value: Any) -> str:
    """A TOML value; JSON writes numbers, booleans and basic strings alike."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")  # the one character that JSON leaves bare and TOML does not
