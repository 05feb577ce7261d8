"""Every event in every state does what the table in docs/procedure.md says."""

from pathlib import Path

import pytest
from tests.support.procedures import at, example

from barbotage_device.procedure.events import REFUSED, By, EventKind, Reason
from barbotage_device.procedure.machine import step
from barbotage_device.procedure.states import ORDER, State, comes_after
from barbotage_device.procedure.table import ALLOWED, PROPOSABLE

DOCUMENT = Path(__file__).parents[3] / "docs" / "procedure.md"
CODES = dict(zip(["CD", "CC", "SC", "PL", "AN", "AD", "VT", "LV", "FR", "BI", "PS", "CL", "PA", "AB", "SE"], State, strict=True))
REFUSALS = {
    "": Reason.NOT_HERE,
    "p": Reason.PAUSED,
    "a": Reason.ABORTED,
    "s": Reason.SEALED,
    "n": Reason.NOT_PAUSED,
    "k": Reason.NOT_SKIPPABLE,
}


def documented() -> dict[tuple[State, EventKind], str]:
    """The cells of the table of states and events."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("| event |"))
    states = [CODES[cell.strip()] for cell in lines[head].split("|")[2:-1]]
    cells: dict[tuple[State, EventKind], str] = {}
    for line in lines[head + 2 :]:
        if not line.startswith("|"):
            break
        name, *rest = (cell.strip() for cell in line.split("|")[1:-1])
        cells |= {(state, EventKind(name.strip("`"))): cell for state, cell in zip(states, rest, strict=True)}
    return cells


CELLS = documented()


def test_the_table_has_every_pair() -> None:
    assert set(CELLS) == {(state, kind) for state in State for kind in EventKind}


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind is not EventKind.ACCEPT])
@pytest.mark.parametrize("state", State)
def test_an_event_does_what_the_table_says(state: State, kind: EventKind) -> None:
    cell, before, event = CELLS[state, kind], at(state), example(kind, state)
    done = step(before, event, 5_000_000_000)
    after = done.procedure
    if cell == "•":
        assert done.refusal is None
        assert (after.state, after.paused_from) == (before.state, before.paused_from)
        assert [record.kind for record in done.records] == [kind.value]
        assert event.value.items() <= done.records[0].value.items()
    elif cell in REFUSALS:
        assert done.refusal is not None
        assert done.refusal.reason is REFUSALS[cell]
        assert after.state is before.state
        assert all(record.kind == REFUSED for record in done.records)
    else:
        to = State.SCAN if cell == "↩" else CODES[cell.removeprefix("→")]
        assert done.refusal is None
        assert (after.state, after.entered_ns) == (to, 5_000_000_000)
        phase = done.records[-1]
        assert (phase.kind, phase.value["from"], phase.value["to"]) == ("phase", state.value, to.value)
        assert phase.value["trigger"] == ("restart" if kind is EventKind.RESTART else "operator")


@pytest.mark.parametrize("state", State)
def test_accepting_does_what_stands_proposed(state: State) -> None:
    offered = step(at(state), example(EventKind.PROPOSE), 0).procedure
    accepted = step(offered, example(EventKind.ACCEPT, by=By.PEDAL), 2_000_000_000)
    if CELLS[state, EventKind.ACCEPT] != "•":
        assert accepted.refusal is not None
        assert accepted.refusal.reason is REFUSALS[CELLS[state, EventKind.ACCEPT]]
        return
    confirmed = step(at(state), example(EventKind.CONFIRM), 2_000_000_000)
    assert accepted.procedure.state is confirmed.procedure.state
    phase = accepted.records[-1]
    assert phase.by == "pedal"
    assert phase.value["trigger"] == "suggested-and-confirmed"
    assert phase.value["evidence"] == {"frames": 10, "age_ns": 2_000_000_000}
    assert accepted.proposal is None


@pytest.mark.parametrize("state", State)
def test_no_transition_goes_back(state: State) -> None:
    for kind in EventKind:
        to = step(at(state), example(kind, state), 0).procedure.state
        held = kind is EventKind.RESUME or to in (state, State.PAUSE, State.ABORT) or state is State.ABORT
        assert held or comes_after(to, state), (state, kind, to)


def test_pause_and_abort_are_reached_from_everywhere_that_is_not_ended() -> None:
    for state in ORDER[:-1]:
        paused = step(at(state), example(EventKind.PAUSE), 1)
        assert paused.procedure.state is State.PAUSE
        assert step(paused.procedure, example(EventKind.RESUME), 2).procedure.state is state
        assert step(paused.procedure, example(EventKind.ABORT), 2).procedure.state is State.ABORT
        assert step(at(state), example(EventKind.ABORT), 1).procedure.state is State.ABORT


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("by", By)
def test_nobody_does_what_is_not_for_him(kind: EventKind, by: By) -> None:
    state = next(state for state in State if CELLS[state, kind] not in REFUSALS)
    done = step(at(state), example(kind, state, by), 0)
    reason = None if done.refusal is None else done.refusal.reason
    if by in ALLOWED[kind]:
        assert reason in (None, Reason.NOTHING_PROPOSED)
    else:
        assert reason in (Reason.DEVICE_ONLY, Reason.PERSON_ONLY, Reason.NOT_BY_PEDAL)
        assert done.procedure.state is state


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind not in PROPOSABLE])
def test_what_a_person_must_decide_is_never_proposed(kind: EventKind) -> None:
    for state in State:
        done = step(
            at(state),
            example(EventKind.PROPOSE).__class__(
                EventKind.PROPOSE, By.DEVICE, {"event": kind.value, "value": dict(example(kind, state).value)}
            ),
            0,
        )
        assert done.proposal is None
        assert done.refusal is not None
