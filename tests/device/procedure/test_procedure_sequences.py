"""Whatever happens in whatever order: no illegal state, nothing lost, nothing committed by the device alone, all found again after a cut."""

import json
from dataclasses import asdict
from typing import Any

from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.procedures import EXAMPLES, at

from barbotage_device.procedure.events import PHASE, REFUSED, By, Event, EventKind
from barbotage_device.procedure.machine import step
from barbotage_device.procedure.procedure import Procedure, begin
from barbotage_device.procedure.resume import resume
from barbotage_device.procedure.states import State, comes_after

S = 1_000_000_000
_ODD = st.dictionaries(
    st.sampled_from(["in", "plane", "event", "value", "item", "answer", "x"]),
    st.one_of(st.none(), st.integers(), st.text(max_size=4)),
    max_size=2,
)
_VARIANTS: dict[EventKind, list[dict[str, Any]]] = {
    EventKind.ANSWER: [
        {"item": "fop", "answer": "yes"},
        {"item": "fop", "answer": "no"},
        {"item": "side", "answer": "left"},
        {"item": "side-on-record", "answer": "right"},
        {"item": "side", "cleared": True},
    ],
    EventKind.DEVICE_CHECK: [
        {"check": name, "passed": True} for name in ("model", "frames", "scale", "latency", "disk", "temperature", "clock")
    ],
    EventKind.PLANE: [{"plane": "long"}, {"plane": "short"}],
    EventKind.MEASURE: [{"when": "before", "plane": "short"}, {"when": "after", "plane": "long"}],
    EventKind.TIP: [{"in": False}],
    EventKind.TIP_VERIFIED: [{"plane": "long"}],
    EventKind.PROPOSE: [
        {"event": "target-accepted", "value": {"identity": 7}, "evidence": {}},
        {"event": "measurement", "value": {"when": "before", "plane": "long"}, "evidence": {}},
        {"event": "tip-verified", "value": {"plane": "short"}, "evidence": {}},
        {"event": "abort", "value": {"reason": "other"}, "evidence": {}},
        {"event": "proposal", "value": {}, "evidence": {}},
    ],
}
_LIKELY = (EventKind.CONFIRM, EventKind.SKIP, EventKind.ACCEPT, EventKind.RESUME)


@st.composite
def events(draw: st.DrawFn) -> Event:
    kind = draw(st.one_of(st.sampled_from(EventKind), st.sampled_from(_LIKELY)))
    values = [dict(EXAMPLES.get(kind, {})), *_VARIANTS.get(kind, [])]
    value = draw(st.one_of(st.sampled_from(values), st.sampled_from(values), _ODD))
    return Event(kind, draw(st.sampled_from(By)), value)


starts = st.one_of(st.just(begin(0)), st.builds(at, st.sampled_from(State), st.booleans()))
courses = st.lists(events(), max_size=40)


def as_recorded(procedure: Procedure) -> list[dict[str, Any]]:
    """The records as a session's reader gives its events back, with foreign ones between them."""
    foreign = {"kind": "prompt", "by": "device", "value": {"kind": "stale"}, "at_ns": 0}
    return [one for record in procedure.records for one in (json.loads(json.dumps(asdict(record), allow_nan=False)), foreign)]


@settings(max_examples=150, deadline=None)
@given(start=starts, course=courses)
def test_no_sequence_reaches_an_illegal_state_or_loses_a_record(start: Procedure, course: list[Event]) -> None:
    before = start
    for index, event in enumerate(course):
        done = step(before, event, index * S)
        after = done.procedure
        assert after.records == before.records + done.records
        assert (after.paused_from is not None) == (after.state is State.PAUSE)
        if done.refusal is not None:
            assert [record.kind for record in done.records] in ([], [REFUSED])
            assert after.state is before.state
        if after.state is not before.state:
            back = before.state is State.PAUSE and after.state is before.paused_from
            assert (
                back
                or after.state in (State.PAUSE, State.ABORT)
                or comes_after(after.state, before.state)
                or before.state is State.ABORT
            )
            assert done.records[-1].value["to"] == after.state.value
            note(f"reached {after.state.value}")
        if before.state is State.SEALED:
            assert after == before
        before = after


@settings(max_examples=100, deadline=None)
@given(start=starts, course=courses)
def test_the_device_alone_commits_nothing(start: Procedure, course: list[Event]) -> None:
    procedure = start
    for index, event in enumerate(course):
        done = step(procedure, Event(event.kind, By.DEVICE, event.value), index * S)
        if done.procedure.state is not procedure.state:
            assert event.kind is EventKind.RESTART
            assert done.procedure.state is State.PAUSE
        assert not any(
            record.value.get("trigger") == "suggested-and-confirmed" for record in done.records if record.kind == PHASE
        )
        assert done.procedure.target == procedure.target or event.kind is EventKind.RELEASE
        procedure = done.procedure


@settings(max_examples=100, deadline=None)
@given(start=starts, course=courses)
def test_a_cut_procedure_comes_back_in_pause_with_all_that_was_recorded(start: Procedure, course: list[Event]) -> None:
    live = start
    for index, event in enumerate(course):
        live = step(live, event, index * S).procedure
    now_ns = 3600 * S
    resumed = resume(as_recorded(live), now_ns)
    expected = step(live, Event(EventKind.RESTART, By.DEVICE), now_ns).procedure
    assert resumed.problems == ()
    if not live.records:  # nothing was written: it begins anew, at whatever time
        assert resumed.procedure.state is State.PAUSE
        return
    assert resumed.procedure == expected
    assert resumed.procedure.state in (State.PAUSE, State.ABORT, State.SEALED)
    if live.state not in (State.PAUSE, State.ABORT, State.SEALED):
        assert resumed.procedure.paused_from is live.state
    assert resumed.procedure.records[: len(live.records)] == live.records
    assert resumed.target_to_accept == (live.target is not None)
