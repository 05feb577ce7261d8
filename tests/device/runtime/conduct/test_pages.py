"""Every state offers what it needs, on pages of at most four buttons, with pause always at hand."""

from collections.abc import Iterator

import pytest
from tests.support.procedures import at, recorded

from barbotage_device.bedside.procedure_signs import MOST_BUTTONS, Button, Typing
from barbotage_device.bedside.texts import Language, texts_in
from barbotage_device.procedure.checklist import Item
from barbotage_device.procedure.entries import DEVICE_CHECKS
from barbotage_device.procedure.events import EventKind as E
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.states import ACTIVE, State
from barbotage_device.runtime.conduct.pages import Around, Shown, home, paged, shown
from barbotage_device.runtime.conduct.place import Page, Place, first_place
from barbotage_device.runtime.conduct.wishes import parse

S = State
FRENCH = texts_in(Language.FR)
AROUND = Around(deposit_seen=True)


def page(procedure: Procedure, place: Place) -> Shown:
    return shown(procedure, place, AROUND, FRENCH)


def every(procedure: Procedure, place: Place) -> set[str]:
    """The wishes of all parts of a page."""
    return {
        button.wish
        for more in range(8)
        for button in shown(procedure, Place(place.page, place.item, more, draft=place.draft), AROUND, FRENCH).buttons
    }


def places() -> Iterator[Place]:
    for one in Page:
        if one is Page.DETAILS:
            for number in range(4):
                yield Place(one, number, draft={"item": "prior-imaging", "answer": "yes"})
        elif one is Page.CHECKLIST:
            yield from (Place(one, number) for number in range(len(Item)))
        elif one in (Page.AGENT, Page.NEEDLE, Page.PAIN, Page.SIGN):
            yield from (Place(one, number) for number in range(7))
        elif one is not Page.OFFER:
            yield Place(one)


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("state", list(State))
def test_no_page_has_more_than_four_buttons_and_every_button_is_understood(state: State, complete: bool) -> None:
    procedure = at(state, complete)
    for place in places():
        for more in range(4):
            now = page(procedure, Place(place.page, place.item, more, draft=place.draft))
            assert len(now.buttons) <= MOST_BUTTONS
            assert len({button.wish for button in now.buttons}) == len(now.buttons), "two buttons ask for the same"
            for button in now.buttons:
                parse(button.wish)
                for language in Language:
                    assert texts_in(language).has(button.said.key), button.said.key


@pytest.mark.parametrize("state", [*ACTIVE, S.PAUSE])
def test_pause_or_resume_is_on_the_first_page_of_every_state(state: State) -> None:
    wanted = "resume" if state is S.PAUSE else "pause"
    for complete in (True, False):
        assert wanted in {button.wish for button in page(at(state, complete), Place()).buttons}


@pytest.mark.parametrize("state", [one for one in State if one is not S.SEALED])
def test_abort_and_patient_event_can_be_reached_from_every_state(state: State) -> None:
    wishes = every(at(state), Place())
    assert "patient-event" in wishes
    assert ("open:abort" in wishes) is (state is not S.ABORT)


@pytest.mark.parametrize(
    ("state", "wishes"),
    [
        (S.SCAN, {"open:plane", "measure", "open:skip", "open:entries"}),
        (S.PLAN, {"open:plan", "confirm"}),
        (S.ANAESTHESIA, {"open:agent", "open:needle", "open:skip"}),
        (S.LAVAGE, {"open:turbidity", "syringe-change", "fragment"}),
        (S.FRAGMENT, {"needling-pass", "open:turbidity"}),
        (S.BURSA_INJECT, {"open:agent", "open:distension"}),
        (S.POST_SCAN, {"measure", "open:residual"}),
        (S.CLOSE, {"open:complication", "open:signature", "confirm"}),
        (S.ABORT, {"open:complication", "confirm"}),
    ],
)
def test_a_state_offers_its_own(state: State, wishes: set[str]) -> None:
    assert wishes <= every(at(state), Place())


def test_going_on_is_shown_and_cannot_be_touched_while_something_is_missing() -> None:
    missing, there = home(at(S.CLOSE, complete=False), AROUND)[0], home(at(S.CLOSE), AROUND)[0]
    assert (missing.wish, missing.enabled, there.wish, there.enabled) == ("confirm", False, "confirm", True)


def test_what_is_proposed_is_the_main_button() -> None:
    proposed = recorded(at(S.PLAN), E.PROPOSE, {"event": "confirm", "value": {}, "evidence": {}})
    assert (home(proposed, AROUND)[0].wish, home(proposed, AROUND)[0].main) == ("accept", True)


@pytest.mark.parametrize(
    ("deposit_seen", "complete", "offered"), [(True, False, True), (False, False, False), (True, True, False)]
)
def test_a_deposit_is_accepted_by_hand_only_while_there_is_none_and_one_is_seen(
    deposit_seen: bool, complete: bool, offered: bool
) -> None:
    wishes = {button.wish for button in home(at(S.ADVANCE, complete), Around(deposit_seen))}
    assert ("target" in wishes) is offered


def test_the_axis_not_said_is_offered_and_both_while_none_was_said() -> None:
    unsaid = at(S.VERIFY_TIP)
    assert every(unsaid, Place(Page.PLANE)) == {"plane:long", "plane:short", "back"}
    said = recorded(unsaid, E.PLANE, {"plane": "long"})
    assert "plane:short" in {button.wish for button in page(said, Place()).buttons}


@pytest.mark.parametrize(
    ("item", "typing"), [(Item.IDENTITY, Typing.TEXT), (Item.SYMPTOMS, Typing.NUMBER), (Item.CONSENT, None), (Item.FORM, None)]
)
def test_every_item_of_the_checklist_is_a_page_that_can_be_left_open(item: Item, typing: Typing | None) -> None:
    place = Place(Page.CHECKLIST, tuple(Item).index(item))
    now = page(at(S.CHECK_CASE), place)
    assert now.question is not None
    assert now.question.typing is typing
    assert now.question.place == f"{place.item + 1}/{len(Item)}"
    assert now.question.answered == ""
    wishes = every(at(S.CHECK_CASE), place)
    assert "next" in {button.wish for button in now.buttons}
    if typing is None:
        assert {f"answer:{item}:{word}" for word in ("unknown", "not-asked", "not-applicable")} <= wishes


def test_what_was_answered_is_said_in_words_with_its_details() -> None:
    value = {"item": "anticoagulant", "answer": "yes", "agent": "apixaban", "held_h": 48}
    told = page(recorded(at(S.CHECK_CASE), E.ANSWER, value), Place(Page.CHECKLIST, 5))
    assert told.question is not None
    assert told.question.answered == "oui (apixaban, 48\u202fh)"


def test_a_form_is_recorded_only_with_what_it_needs_and_nothing_is_filled_in() -> None:
    empty, named = (
        Place(Page.AGENT, 6),
        Place(Page.AGENT, 6, draft={"purpose": "other", "name": "NaCl", "volume_ml": 2.5, "temperature_degc": 42}),
    )
    assert page(at(S.ANAESTHESIA), empty).buttons[0] == Button(
        "record", page(at(S.ANAESTHESIA), empty).buttons[0].said, True, False
    )
    now = page(at(S.ANAESTHESIA), named)
    assert now.buttons[0].enabled
    assert now.question is None, "what is asked is recorded; this is not yet"
    assert [(said.key, words) for said, words in now.lines] == [
        ("event-agent", ""),
        ("entry-purpose", "autre"),
        ("entry-name", "NaCl"),
        ("entry-volume_ml", "2,5\u202fml"),
        ("entry-temperature_degc", "42\u202f°C"),
    ]
    typed = [page(at(S.ANAESTHESIA), Place(Page.AGENT, number)).question for number in range(1, 6)]
    assert all(one is not None and one.typed == "" for one in typed)


@pytest.mark.parametrize(
    ("count", "more", "expected"), [(4, 0, "0123"), (5, 0, "012+"), (5, 1, "34+"), (5, 2, "012+"), (7, 2, "6+")]
)
def test_more_than_four_are_shown_in_parts_that_wrap(count: int, more: int, expected: str) -> None:
    things = [Button(str(number), page(at(S.SCAN), Place()).buttons[0].said) for number in range(count)]
    assert "".join("+" if one.wish == "more" else one.wish for one in paged(things, more)) == expected


def test_every_failed_check_of_the_device_is_named_while_there_is_one() -> None:
    passed = dict.fromkeys(DEVICE_CHECKS, True)
    told: list[str | None] = []
    for results in ({}, passed | {"scale": False, "latency": False}, {"model": True}, passed):
        procedure = at(S.CHECK_DEVICE, complete=False)
        for name, one in results.items():
            procedure = recorded(procedure, E.DEVICE_CHECK, {"check": name, "passed": one})
        question = page(procedure, Place()).question
        told.append(None if question is None else question.answered)
    assert told == [None, "échelle, latence", "images, échelle, latence, disque, température, horloge", None]
    assert page(at(S.CHECK_CASE, complete=False), Place()).question is None


def test_a_sealed_session_can_only_be_left() -> None:
    assert [button.wish for button in page(at(S.SEALED), Place()).buttons] == ["end"]


def test_the_checklist_opens_by_itself_and_no_other_state_asks_at_once() -> None:
    assert {state for state in State if first_place(state).page is not Page.HOME} == {S.CHECK_CASE}
