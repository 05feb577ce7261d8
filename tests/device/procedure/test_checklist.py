"""The checklist: what was not answered was not recorded; every answer is checked, with words that name item, value and bounds."""

from typing import Any

import pytest

from barbotage_device.errors import UsageError
from barbotage_device.procedure.checklist import QUESTIONS, Item, check_answer, checklist_of
from barbotage_device.procedure.entries import check_entry
from barbotage_device.procedure.events import EventKind, Reason

E = EventKind


def test_nothing_is_filled_in() -> None:
    empty = checklist_of([])
    assert empty.not_recorded == tuple(Item)
    assert all(empty.answer(item) is None for item in Item)
    assert empty.stop is None


def test_the_newest_answer_holds_and_a_cleared_one_was_not_recorded() -> None:
    answers = [{"item": "side", "answer": "left"}, {"item": "side", "answer": "right"}, {"item": "consent", "answer": "yes"}]
    assert checklist_of(answers).answer(Item.SIDE) == "right"
    cleared = checklist_of([*answers, {"item": "side", "cleared": True}])
    assert cleared.answer(Item.SIDE) is None
    assert Item.SIDE in cleared.not_recorded
    assert Item.CONSENT not in cleared.not_recorded


@pytest.mark.parametrize("item", [item for item in Item if item not in (Item.IDENTITY, Item.SYMPTOMS)])
@pytest.mark.parametrize("word", ["unknown", "not-asked", "not-applicable"])
def test_every_coded_question_can_be_answered_with_not_known(item: Item, word: str) -> None:
    check_answer({"item": item.value, "answer": word})


@pytest.mark.parametrize(
    ("side", "record", "conflict"),
    [
        ("left", "right", True),
        ("right", "left", True),
        ("left", "left", False),
        ("left", "unknown", False),
        ("left", None, False),
    ],
)
def test_a_side_that_differs_from_the_record_is_a_conflict(side: str, record: str | None, conflict: bool) -> None:
    answers = [{"item": "side", "answer": side}] + ([] if record is None else [{"item": "side-on-record", "answer": record}])
    assert checklist_of(answers).side_conflict == conflict


@pytest.mark.parametrize(
    ("item", "answer", "stop"),
    [
        ("fop", "yes", Reason.STOP_FOP),
        ("fop", "unknown", None),
        ("consent", "no", Reason.STOP_CONSENT),
        ("infection", "yes", None),
    ],
)
def test_only_known_fop_and_refused_consent_stop(item: str, answer: str, stop: Reason | None) -> None:
    assert checklist_of([{"item": item, "answer": answer}]).stop is stop


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"answer": "yes"}, "checklist: 'item' is None"),
        ({"item": "shoe-size", "answer": 42}, "'item' is 'shoe-size'; it must be one of identity-key, side"),
        ({"item": "fop"}, "checklist fop: 'answer' is missing"),
        ({"item": "fop", "answer": "maybe"}, "checklist fop: 'answer' is 'maybe'; it must be one of yes, no, unknown"),
        ({"item": "symptom-duration", "answer": 601}, "'answer' is 601; it must lie between 0 and 600 months"),
        ({"item": "symptom-duration", "answer": True}, "must be a number between 0 and 600 months"),
        ({"item": "symptom-duration", "answer": float("nan")}, "must lie between"),
        ({"item": "identity-key", "answer": "  "}, "must be a text, not empty"),
        ({"item": "identity-key", "answer": "x" * 41}, "at most 40 characters, has 41"),
        ({"item": "identity-key", "answer": "a\nb"}, "one line"),
        ({"item": "prior-imaging", "answer": "yes", "date": "23/11/2026"}, "a date such as 2026-11-23"),
        ({"item": "prior-imaging", "answer": "yes", "modality": "MRI"}, "one of XR, US, CT, MR, NM"),
        ({"item": "anticoagulant", "answer": "yes", "held_d": 3}, "'held_d' is not known; known are answer, agent, held_h"),
        ({"item": "fop", "cleared": True, "answer": "yes"}, "'cleared' stands alone"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_named(value: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as error:
        check_answer(value)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (E.AGENT, {"purpose": "lavage-fluid"}, "agent: 'name' is missing"),
        (E.AGENT, {"purpose": "lavage-fluid", "name": "NaCl 0,9 %", "temperature_degc": 420}, "must lie between 0 and 60 degC"),
        (E.AGENT, {"purpose": "lavage-fluid", "name": "NaCl", "volume_ml": "10"}, "must be a number between 0.05 and 500 ml"),
        (E.AGENT, {"purpose": "lavage-fluid", "name": "NaCl", "volume": 10}, "'volume' is not known"),
        (E.NEEDLE, {"gauge": 1.2}, "must be a whole number between 10 and 34 G"),
        (E.PAIN, {"when": "rest", "vas": 11}, "must lie between 0 and 10"),
        (E.CYCLE, {}, "'from' is missing"),
        (E.TARGET, {"identity": 1, "place": float("inf")}, "must be a finite number"),
        (E.TARGET, {"identity": 1, "place": {1, 2}}, "something that JSON can say"),
        (E.CONFIRM, {"force": True}, "'force' is not known; known are no fields"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_named(kind: EventKind, value: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as error:
        check_entry(kind, value)
    assert words in str(error.value)


def test_every_item_has_its_question() -> None:
    assert set(QUESTIONS) == set(Item)
