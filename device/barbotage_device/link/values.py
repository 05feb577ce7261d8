"""Reading the values of a message strictly: a missing key or a wrong type is a bad request that names method and key."""

from collections.abc import Mapping
from typing import Any

from barbotage_device.link.cbor import INTEGER_MAX
from barbotage_device.link.errors import CallError, Code

MAX_TEXT = 1024


class Values:
    """A map from the other end; each method gives one value or raises CallError(BAD_REQUEST)."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = values
        self._where = where

    def text(self, key: str, default: str | None = None, longest: int = MAX_TEXT) -> str:
        """A text of at most ``longest`` characters."""
        value = self._values.get(key, default)
        if not isinstance(value, str) or len(value) > longest:
            raise self._wrong(key, value, f"text of at most {longest} characters")
        return value

    def whole(self, key: str, default: int | None = None, lowest: int = 0, highest: int = INTEGER_MAX) -> int:
        """A whole number within bounds."""
        value = self._values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise self._wrong(key, value, f"a whole number from {lowest} to {highest}")
        return value

    def number(self, key: str, default: float | None = None, lowest: float = 0.0, highest: float = 1e18) -> float:
        """A finite number within bounds."""
        value = self._values.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not lowest <= value <= highest:
            raise self._wrong(key, value, f"a number from {lowest} to {highest}")
        return float(value)

    def flag(self, key: str, default: bool | None = None) -> bool:
        """True or false."""
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def octets(self, key: str, length: int | None = None) -> bytes:
        """Bytes, of ``length`` when it is given."""
        value = self._values.get(key)
        if not isinstance(value, bytes) or (length is not None and len(value) != length):
            raise self._wrong(key, value, "bytes" if length is None else f"{length} bytes")
        return value

    def texts(self, key: str, most: int) -> tuple[str, ...]:
        """A list of at most ``most`` texts."""
        value = self._values.get(key)
        if not isinstance(value, list) or len(value) > most or not all(isinstance(each, str) for each in value):
            raise self._wrong(key, value, f"a list of at most {most} texts")
        return tuple(value)

    def map(self, key: str) -> Mapping[str, Any]:
        """A map with text keys."""
        value = self._values.get(key)
        if not isinstance(value, dict):
            raise self._wrong(key, value, "a map")
        return value

    def maps(self, key: str) -> "tuple[Values, ...]":
        """A list of maps."""
        value = self._values.get(key)
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self._wrong(key, value, "a list of maps")
        return tuple(Values(each, f"{self._where}.{key}") for each in value)

    def whole_or_none(self, key: str) -> int | None:
        """A whole number, None when it is absent or null."""
        return None if self._values.get(key) is None else self.whole(key, lowest=-INTEGER_MAX)

    def number_or_none(self, key: str) -> float | None:
        """A number, None when it is absent or null."""
        return None if self._values.get(key) is None else self.number(key, lowest=-1e18)

    def all(self) -> dict[str, Any]:
        """Every value, unchecked."""
        return dict(self._values)

    def known(self, keys: tuple[str, ...]) -> dict[str, Any]:
        """The values of these keys, as far as they are there, unchecked."""
        return {key: self._values[key] for key in keys if key in self._values}

    def wrong(self, key: str, wanted: str) -> CallError:
        """The error for a value that is well-formed but not acceptable."""
        return self._wrong(key, self._values.get(key), wanted)

    def _wrong(self, key: str, value: object, wanted: str) -> CallError:
        got = "missing" if value is None else f"{value!r:.60}"
        return CallError(Code.BAD_REQUEST, f"{self._where}: '{key}' is {got}, must be {wanted}")
