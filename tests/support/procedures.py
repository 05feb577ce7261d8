"""Procedures brought to a state, and a valid example of every event."""

from collections.abc import Mapping
from typing import Any

from barbotage_device.procedure.entries import DEVICE_CHECKS, PLANES
from barbotage_device.procedure.events import PHASE, By, Event, EventKind, Record
from barbotage_device.procedure.machine import Step, step
from barbotage_device.procedure.procedure import Procedure, applied, begin
from barbotage_device.procedure.states import State
from barbotage_device.procedure.table import ALLOWED

S = 1_000_000_000
E = EventKind

EXAMPLES: Mapping[EventKind, Mapping[str, Any]] = {
    E.SKIP: {"reason": "not-possible", "note": "probe too wide"},
    E.ABORT: {"reason": "vasovagal"},
    E.PAUSE: {"note": "sterile field"},
    E.PROPOSE: {"event": "confirm", "value": {}, "evidence": {"frames": 10}},
    E.DEVICE_CHECK: {"check": "disk", "passed": True},
    E.ANSWER: {"item": "consent", "answer": "yes"},
    E.PLANE: {"plane": "long"},
    E.TARGET: {"identity": 3, "longest_mm": 12.4, "sequence": 88},
    E.RELEASE: {"identity": 3},
    E.MEASURE: {"when": "before", "plane": "long", "longest_mm": None},
    E.PLAN: {"side": "left", "angle_deg": 25.0},
    E.AGENT: {"purpose": "local-anaesthetic", "name": "Lidocaïne 1 %", "volume_ml": 10.0},
    E.NEEDLE: {"gauge": 18, "count": 1},
    E.TIP: {"in": True, "frames": 10},
    E.TIP_VERIFIED: {"plane": "short"},
    E.CYCLE: {"from": "image"},
    E.TURBIDITY: {"turbidity": "milky"},
    E.DISTENSION: {"seen": "yes"},
    E.RESIDUAL: {"residual": "half-or-more"},
    E.COMPLICATION: {"complication": "none-observed"},
    E.PAIN: {"when": "rest", "vas": 6},
    E.SIGN: {"key": "op-1"},
}


def example(kind: EventKind, state: State | None = None, by: By | None = None) -> Event:
    """A valid event of a kind, by somebody who may do it."""
    value = dict(EXAMPLES.get(kind, {}))
    if kind is E.MEASURE and state is State.POST_SCAN:
        value["when"] = "after"
    return Event(kind, by or (By.OPERATOR if By.OPERATOR in ALLOWED[kind] else By.DEVICE), value)


def recorded(procedure: Procedure, kind: str, value: Mapping[str, Any], at_ns: int = 0) -> Procedure:
    """The procedure after a record."""
    return applied(procedure, Record(kind, "operator", at_ns, value))


def at(state: State, complete: bool = True, now_ns: int = 0) -> Procedure:
    """A procedure that stands in a state, entered at ``now_ns``; ``complete``: with everything that its end asks for."""
    procedure = begin(now_ns)
    if complete:
        for name in DEVICE_CHECKS:
            procedure = recorded(procedure, E.DEVICE_CHECK, {"check": name, "passed": True})
        procedure = recorded(procedure, E.TARGET, {"identity": 3})
        for plane in PLANES:
            procedure = recorded(procedure, E.MEASURE, {"when": "before", "plane": plane})
            procedure = recorded(procedure, E.MEASURE, {"when": "after", "plane": plane})
            procedure = recorded(procedure, E.TIP_VERIFIED, {"plane": plane})
        procedure = recorded(procedure, E.TIP, {"in": True})
        procedure = recorded(procedure, E.COMPLICATION, {"complication": "none-observed"})
    if state is State.PAUSE:
        procedure = recorded(procedure, PHASE, {"from": "check-device", "to": "scan"}, now_ns)
    return recorded(procedure, PHASE, {"from": procedure.state.value, "to": state.value}, now_ns)


def play(procedure: Procedure, *events: Event, now_ns: int = 0) -> Step:
    """The last step of several, a second apart."""
    done = Step(procedure)
    for index, event in enumerate(events):
        done = step(done.procedure, event, now_ns + index * S)
    return done
