"""What the procedure does with wishes, lost targets, patient events and a failing network, turn by turn."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.device.runtime.conduct.stage import TIP_IN, Hand, Stage, Theatre

from barbotage_device.bedside.procedure_signs import Said
from barbotage_device.bedside.window import Key
from barbotage_device.procedure.checklist import Item
from barbotage_device.procedure.events import By, Event, EventKind
from barbotage_device.procedure.states import State
from barbotage_device.runtime.conduct.place import Page
from barbotage_device.runtime.status import Condition
from barbotage_device.session.reader import SessionReader

S = 1_000_000_000
Work = Callable[[Hand], Iterator[None]]


@pytest.fixture
def theatre(tmp_path: Path) -> Iterator[Theatre]:
    made = Theatre(tmp_path / "sessions")
    yield made
    made.recording.close()


def enter(theatre: Theatre, *wishes: str) -> None:
    for wish in wishes:
        theatre.operator.touch(wish)


def kinds(theatre: Theatre) -> list[str]:
    return [record.kind for record in theatre.conductor.procedure.records]


def turns(count: int) -> Work:
    def wait(hand: Hand) -> Iterator[None]:
        del hand
        for _ in range(count):
            yield

    return wait


def test_a_tap_with_nothing_proposed_is_refused_on_the_screen_for_a_moment(theatre: Theatre) -> None:
    theatre.operator.obey(Key.PEDAL, By.PEDAL)
    assert theatre.conductor.signs.answer == Said("refused-nothing-proposed")
    assert theatre.conductor.procedure.records[-1].by == "pedal"
    theatre.stage.now_ns += 4 * S
    assert theatre.conductor.signs.answer is None


@pytest.mark.parametrize("wish", ["confirm", "fragment", "turbidity:clear", "measure", "tip-verified", "resume"])
def test_a_wish_that_does_not_fit_the_state_changes_nothing_and_says_why(theatre: Theatre, wish: str) -> None:
    theatre.operator.touch(wish)
    assert theatre.conductor.procedure.state is State.CHECK_DEVICE
    assert theatre.conductor.signs.answer is not None
    assert theatre.conductor.signs.answer.key.startswith("refused-")


def test_a_wish_that_no_button_asks_for_is_said_in_the_log_only(theatre: Theatre) -> None:
    theatre.operator.touch("answer:consent:perhaps")
    assert kinds(theatre) == []
    assert theatre.lines == ["warning: wish 'answer:consent:perhaps' is no answer of the checklist; it is ignored"]


def test_the_pedal_cannot_do_what_asks_for_a_reason(theatre: Theatre) -> None:
    theatre.conductor.touch("abort:pain", By.PEDAL)
    assert theatre.conductor.procedure.state is State.CHECK_DEVICE
    assert theatre.conductor.signs.answer == Said("refused-not-by-pedal")


def test_a_skip_and_an_abort_carry_their_reason(theatre: Theatre) -> None:
    theatre.play(turns(30), close=False)
    enter(theatre, "confirm", "confirm")
    assert theatre.conductor.procedure.state is State.SCAN
    enter(theatre, "target", "open:skip", "skip:not-possible", "open:abort", "abort:cannot-see-needle")
    last = theatre.conductor.procedure.records[-1]
    assert (last.value["to"], last.value["reason"]) == ("abort", "cannot-see-needle")
    assert (theatre.conductor.procedure.records[-2].value["reason"], theatre.conductor.place.page) == ("not-possible", Page.HOME)
    enter(theatre, "open:complication", "complication:none-observed", "back", "confirm", "end")
    assert (theatre.conductor.procedure.state, theatre.conductor.ended) == (State.SEALED, True)


def test_the_lavage_is_proposed_when_the_plunger_is_pressed_before_it(theatre: Theatre) -> None:
    def press(hand: Hand) -> Iterator[None]:
        yield from turns(30)(hand)
        enter(theatre, "confirm", "confirm", "target", "open:skip", "skip:time", "confirm", "open:skip", "skip:not-needed")
        enter(theatre, "open:skip", "skip:not-seen")
        assert theatre.conductor.procedure.state is State.VERIFY_TIP
        hand.stage.tip = TIP_IN
        yield from turns(20)(hand)
        assert hand.now.proposal is None
        hand.stage.pressing, hand.stage.pressed_ns = True, hand.stage.now_ns
        yield from hand.tap("propose-confirm")

    theatre.play(press, close=False)
    moved = [one.value for one in theatre.conductor.procedure.records if one.kind == "phase"][-1]
    assert (moved["to"], moved["evidence"]["pulsations"] >= 1) == ("lavage", True)


def test_a_patient_event_is_stamped_in_every_hand_and_silences_what_can_wait(theatre: Theatre) -> None:
    enter(theatre, "patient-event")
    theatre.operator.obey(Key.PATIENT_EVENT, By.PEDAL)
    records = theatre.conductor.procedure.records
    assert [(one.kind, one.by, one.value["count"]) for one in records] == [
        ("patient-event", "operator", 1),
        ("patient-event", "pedal", 2),
    ]
    assert theatre.conductor.signs.facts[0] == (Said("silenced"), "60 s")


def test_the_run_is_not_ended_before_it_is_sealed(theatre: Theatre) -> None:
    goes_on = theatre.operator.touch("end")
    assert (goes_on, theatre.conductor.ended) == (True, False)


def test_a_target_that_is_not_followed_any_more_is_released_and_can_be_accepted_again(theatre: Theatre) -> None:
    accepted: list[int | None] = []

    def lose(hand: Hand) -> Iterator[None]:
        yield
        yield from hand.tap("propose-confirm")
        enter(theatre, "open:home", "confirm")
        yield from hand.tap("propose-target-accepted")
        accepted.append(theatre.pipeline.accepted)
        hand.stage.deposit = False
        yield from hand.until(lambda _now: theatre.conductor.procedure.target is None, 700)
        accepted.append(theatre.pipeline.accepted)
        hand.stage.deposit = True
        yield from hand.until(lambda now: now.proposal == Said("propose-target-accepted"))

    theatre.play(lose, close=False)
    released = next(one for one in theatre.conductor.procedure.records if one.kind == "target-released")
    assert (released.by, released.value["why"]) == ("device", "not followed any more")
    assert accepted == [released.value["identity"], None]


def test_a_proposal_whose_deposit_has_gone_since_is_not_accepted(theatre: Theatre) -> None:
    def look(hand: Hand) -> Iterator[None]:
        yield
        yield from hand.tap("propose-confirm")
        enter(theatre, "open:home", "confirm")
        yield from hand.until(lambda now: now.proposal == Said("propose-target-accepted"))

    theatre.play(look, close=False)
    last = theatre.pipeline.last
    assert last is not None
    theatre.pipeline.stale(last.frame.capture_ns + 5 * S)
    theatre.operator.obey(Key.PEDAL)
    assert theatre.conductor.procedure.target is None
    assert theatre.conductor.signs.answer == Said("refused-nothing-proposed")


def test_with_the_picture_lost_nothing_that_rests_on_it_is_proposed(theatre: Theatre) -> None:
    def look(hand: Hand) -> Iterator[None]:
        yield
        yield from hand.tap("propose-confirm")
        enter(theatre, "open:home", "confirm")
        yield from hand.until(lambda now: now.proposal is not None)

    theatre.play(look, close=False)
    assert theatre.hand.now.proposal is not None
    theatre.stage.now_ns += S
    theatre.conductor.turn(None, Condition(1, 0, 0, None, "cannot invoke", 0, None))
    assert theatre.conductor.signs.proposal is None
    assert kinds(theatre)[-1] == "proposal-withdrawn"


@pytest.mark.parametrize(("typed", "ok"), [("7,5", True), ("7.5", True), ("-3", False), ("", False), ("601", False), ("0", True)])
def test_a_typed_number_is_taken_in_either_form_and_refused_out_of_bounds(theatre: Theatre, typed: str, ok: bool) -> None:
    theatre.play(turns(30), close=False)
    enter(theatre, "confirm", *["next"] * 8, *typed, "enter")
    answers = [one.value for one in theatre.conductor.procedure.records if one.kind == "checklist"]
    assert [one["item"] for one in answers] == (["symptom-duration"] if ok else [])
    assert (theatre.conductor.signs.answer == Said("refused-invalid")) is not ok
    assert theatre.conductor.place.item == (9 if ok else 8)


def test_details_can_be_left_open_and_lead_on_to_the_next_item(theatre: Theatre) -> None:
    theatre.play(turns(30), close=False)
    enter(theatre, "confirm", *["next"] * 7, "answer:prior-imaging:yes")
    assert theatre.conductor.place.page is Page.DETAILS
    enter(theatre, "choose:XR", "next", "next", "record")
    assert (theatre.conductor.place.page, theatre.conductor.place.item) == (Page.CHECKLIST, 8)
    assert theatre.conductor.procedure.records[-1].value == {"item": "prior-imaging", "answer": "yes", "modality": "XR"}


def test_an_agent_without_a_name_is_not_recorded(theatre: Theatre) -> None:
    theatre.conductor.act(Event(EventKind.PAUSE))
    enter(theatre, "open:agent", "choose:other", *["next"] * 5, "record")
    assert "agent" not in kinds(theatre)
    assert theatre.conductor.signs.answer == Said("refused-invalid")


def test_what_the_loop_tells_itself_is_not_told_twice(theatre: Theatre) -> None:
    theatre.play(turns(30), close=False)
    enter(theatre, "confirm", "confirm", "target")
    theatre.play(turns(30))
    with SessionReader.open(theatre.path) as reader:
        told = [event.kind for event in reader.events() if event.kind == "target-accepted"]
    assert told == ["target-accepted"]


def test_the_orientation_said_by_hand_is_recorded_and_shown(theatre: Theatre) -> None:
    assert theatre.conductor.signs.left_end == Said("marker-end")
    enter(theatre, "open:marker", "marker:right", "open:toward", "toward:lateral")
    assert theatre.conductor.signs.left_end == Said("body-medial")
    theatre.recording.close()
    with SessionReader.open(theatre.path) as reader:
        told = [event.value for event in reader.events() if event.kind == "orientation"]
    assert told == [
        {"marker_at": "left", "mirrored": True, "toward": None},
        {"marker_at": "left", "mirrored": True, "toward": "lateral"},
    ]


@pytest.mark.parametrize(
    ("side", "answers", "told"),
    [
        ("right", ["left"], [False]),
        ("right", ["left", "right"], [False, True]),
        ("right", ["left", None, "left"], [False, False]),
        ("left", ["left"], [True]),
        ("left", ["unknown"], []),
        (None, ["left"], []),
    ],
)
def test_the_side_of_the_run_is_compared_with_the_one_answered_and_never_guessed(
    side: str | None, answers: list[str | None], told: list[bool], tmp_path: Path
) -> None:
    theatre = Theatre(tmp_path / "sides", side=side)
    theatre.play(turns(30), close=False)
    enter(theatre, "confirm")
    for answer in answers:
        value = {"item": "side", "cleared": True} if answer is None else {"item": "side", "answer": answer}
        theatre.conductor.act(Event(EventKind.ANSWER, By.OPERATOR, value))
        theatre.play(turns(3), close=False)
    made = [
        one.value for one in theatre.conductor.procedure.records if one.kind == "device-check" and one.value["check"] == "side"
    ]
    assert [one["passed"] for one in made] == told
    differs, signs = bool(told) and not told[-1], theatre.conductor.signs
    assert ((Said("device-side"), "non") in signs.facts) is differs
    assert (signs.notice is not None and signs.notice.said == Said("run-side-differs")) is differs
    assert theatre.conductor.procedure.checklist.answer(Item.SIDE) == answers[-1]
    enter(theatre, "open:home", "confirm")
    assert theatre.conductor.procedure.state is State.SCAN, "it hinders nothing"
    theatre.recording.close()


def test_no_check_is_said_to_fail_before_it_was_made(theatre: Theatre) -> None:
    theatre.play(turns(60), close=False)
    assert {None} == {signs.notice for signs in theatre.hand.signs}


def test_a_stage_begins_with_nothing_seen_and_says_so(tmp_path: Path) -> None:
    theatre = Theatre(tmp_path / "empty", Stage(deposit=False))
    theatre.play(turns(40), close=False)
    assert [button.wish for button in theatre.conductor.signs.buttons if button.wish == "target"] == []
    assert theatre.conductor.signs.state == "check-device"
    theatre.recording.close()


def test_nothing_that_can_wait_stands_over_a_question_that_is_typed(theatre: Theatre) -> None:
    theatre.play(turns(30), close=False)
    enter(theatre, "confirm", "open:home", "open:checklist")
    theatre.play(turns(3), close=False)
    signs = theatre.conductor.signs
    assert signs.question is not None
    assert (signs.question.title, signs.notice) == (Said("check-identity-key"), None)
    enter(theatre, "next")
    shown = theatre.conductor.signs.notice
    assert shown is not None
    assert shown.said == Said("not-recorded")
    enter(theatre, "answer:side:left", *["next"] * 6)
    assert theatre.conductor.signs.answer is None, "a confirmation"
    enter(theatre, "-", "enter")
    assert theatre.conductor.signs.answer == Said("refused-invalid")
