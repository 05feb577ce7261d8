"""What a hand asks for, as text: parsed strictly, and made into an event of the procedure where it is one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from barbotage_device.errors import UsageError
from barbotage_device.procedure.checklist import QUESTIONS, Item
from barbotage_device.procedure.entries import (
    ABORT_REASONS,
    AGENT_PURPOSES,
    COMPLICATIONS,
    PLANES,
    RESIDUALS,
    SIDES,
    SKIP_REASONS,
    TURBIDITIES,
)
from barbotage_device.procedure.events import EventKind, Value
from barbotage_device.procedure.fields import Choice
from barbotage_device.procedure.guidance_side import Body
from barbotage_device.runtime.conduct.place import Page

E = EventKind
Words = tuple[str, ...]

_PLAIN: Mapping[str, EventKind] = {
    "accept": E.ACCEPT,
    "confirm": E.CONFIRM,
    "pause": E.PAUSE,
    "resume": E.RESUME,
    "fragment": E.FRAGMENT,
    "patient-event": E.PATIENT_EVENT,
    "syringe-change": E.SYRINGE,
    "needling-pass": E.PASS,
}
"""Wishes that are an event without a value."""

_CODED: Mapping[str, tuple[EventKind, str, Words]] = {
    "skip": (E.SKIP, "reason", SKIP_REASONS),
    "abort": (E.ABORT, "reason", ABORT_REASONS),
    "plane": (E.PLANE, "plane", PLANES),
    "turbidity": (E.TURBIDITY, "turbidity", TURBIDITIES),
    "distension": (E.DISTENSION, "seen", ("yes", "no", "unknown")),
    "residual": (E.RESIDUAL, "residual", RESIDUALS),
    "complication": (E.COMPLICATION, "complication", COMPLICATIONS),
}
"""Wishes that are an event with one word: its kind, the word's name and the words there are."""

MEASURED = ("target", "release", "measure", "tip-verified")
"""Wishes whose value the device sees: what exactly is added by the conductor."""
_CHOICES = tuple(dict.fromkeys((*AGENT_PURPOSES, "rest", "motion", "night", "XR", "US", "CT", "MR", "NM")))
_OTHERS: Mapping[str, tuple[Words, ...]] = {
    **dict.fromkeys((*MEASURED, "next", "back", "more", "clear", "record", "continue", "new", "end"), ()),
    "plan": (SIDES,),
    "open": (tuple(Page),),
    "choose": (_CHOICES,),
    "marker": (SIDES,),
    "toward": (tuple(Body),),
    "cleared": (tuple(Item),),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A verb with its words, all of them known."""

    verb: str
    words: Words = ()


def parse(text: str) -> Wish:
    """The wish in a text such as ``answer:consent:yes``. Raises UsageError, naming it, for anything that no button asks for."""
    verb, *words = text.split(":")
    if verb == "answer":
        _check_answer(text, words)
    else:
        expected = _expected(verb)
        if (
            expected is None
            or len(words) != len(expected)
            or any(w not in known for w, known in zip(words, expected, strict=True))
        ):
            raise UsageError(f"wish {text!r} is not known; it is ignored")
    return Wish(verb, tuple(words))


def event_of(wish: Wish) -> tuple[EventKind, Value] | None:
    """Kind and value of the event that a wish is; None when the program, not the procedure, does it, or what is seen belongs to it."""
    if wish.verb in _PLAIN:
        return _PLAIN[wish.verb], {}
    if wish.verb in _CODED:
        kind, name, _ = _CODED[wish.verb]
        return kind, {name: wish.words[0]}
    if wish.verb == "answer":
        value: dict[str, Any] = {"item": wish.words[0], "answer": wish.words[1]}
        return E.ANSWER, value
    if wish.verb == "cleared":
        return E.ANSWER, {"item": wish.words[0], "cleared": True}
    return None


def _expected(verb: str) -> tuple[Words, ...] | None:
    if verb in _PLAIN:
        return ()
    if verb in _CODED:
        return (_CODED[verb][2],)
    return _OTHERS.get(verb)


def _check_answer(text: str, words: list[str]) -> None:
    """A checklist answer by button: only of an item that is answered with a word."""
    field = QUESTIONS[Item(words[0])].answer if len(words) == 2 and words[0] in set(Item) else None
    if not isinstance(field, Choice) or words[1] not in field.words:
        raise UsageError(f"wish {text!r} is no answer of the checklist; it is ignored")
