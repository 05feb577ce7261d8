"""Entries that are typed field by field: which fields, which question each asks, and what a typed text means. Nothing is pre-filled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from barbotage_device.bedside.keypad import number_of
from barbotage_device.bedside.procedure_signs import Said, Typing
from barbotage_device.bedside.texts import NARROW_SPACE, Texts
from barbotage_device.procedure.checklist import QUESTIONS, Item
from barbotage_device.procedure.entries import FIELDS
from barbotage_device.procedure.events import EventKind
from barbotage_device.procedure.fields import Choice, Field, Fields, Number
from barbotage_device.runtime.conduct.place import Page, Place

E = EventKind
FORM_KINDS: Mapping[Page, EventKind] = {Page.AGENT: E.AGENT, Page.NEEDLE: E.NEEDLE, Page.PAIN: E.PAIN, Page.SIGN: E.SIGN}
_WORD_KEYS = {"purpose": "purpose-", "when": "pain-", "modality": "modality-"}
"""How the words of a choice are found in the catalogue, by the field's name."""
_UNITS = {"degC": "°C", "months": "", "needles": ""}
"""Units as the screen writes them, where that differs."""
_TITLES = {"when": Said("event-pain"), "key": Said("event-signature")}


@dataclass(frozen=True, slots=True)
class Form:
    """Fields asked one after the other; ``kind`` is the event that they make together."""

    kind: EventKind
    fields: Fields

    @property
    def names(self) -> tuple[str, ...]:
        """The fields in the order asked."""
        return tuple(self.fields)

    def missing(self, draft: Mapping[str, Any]) -> tuple[str, ...]:
        """Fields without which it cannot be recorded."""
        return tuple(name for name, field in self.fields.items() if getattr(field, "required", False) and name not in draft)


def form_of(place: Place) -> Form | None:
    """The form of a page; None where the page is none."""
    if place.page is Page.DETAILS:
        return Form(E.ANSWER, QUESTIONS[Item(place.draft["item"])].details)
    kind = FORM_KINDS.get(place.page)
    return None if kind is None else Form(kind, FIELDS[kind])


def title_of(page: Page, name: str) -> Said:
    """What a field asks."""
    return Said(f"detail-{name}") if page is Page.DETAILS else _TITLES.get(name, Said(f"entry-{name}"))


def word_key(name: str, word: str) -> str | None:
    """The catalogue's key of a word of a choice; None where the field is no choice."""
    prefix = _WORD_KEYS.get(name)
    return None if prefix is None else prefix + word


def typing_of(field: Field) -> Typing | None:
    """Which keypad a field needs; None where buttons answer it."""
    if isinstance(field, Choice):
        return None
    return Typing.NUMBER if isinstance(field, Number) else Typing.TEXT


def unit_of(field: Field) -> str:
    """The unit shown behind what is typed; units that are words stand in the question itself."""
    return _UNITS.get(field.unit, field.unit) if isinstance(field, Number) else ""


def value_of(field: Field, text: str) -> Any:
    """What a typed text means; None when the field does not take it."""
    if not isinstance(field, Number):
        value: Any = text.strip()
        return None if field.problem(value) else value
    number = number_of(text)
    if number is None:
        return None
    value = int(number) if number.is_integer() else number
    return None if field.problem(value) else value


def told(value: Any, texts: Texts) -> str:
    """A recorded value in words: numbers in the language's form."""
    if isinstance(value, bool):
        return texts("answer-yes" if value else "answer-no")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:g}".replace(".", texts.number(0.5)[1])
    return str(value)


def summary_of(fields: Fields, values: Mapping[str, Any], texts: Texts) -> str:
    """What these fields hold, in one line, with units."""
    return ", ".join(_words(name, field, values[name], texts) for name, field in fields.items() if name in values)


def lines_of(place: Place, form: Form, texts: Texts) -> tuple[tuple[Said, str], ...]:
    """What a form holds so far, a line a field, below its name: to be read before it is recorded."""
    held = [(title_of(place.page, name), _words(name, field, place.draft[name], texts)) for name, field in _held(place, form)]
    return ((Said(f"event-{form.kind}"), ""), *held)


def _held(place: Place, form: Form) -> list[tuple[str, Field]]:
    return [(name, field) for name, field in form.fields.items() if name in place.draft]


def _words(name: str, field: Field, value: Any, texts: Texts) -> str:
    unit, key = unit_of(field), word_key(name, value) if isinstance(value, str) else None
    words = texts(key) if key is not None and texts.has(key) else told(value, texts)
    return f"{words}{NARROW_SPACE}{unit}" if unit else words
