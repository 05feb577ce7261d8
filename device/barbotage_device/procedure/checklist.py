"""The checklist: its items, the answers that each takes, and which answers stop the procedure. Nothing is ever filled in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from barbotage_device.errors import UsageError
from barbotage_device.procedure.events import Reason
from barbotage_device.procedure.fields import Choice, Date, Field, Fields, Flag, Number, Text, check

NOT_KNOWN = ("unknown", "not-asked", "not-applicable")
"""What every coded question may also be answered with (case record, clinical facts 6.3)."""
YES_NO = Choice(("yes", "no", *NOT_KNOWN), required=True)
SIDE = Choice(("left", "right", *NOT_KNOWN), required=True)
YES, NO = "yes", "no"
MAX_MONTHS = 600.0
"""Fifty years of symptoms: more is a slip of typing."""
MAX_HELD_H = 2160.0
"""An anticoagulant held for 90 days is not an anticoagulant that the patient takes."""


class Item(StrEnum):
    """What is asked before the needle; ``check-`` and the value is the text key."""

    IDENTITY = "identity-key"
    SIDE = "side"
    SIDE_ON_RECORD = "side-on-record"
    CONSENT = "consent"
    ALLERGY = "allergy"
    ANTICOAGULANT = "anticoagulant"
    INFECTION = "infection"
    PRIOR_IMAGING = "prior-imaging"
    SYMPTOMS = "symptom-duration"
    FOP = "fop"
    FORM = "deposit-form"
    """As earlier imaging shows it: some forms are, by published criteria, no candidates (clinical facts 1.1)."""


@dataclass(frozen=True, slots=True)
class Question:
    """How an item is answered: the ``answer`` itself, and what may be told with it."""

    answer: Field
    details: Fields = field(default_factory=dict)

    @property
    def fields(self) -> Fields:
        """Every field of an answer."""
        return {"answer": self.answer, **self.details}


MODALITIES = ("XR", "US", "CT", "MR", "NM")
"""Codes of the case record (clinical facts 6.3)."""
NOT_CANDIDATES = ("thin-linear", "intrabursal", "enthesis-ossification")
"""Published as not to be punctured: thin linear deposits (Le Quotidien du Medecin 2003), deposits already in the bursa (Jimenez 2019), type D (Noel 2007)."""

QUESTIONS: Mapping[Item, Question] = {
    Item.IDENTITY: Question(Text(longest=40, required=True)),
    Item.SIDE: Question(SIDE),
    Item.SIDE_ON_RECORD: Question(SIDE),
    Item.CONSENT: Question(YES_NO),
    Item.ALLERGY: Question(YES_NO, {"to": Text()}),
    Item.ANTICOAGULANT: Question(YES_NO, {"agent": Text(longest=60), "held_h": Number("h", 0.0, MAX_HELD_H)}),
    Item.INFECTION: Question(YES_NO, {"where": Text()}),
    Item.PRIOR_IMAGING: Question(YES_NO, {"modality": Choice(MODALITIES), "date": Date(), "finding": Text()}),
    Item.SYMPTOMS: Question(Number("months", 0.0, MAX_MONTHS, required=True)),
    Item.FOP: Question(YES_NO),
    Item.FORM: Question(Choice(("coarse", *NOT_CANDIDATES, *NOT_KNOWN), required=True)),
}

ANSWER_FIELDS: Fields = {"item": Choice(tuple(Item), required=True), "cleared": Flag()}


@dataclass(frozen=True, slots=True)
class Checklist:
    """The newest answer to every item that was answered. An item that is not in ``answers`` was not recorded."""

    answers: Mapping[Item, Mapping[str, Any]] = field(default_factory=dict)

    def answer(self, item: Item) -> Any:
        """The answer; None when it was not recorded."""
        found = self.answers.get(item)
        return None if found is None else found.get("answer")

    @property
    def not_recorded(self) -> tuple[Item, ...]:
        """Items without an answer, in the order of the list."""
        return tuple(item for item in Item if item not in self.answers)

    @property
    def side_conflict(self) -> bool:
        """Whether the side to be treated is not the one on record."""
        sides = {self.answer(Item.SIDE), self.answer(Item.SIDE_ON_RECORD)}
        return sides == {"left", "right"}

    @property
    def stop(self) -> Reason | None:
        """What forbids to go on: known FOP (a needle's trauma can provoke ossification), consent refused, or sides that differ."""
        if self.answer(Item.FOP) == YES:
            return Reason.STOP_FOP
        if self.answer(Item.CONSENT) == NO:
            return Reason.STOP_CONSENT
        return Reason.SIDE_CONFLICT if self.side_conflict else None


def check_answer(value: Mapping[str, Any]) -> None:
    """Raises UsageError, naming item and field, for an answer that the item does not take.

    ``{"item", "answer", ...}`` answers; ``{"item", "cleared": true}`` makes the item unanswered again.
    """
    check("checklist", {"item": ANSWER_FIELDS["item"]}, {"item": value.get("item")})
    item = Item(value["item"])
    rest = {name: one for name, one in value.items() if name != "item"}
    if "cleared" in rest:
        if rest != {"cleared": True}:
            raise UsageError(f"checklist {item}: 'cleared' stands alone and is true")
        return
    check(f"checklist {item}", QUESTIONS[item].fields, rest)


def checklist_of(answers: Iterable[Mapping[str, Any]]) -> Checklist:
    """The checklist after these answers, in the order given; the newest of an item holds."""
    found: dict[Item, Mapping[str, Any]] = {}
    for value in answers:
        item = Item(value["item"])
        found.pop(item, None)
        if not value.get("cleared"):
            found[item] = {name: one for name, one in value.items() if name != "item"}
    return Checklist(found)
