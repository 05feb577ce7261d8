"""A cut session comes back in PAUSE; what is damaged in it is left out and named."""

from dataclasses import asdict
from typing import Any

import pytest
from tests.support.procedures import S, at, example, play

from barbotage_device.procedure.events import By, Event, EventKind
from barbotage_device.procedure.machine import step
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.resume import rebuilt, resume
from barbotage_device.procedure.states import State
from barbotage_device.procedure.table import TABLE, Refuse

E = EventKind


def events_of(procedure: Procedure) -> list[dict[str, Any]]:
    return [asdict(record) for record in procedure.records]


def lavage() -> Procedure:
    started = play(
        at(State.LAVAGE), example(E.AGENT), example(E.CYCLE), example(E.CYCLE), Event(E.PATIENT_EVENT, By.PEDAL)
    ).procedure
    return step(started, Event(E.PROPOSE, By.DEVICE, {"event": "confirm", "value": {}, "evidence": {}}), 5 * S).procedure


def test_it_comes_back_in_pause_at_the_last_state_with_all_that_was_recorded() -> None:
    back = resume(events_of(lavage()), 2 * S)
    procedure = back.procedure
    assert (procedure.state, procedure.paused_from, procedure.entered_ns) == (State.PAUSE, State.LAVAGE, 2 * S)
    assert procedure.cycles == 2
    assert procedure.all_of(E.AGENT) == (dict(example(E.AGENT).value),)
    assert [(record.kind, record.by) for record in back.step.records] == [("restarted", "device"), ("phase", "device")]
    assert back.step.records[1].value["trigger"] == "restart"
    assert back.target_to_accept
    assert back.problems == ()


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_record_is_read_back(kind: EventKind) -> None:
    state = next(state for state in State if not isinstance(TABLE[state, kind], Refuse))
    procedure = step(at(state), example(kind, state), 0).procedure
    offer = {"event": "tip-verified", "value": {"plane": "long"}}
    offered = step(at(State.VERIFY_TIP), Event(E.PROPOSE, By.DEVICE, offer), 0)
    for live in (procedure, step(offered.procedure, Event(E.ACCEPT, By.PEDAL), S).procedure):
        back, problems = rebuilt(events_of(live))
        assert problems == ()
        assert back == live


def test_what_belongs_to_the_moment_of_the_cut_is_over() -> None:
    procedure = resume(events_of(lavage()), 2 * S).procedure
    assert procedure.proposal is None
    assert not procedure.is_silent(3 * S)


def test_a_person_resumes_it_and_the_count_goes_on() -> None:
    procedure = resume(events_of(lavage()), 2 * S).procedure
    done = play(procedure, Event(E.RESUME, By.PEDAL), example(E.CYCLE), now_ns=3 * S)
    assert done.procedure.state is State.LAVAGE
    assert done.records[0].value["count"] == 3


@pytest.mark.parametrize(("state", "restarted"), [(State.ABORT, True), (State.SEALED, False)])
def test_what_was_ended_stays_ended(state: State, restarted: bool) -> None:
    back = resume(events_of(at(state)), 9)
    assert back.procedure.state is state
    assert bool(back.step.records) == restarted


def test_cut_twice_it_still_knows_where_it_was() -> None:
    once = resume(events_of(lavage()), 2 * S).procedure
    assert resume(events_of(once), 4 * S).procedure.paused_from is State.LAVAGE


def test_without_any_event_it_begins_anew_in_pause() -> None:
    procedure = resume([], 7).procedure
    assert (procedure.state, procedure.paused_from) == (State.PAUSE, State.CHECK_DEVICE)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"kind": "phase", "value": {"from": "scan", "to": "nowhere"}}, "event 0 (phase): left out, 'nowhere' is not a valid State"),
        ({"kind": "phase", "value": {}}, "event 0 (phase): left out, 'to' is missing"),
        ({"kind": "phase", "value": {"from": "sealed", "to": "pause"}}, "event 0 (phase): left out, paused from sealed"),
        ({"kind": "agent", "value": {"purpose": "other"}}, "event 0 (agent): left out, agent: 'name' is missing"),
        ({"kind": "patient-event", "value": {}}, "event 0 (patient-event): left out, 'silent_until_ns' is missing"),
        ({"kind": "lavage-cycle", "value": None}, "event 0 (lavage-cycle): left out, its value, time or doer is not of the right kind"),
        ({"kind": "plane", "value": {"plane": "long"}, "at_ns": None}, "event 0 (plane): left out, its value"),
    ],
)  # fmt: skip
def test_a_damaged_event_is_left_out_and_named(damage: dict[str, Any], words: str) -> None:
    whole = events_of(at(State.SCAN))
    procedure, problems = rebuilt([{"by": "operator", "at_ns": 1, **damage}, *whole])
    assert len(problems) == 1
    assert problems[0].startswith(words)
    assert [asdict(record) for record in procedure.records] == whole


def test_a_transition_is_believed_where_those_before_it_are_lost() -> None:
    events = [event for event in events_of(at(State.LAVAGE)) if event["kind"] != "phase"]
    events.append({"kind": "phase", "by": "operator", "at_ns": 4, "value": {"from": "post-scan", "to": "close"}})
    assert resume(events, 9).procedure.paused_from is State.CLOSE


def test_where_it_was_paused_is_believed_where_the_records_before_are_lost() -> None:
    events = events_of(play(at(State.SCAN), Event(E.PAUSE)).procedure)
    events.append({"kind": "phase", "by": "operator", "at_ns": 4, "value": {"from": "lavage", "to": "pause"}})
    assert resume(events, 9).procedure.paused_from is State.LAVAGE
