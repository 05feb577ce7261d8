"""Counts, times and errors of devices as a person reads them."""

from typing import Any


def size(count: float) -> str:
    """A number of bytes, decimal units."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count:.0f} B"


def duration(seconds: float) -> str:
    """A length of time, rounded to what matters."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def flat(facts: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested facts as rows of dotted key and value."""
    rows: list[tuple[str, Any]] = []
    for key, value in facts.items():
        rows += flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return rows


def plural(count: int, thing: str) -> str:
    """So many of a thing."""
    return f"{count} {thing}{'s' * (count != 1)}"
