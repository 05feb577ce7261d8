"""Strict reading of a JSON object, field by field, with errors that name the place."""

from collections.abc import Sequence
from typing import Any, TypeVar

from barbotage_device.session.errors import SessionError

Choice = TypeVar("Choice", bound=str)


class Fields:
    """One JSON object; ``where`` names it in errors. Every method raises SessionError when the field is missing or of another type."""

    def __init__(self, document: object, where: str) -> None:
        if not isinstance(document, dict):
            raise SessionError(f"{where}: must be a JSON object, is {type(document).__name__}")
        self._document: dict[str, Any] = document
        self.where = where

    def _get(self, key: str) -> Any:
        if key not in self._document:
            raise SessionError(f"{self.where}: {key!r} is missing")
        return self._document[key]

    def _wrong(self, key: str, expected: str) -> SessionError:
        return SessionError(f"{self.where}: {key!r} is {self._document[key]!r:.60}, must be {expected}")

    def has(self, key: str) -> bool:
        """Whether the field is there: for what older files do not hold."""
        return key in self._document

    def text(self, key: str) -> str:
        """A text."""
        value = self._get(key)
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        return value

    def text_or_none(self, key: str) -> str | None:
        """A text or null."""
        return None if self._get(key) is None else self.text(key)

    def whole(self, key: str) -> int:
        """A whole number."""
        value = self._get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(key, "a whole number")
        return value

    def whole_or_none(self, key: str) -> int | None:
        """A whole number or null."""
        return None if self._get(key) is None else self.whole(key)

    def number(self, key: str) -> float:
        """A number."""
        value = self._get(key)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._wrong(key, "a number")
        return float(value)

    def number_or_none(self, key: str) -> float | None:
        """A number or null."""
        return None if self._get(key) is None else self.number(key)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def choice(self, key: str, choices: Sequence[Choice]) -> Choice:
        """One of some texts."""
        value = self.text(key)
        for each in choices:
            if value == each:
                return each
        raise self._wrong(key, "one of " + ", ".join(choices))

    def choice_or_none(self, key: str, choices: Sequence[Choice]) -> Choice | None:
        """One of some texts or null."""
        return None if self._get(key) is None else self.choice(key, choices)

    def pair_or_none(self, key: str) -> tuple[float, float] | None:
        """Two numbers or null."""
        value = self._get(key)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2 or not all(isinstance(each, int | float) for each in value):
            raise self._wrong(key, "two numbers or null")
        return float(value[0]), float(value[1])

    def part(self, key: str) -> "Fields":
        """An object."""
        return Fields(self._get(key), f"{self.where}: {key}")

    def part_or_none(self, key: str) -> "Fields | None":
        """An object or null."""
        return None if self._get(key) is None else self.part(key)

    def parts(self, key: str) -> list["Fields"]:
        """A list of objects."""
        value = self._get(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return [Fields(each, f"{self.where}: {key}[{index}]") for index, each in enumerate(value)]

    def text_list(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self._get(key)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._wrong(key, "a list of texts")
        return tuple(value)

    def texts(self, key: str, names: Sequence[str]) -> dict[str, str]:
        """An object's named texts."""
        inner = self.part(key)
        return {name: inner.text(name) for name in names}

    def counts(self, key: str) -> dict[str, int]:
        """An object of whole numbers."""
        value = self._get(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        inner = Fields(value, f"{self.where}: {key}")
        return {name: inner.whole(name) for name in value}
