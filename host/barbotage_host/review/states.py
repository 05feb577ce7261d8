"""The states of a procedure as stretches of its session: where each begins and ends, and what led into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from barbotage_device.procedure.events import PHASE, EventKind
from barbotage_device.procedure.states import State
from barbotage_device.runtime.conduct.continuing import CONTINUED
from barbotage_device.session.events import Event

NS_PER_S = 1e9
PASSED_ON = ("event", "trigger", "evidence", "reason", "note", "missing")
"""What a transition says beside where it leads (docs/session.md)."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stay in a state. ``told`` holds what was recorded of the transition into it; empty where none was."""

    state: str
    begin_ns: int
    end_ns: int
    before: str | None
    by: str | None
    told: Mapping[str, Any]

    @property
    def duration_s(self) -> float:
        """How long it lasted, never negative."""
        return max(0, self.end_ns - self.begin_ns) / NS_PER_S


def stretches(events: Sequence[Event], begin_ns: int, end_ns: int) -> list[Stretch]:
    """The stays in order. The state in which the session began is known from the first transition, or from the checks of the device."""
    changes = [event for event in events if event.kind == PHASE and isinstance(event.value.get("to"), str)]
    ends = [event.at_ns for event in changes[1:]] + [end_ns]
    found = [_stretch(event, end) for event, end in zip(changes, ends, strict=False)]
    first = _first(events, begin_ns, found[0].begin_ns if found else end_ns, found[0].before if found else None)
    return [first, *found] if first is not None else found


def totals(stays: Sequence[Stretch]) -> dict[str, float]:
    """Seconds in each state, in the order in which they were first entered."""
    found: dict[str, float] = {}
    for stay in stays:
        found[stay.state] = found.get(stay.state, 0.0) + stay.duration_s
    return found


def _stretch(event: Event, end_ns: int) -> Stretch:
    before = event.value.get("from")
    told = {name: event.value[name] for name in PASSED_ON if name in event.value}
    return Stretch(event.value["to"], event.at_ns, end_ns, before if isinstance(before, str) else None, event.by, told)


def _first(events: Sequence[Event], begin_ns: int, end_ns: int, before: str | None) -> Stretch | None:
    """The stay before the first transition. A session that goes on from another begins its state with the restart."""
    if any(event.kind == CONTINUED for event in events):
        begin_ns = next((event.at_ns for event in events if event.kind == EventKind.RESTART), end_ns)
    elif before is None and any(event.kind == EventKind.DEVICE_CHECK for event in events):
        before = State.CHECK_DEVICE.value
    return Stretch(before, begin_ns, end_ns, None, None, {}) if before is not None and begin_ns < end_ns else None
