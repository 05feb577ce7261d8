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
from barbotage_device.procedure.table import TABLE, Refuse

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


_ANY = list(EventKind)
_TAKEN = {state: [kind for kind in EventKind if not isinstance(TABLE[state, kind], Refuse)] or _ANY for state in State}
_KINDS = {state: st.sampled_from([*taken, *taken, *_ANY]) for state, taken in _TAKEN.items()}
_VALUES = {kind: st.one_of(st.sampled_from([dict(EXAMPLES.get(kind, {})), *_VARIANTS.get(kind, [])]), _ODD) for kind in EventKind}


def _event(data: st.DataObject, state: State, by: st.SearchStrategy[By]) -> Event:
    """Any event, more often one that the state takes, with a value that it takes or an odd one."""
    kind = data.draw(_KINDS[state])
    return Event(kind, data.draw(by), data.draw(_VALUES[kind]))


anyone = st.sampled_from(By)
starts = st.one_of(st.just(begin(0)), st.builds(at, st.sampled_from(State), st.booleans()))
lengths = st.integers(0, 25)


def as_recorded(procedure: Procedure) -> list[dict[str, Any]]:
    """The records as a session's reader gives its events back, with foreign ones between them."""
    foreign = {"kind": "prompt", "by": "device", "value": {"kind": "stale"}, "at_ns": 0}
    return [one for record in procedure.records for one in (json.loads(json.dumps(asdict(record), allow_nan=False)), foreign)]


@settings(max_examples=120, deadline=None)
@given(start=starts, data=st.data(), length=lengths)
def test_no_sequence_reaches_an_illegal_state_or_loses_a_record(start: Procedure, data: st.DataObject, length: int) -> None:
    before = start
    for index in range(length):
        event = _event(data, before.state, anyone)
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


@settings(max_examples=120, deadline=None)
@given(start=starts, data=st.data(), length=lengths)
def test_the_device_alone_commits_nothing(start: Procedure, data: st.DataObject, length: int) -> None:
    procedure = start
    for index in range(length):
        event = _event(data, procedure.state, st.just(By.DEVICE))
        done = step(procedure, event, index * S)
        if done.procedure.state is not procedure.state:
            assert event.kind is EventKind.RESTART
            assert done.procedure.state is State.PAUSE
        assert not any(
            record.value.get("trigger") == "suggested-and-confirmed" for record in done.records if record.kind == PHASE
        )
        assert done.procedure.target == procedure.target or event.kind is EventKind.RELEASE
        procedure = done.procedure


@settings(max_examples=120, deadline=None)
@given(start=starts, data=st.data(), length=lengths)
def test_a_cut_procedure_comes_back_in_pause_with_all_that_was_recorded(
    start: Procedure, data: st.DataObject, length: int
) -> None:
    live = start
    for index in range(length):
        live = step(live, _event(data, live.state, anyone), index * S).procedure
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
