"""A procedure made again from the events of a session that was cut: in PAUSE, at the last state, with all that was recorded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from barbotage_device.errors import UsageError
from barbotage_device.procedure.entries import check_entry
from barbotage_device.procedure.events import PHASE, REFUSED, By, Event, EventKind, Record
from barbotage_device.procedure.machine import Step, step
from barbotage_device.procedure.procedure import Procedure, applied, begin, plain
from barbotage_device.procedure.states import State

KINDS = frozenset({kind.value for kind in EventKind} | {PHASE, REFUSED})
"""What a procedure records; a session holds events of other kinds as well."""
GIVEN = {EventKind.PATIENT_EVENT: ("silent_until_ns",), EventKind.PROPOSE: ("value", "evidence")}
"""What the procedure itself puts into a record and needs to find there again."""

ADDED = ("count", "evidence")
"""What the procedure adds to a value; no kind takes them from a caller by these names but where it takes anything."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """A procedure that goes on. ``step`` holds what is to be recorded of the restart; ``problems`` says in words what could not be read.

    ``target_to_accept``: a deposit was accepted. Its identity belongs to the tracker before the cut: it must be accepted again.
    """

    step: Step
    problems: tuple[str, ...]
    target_to_accept: bool

    @property
    def procedure(self) -> Procedure:
        """The procedure as it stands now."""
        return self.step.procedure


def resume(events: Iterable[Mapping[str, Any]], now_ns: int) -> Resumed:
    """The procedure after these events (``kind``, ``by``, ``value``, ``at_ns``; oldest first), restarted at ``now_ns``.

    It is in PAUSE, to be resumed by a person; an aborted one stays aborted and a sealed one sealed. An event that is damaged is left
    out and named in ``problems``; a transition is believed even where events before it were lost.
    """
    procedure, problems = rebuilt(events)
    after = step(procedure, Event(EventKind.RESTART, By.DEVICE), now_ns)
    return Resumed(after, problems, procedure.target is not None)


def rebuilt(events: Iterable[Mapping[str, Any]]) -> tuple[Procedure, tuple[str, ...]]:
    """The procedure as it stood after these events, and what could not be read of them."""
    procedure, problems = begin(0), list[str]()
    for place, event in enumerate(events):
        if event.get("kind") not in KINDS:
            continue
        try:
            record = _record(event)
            procedure = applied(procedure, record)
        except (UsageError, KeyError, TypeError, ValueError) as error:
            problems.append(f"event {place} ({event.get('kind')}): left out, {_words(error)}")
    return procedure, tuple(problems)


def _record(event: Mapping[str, Any]) -> Record:
    """The record of a session's event. Raises UsageError, KeyError, TypeError, ValueError for one that no procedure gave."""
    kind, by, at_ns, value = event["kind"], event["by"], event["at_ns"], event["value"]
    if not isinstance(value, Mapping) or not isinstance(at_ns, int) or not isinstance(by, str):
        raise UsageError("its value, time or doer is not of the right kind")
    if kind == PHASE:
        State(value["to"])
    elif kind != REFUSED:
        _check(EventKind(kind), value)
    return Record(kind, by, at_ns, plain(value))


def _check(kind: EventKind, value: Mapping[str, Any]) -> None:
    for name in GIVEN.get(kind, ()):
        if name not in value:
            raise UsageError(f"'{name}' is missing")
    given = value if kind is EventKind.PROPOSE else {name: one for name, one in value.items() if name not in ADDED}
    check_entry(kind, given)


def _words(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
