"""What differs between two sets of settings, and how a person reads it. No I/O."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from barbotage_host.settings.schema import Schema, Setting


@dataclass(frozen=True, slots=True)
class Difference:
    """A key with two values; None where it is absent."""

    key: str
    device: Setting
    other: Setting
    unit: str


def whole(values: Mapping[str, Setting], schema: Schema) -> dict[str, Setting]:
    """Every key of the schema with its value, keys of absent sections left out: what two configurations are compared by."""
    return {key: value for key, value in values.items() if key in schema.entries and value is not None}


def merged(present: Mapping[str, Setting], changes: Mapping[str, Setting], schema: Schema) -> dict[str, Setting]:
    """``present`` with ``changes``; a section changed to None is gone."""
    gone = tuple(f"{key}." for key, value in changes.items() if value is None)
    kept = {key: value for key, value in whole(present, schema).items() if not gone or not key.startswith(gone)}
    return kept | whole(changes, schema)


def differences(present: Mapping[str, Setting], wanted: Mapping[str, Setting], schema: Schema) -> list[Difference]:
    """The keys in which two configurations differ, in the order of the schema."""
    mine, theirs = whole(present, schema), whole(wanted, schema)
    return [
        Difference(key, mine.get(key), theirs.get(key), entry.unit)
        for key, entry in schema.entries.items()
        if mine.get(key) != theirs.get(key) or type(mine.get(key)) is not type(theirs.get(key))
    ]


def as_changes(found: list[Difference], schema: Schema) -> dict[str, Setting]:
    """What to send so that the device's values become the other ones: only what differs, a section that goes by its name."""
    changes: dict[str, Setting] = {}
    for each in found:
        section = schema.entries[each.key].section
        if each.other is None and section in schema.optional:
            changes[section] = None
        else:
            changes[each.key] = each.other
    return changes


def shown(value: Setting, unit: str = "") -> str:
    """A value as TOML writes it, with its unit; "absent" for none."""
    if value is None:
        return "absent"
    return json.dumps(value, ensure_ascii=False) + (f" {unit}" if unit else "")
