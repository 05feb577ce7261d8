"""What a step refuses beyond the table, what it records, and what a patient event does."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from tests.support.procedures import S, at, example, play, recorded

from barbotage_device.errors import ConfigError
from barbotage_device.procedure.events import By, Event, EventKind, Reason
from barbotage_device.procedure.machine import step
from barbotage_device.procedure.settings import ProcedureSettings
from barbotage_device.procedure.states import State
from barbotage_device.procedure.times import time_in_ns

E = EventKind
CONFIRM, SKIP = Event(E.CONFIRM), example(E.SKIP)


@pytest.mark.parametrize(
    ("state", "event", "reason"),
    [
        (State.CHECK_DEVICE, CONFIRM, Reason.NEED_DEVICE),
        (State.CHECK_DEVICE, SKIP, Reason.NEED_DEVICE),
        (State.SCAN, CONFIRM, Reason.NEED_TARGET),
        (State.SCAN, SKIP, Reason.NEED_TARGET),
        (State.ADVANCE, CONFIRM, Reason.NEED_TIP_IN_TARGET),
        (State.ADVANCE, SKIP, None),
        (State.VERIFY_TIP, CONFIRM, Reason.NEED_TIP_IN_BOTH_AXES),
        (State.VERIFY_TIP, SKIP, None),
        (State.POST_SCAN, CONFIRM, Reason.NEED_SIZE_AFTER),
        (State.POST_SCAN, SKIP, None),
        (State.CLOSE, CONFIRM, Reason.NEED_COMPLICATIONS),
        (State.ABORT, SKIP, None),
        (State.CHECK_CASE, CONFIRM, None),
        (State.LAVAGE, CONFIRM, None),
    ],
)
def test_a_state_is_not_left_without_what_it_asks_for(state: State, event: Event, reason: Reason | None) -> None:
    done = step(at(state, complete=False), event, 0)
    assert (done.refusal and done.refusal.reason) == reason
    assert (done.procedure.state is state) == (reason is not None)


def test_what_is_skipped_is_named_with_the_reason() -> None:
    done = step(at(State.VERIFY_TIP, complete=False), SKIP, 7)
    value = done.records[0].value
    assert (value["reason"], value["note"], value["missing"]) == ("not-possible", "probe too wide", ["need-tip-in-both-axes"])


@pytest.mark.parametrize("kind", [E.SKIP, E.ABORT])
def test_skipping_and_aborting_need_a_reason(kind: EventKind) -> None:
    done = step(at(State.ADVANCE), Event(kind), 0)
    assert done.refusal is not None
    assert done.refusal.reason is Reason.INVALID
    assert done.refusal.detail == f"{kind}: 'reason' is missing"


def answer(item: str, given: Any) -> Event:
    return Event(E.ANSWER, By.OPERATOR, {"item": item, "answer": given})


STOPS = [
    ((answer("fop", "yes"),), Reason.STOP_FOP),
    ((answer("consent", "no"),), Reason.STOP_CONSENT),
    ((answer("side", "left"), answer("side-on-record", "right")), Reason.SIDE_CONFLICT),
]


@pytest.mark.parametrize(("answers", "reason"), STOPS)
@pytest.mark.parametrize("state", [State.CHECK_CASE, State.SCAN, State.ANAESTHESIA, State.ADVANCE, State.LAVAGE])
def test_a_stop_lets_nothing_go_on_and_shows_at_once(state: State, answers: tuple[Event, ...], reason: Reason) -> None:
    told = play(at(State.PAUSE), *answers).procedure
    procedure = recorded(told, "phase", {"from": "pause", "to": state.value})
    for event in (CONFIRM, SKIP, Event(E.FRAGMENT)):
        done = step(procedure, event, 0)
        assert done.procedure.state is state
        assert done.prompts[0].kind.value == reason.value
    refusal = step(procedure, CONFIRM, 0).refusal
    assert refusal is not None
    assert refusal.reason is reason
    assert step(procedure, example(E.ABORT), 0).procedure.state is State.ABORT


def test_a_stop_answered_anew_is_gone() -> None:
    procedure = play(at(State.CHECK_CASE), answer("fop", "yes"), answer("fop", "no")).procedure
    assert step(procedure, CONFIRM, 0).procedure.state is State.SCAN


def proposed(state: State, kind: str = "confirm", value: dict[str, Any] | None = None) -> Event:
    del state
    return Event(E.PROPOSE, By.DEVICE, {"event": kind, "value": value or {}, "evidence": {"frames": 12}})


def test_a_proposal_changes_nothing_until_it_is_accepted() -> None:
    offered = step(at(State.ADVANCE), proposed(State.ADVANCE), 0)
    assert offered.procedure.state is State.ADVANCE
    assert offered.proposal is not None
    assert offered.proposal.age_ns(3 * S) == 3 * S
    accepted = step(offered.procedure, Event(E.ACCEPT, By.PEDAL), 3 * S)
    assert accepted.procedure.state is State.VERIFY_TIP
    assert accepted.proposal is None


def test_an_accepted_deposit_is_recorded_with_the_evidence() -> None:
    value = {"identity": 4, "longest_mm": 11.0}
    offered = step(at(State.SCAN, complete=False), proposed(State.SCAN, "target-accepted", value), 0)
    done = step(offered.procedure, Event(E.ACCEPT, By.PEDAL), S)
    assert done.procedure.state is State.SCAN
    assert done.procedure.target == {**value, "evidence": {"frames": 12, "age_ns": S}}
    assert done.records[0].by == "pedal"


@pytest.mark.parametrize(
    ("offer", "accept_ns", "reason"),
    [
        (None, S, Reason.NOTHING_PROPOSED),
        (proposed(State.ADVANCE), 299_999_999, Reason.TOO_SOON),
        (proposed(State.ADVANCE), 300_000_000, None),
    ],
)
def test_the_pedal_accepts_only_what_stood_long_enough_to_be_read(
    offer: Event | None, accept_ns: int, reason: Reason | None
) -> None:
    procedure = at(State.ADVANCE) if offer is None else step(at(State.ADVANCE), offer, 0).procedure
    done = step(procedure, Event(E.ACCEPT, By.PEDAL), accept_ns)
    assert (done.refusal and done.refusal.reason) == reason


def test_a_proposal_is_refused_where_what_it_needs_is_missing_and_leaves_no_trace() -> None:
    done = step(at(State.ADVANCE, complete=False), proposed(State.ADVANCE), 0)
    assert done.refusal is not None
    assert done.refusal.reason is Reason.NEED_TIP_IN_TARGET
    assert (done.records, done.proposal) == ((), None)


def test_the_same_proposal_keeps_its_age_and_another_one_begins_anew() -> None:
    first = step(at(State.SCAN), proposed(State.SCAN), 0).procedure
    again = step(first, proposed(State.SCAN), S)
    assert again.refusal is not None
    assert again.refusal.reason is Reason.ALREADY_PROPOSED
    other = step(first, proposed(State.SCAN, "target-accepted", {"identity": 9}), S)
    assert other.proposal is not None
    assert other.proposal.since_ns == S


@pytest.mark.parametrize("event", [Event(E.PAUSE), Event(E.CONFIRM), Event(E.WITHDRAW, By.DEVICE), example(E.ABORT)])
def test_a_proposal_does_not_outlive_its_ground(event: Event) -> None:
    offered = step(at(State.SCAN), proposed(State.SCAN), 0).procedure
    assert step(offered, event, S).proposal is None


def test_what_is_counted_is_numbered_by_the_procedure() -> None:
    cycle = example(E.CYCLE, by=By.DEVICE)
    done = play(at(State.LAVAGE), cycle, cycle, Event(E.FRAGMENT), cycle)
    assert done.records[0].value == {"from": "image", "count": 3}
    assert done.procedure.cycles == 3


def test_a_patient_event_is_stamped_in_every_state_and_silences_for_a_while() -> None:
    for state in State:
        if state is State.SEALED:
            continue
        done = step(at(state), Event(E.PATIENT_EVENT, By.PEDAL), 5 * S)
        assert done.records[0].value == {"count": 1, "state": state.value, "silent_until_ns": 65 * S}
        assert done.procedure.is_silent(64 * S)
        assert not done.procedure.is_silent(65 * S)


def test_what_a_person_is_refused_is_kept_and_nothing_after_sealing() -> None:
    done = step(at(State.SCAN), Event(E.CYCLE, By.PEDAL, {"from": "operator"}), 4)
    assert done.records[0].value == {"event": "lavage-cycle", "reason": "not-here"}
    assert step(at(State.SEALED), Event(E.CONFIRM), 4).records == ()


def test_a_size_is_stored_only_where_it_belongs() -> None:
    for state, when in ((State.SCAN, "after"), (State.POST_SCAN, "before")):
        done = step(at(state), Event(E.MEASURE, By.DEVICE, {"when": when, "plane": "long"}), 0)
        assert done.refusal is not None
        assert done.refusal.reason is Reason.INVALID


def test_a_released_target_must_be_accepted_again() -> None:
    released = play(at(State.SCAN), Event(E.RELEASE, By.DEVICE, {"identity": 3})).procedure
    done = step(released, CONFIRM, 0)
    assert done.refusal is not None
    assert done.refusal.reason is Reason.NEED_TARGET


def test_records_are_what_json_can_say() -> None:
    done = play(at(State.SCAN), proposed(State.SCAN), Event(E.ACCEPT, By.PEDAL), example(E.PLAN), Event(E.PAUSE))
    for record in done.procedure.records:
        assert json.loads(json.dumps(asdict(record), allow_nan=False)) == asdict(record)


def test_time_in_a_state_leaves_pauses_out() -> None:
    procedure = at(State.LAVAGE, now_ns=10 * S)
    procedure = step(procedure, Event(E.PAUSE), 20 * S).procedure
    procedure = step(procedure, Event(E.RESUME), 50 * S).procedure
    assert time_in_ns(procedure, (State.LAVAGE,), 55 * S) == 15 * S


@pytest.mark.parametrize("new_clock_s", [5, 1000], ids=["behind the old one", "past the old one"])
def test_what_lies_between_two_clocks_is_no_time_in_a_state(new_clock_s: int) -> None:
    procedure = recorded(at(State.LAVAGE, now_ns=100 * S), E.SYRINGE, {"count": 1}, 130 * S)
    cut = step(procedure, Event(E.RESTART, By.DEVICE), new_clock_s * S).procedure
    assert cut.state is State.PAUSE
    assert time_in_ns(cut, (State.LAVAGE,), (new_clock_s + 60) * S) == 30 * S
    resumed = step(cut, Event(E.RESUME), (new_clock_s + 60) * S).procedure
    assert time_in_ns(resumed, (State.LAVAGE,), (new_clock_s + 70) * S) == 40 * S


@pytest.mark.parametrize(("name", "value"), [("tip_frames", 0), ("stop_change_percent", 51.0), ("patient_silence_s", 4.9)])
def test_settings_out_of_bounds_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        ProcedureSettings(**{name: value})  # type: ignore[arg-type]
