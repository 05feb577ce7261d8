"""Settings that carry their own unit, bounds and help, so that a configuration can list and check them."""

from dataclasses import Field, field, fields
from typing import TYPE_CHECKING, Any

from barbotage_device.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def bounded(default: float, unit: str, low: float, high: float, text: str) -> Any:
    """A dataclass field with its unit, its least and greatest value and a help text as metadata."""
    return field(default=default, metadata={"unit": unit, "min": low, "max": high, "help": text})


def check_bounds(settings: "DataclassInstance") -> None:
    """Raises ConfigError naming the first field whose value is outside its bounds (or not a number)."""
    for item in fields(settings):
        _check(item, getattr(settings, item.name), type(settings).__name__)


def _check(item: "Field[Any]", value: Any, owner: str) -> None:
    if "min" not in item.metadata:
        return
    low, high, unit = item.metadata["min"], item.metadata["max"], item.metadata["unit"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigError(f"{owner}.{item.name} is {value!r}; it must lie between {low} and {high} {unit}".rstrip())
