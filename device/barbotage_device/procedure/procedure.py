"""The procedure as an immutable value: where it stands and everything that was recorded, folded from the records one by one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from barbotage_device.procedure.checklist import Checklist, Item, checklist_of
from barbotage_device.procedure.entries import DEVICE_CHECKS, NEEDED_CHECKS
from barbotage_device.procedure.events import PHASE, EventKind, Proposal, Record, Value
from barbotage_device.procedure.states import ACTIVE, State

Told = Mapping[str, tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Procedure:
    """Where a procedure stands. Made only by ``begin`` and ``applied``, so that the records alone make it again.

    ``paused_from`` is the state to go back to, None unless paused. ``entered_ns`` is when ``state`` began. ``told`` holds the
    values of all records by kind, in order. ``silent_until_ns`` is the end of the silence after a patient event.
    """

    state: State = State.CHECK_DEVICE
    paused_from: State | None = None
    entered_ns: int = 0
    proposal: Proposal | None = None
    silent_until_ns: int | None = None
    told: Told = field(default_factory=dict)
    records: tuple[Record, ...] = ()

    def all_of(self, kind: EventKind) -> tuple[Value, ...]:
        """The values of every record of a kind, oldest first."""
        return self.told.get(kind.value, ())

    def last_of(self, kind: EventKind) -> Value | None:
        """The value of the newest record of a kind; None when there is none."""
        found = self.all_of(kind)
        return found[-1] if found else None

    @property
    def checklist(self) -> Checklist:
        """The checklist as answered so far."""
        return checklist_of(self.all_of(EventKind.ANSWER))

    @property
    def failed_checks(self) -> tuple[str, ...]:
        """Checks of the device that did not pass, or were not made; the newest of each holds."""
        passed = {str(value["check"]): value["passed"] is True for value in self.all_of(EventKind.DEVICE_CHECK)}
        return tuple(name for name in DEVICE_CHECKS if not passed.get(name, False))

    @property
    def unusable(self) -> tuple[str, ...]:
        """Failed checks without which nothing can be shown."""
        return tuple(name for name in self.failed_checks if name in NEEDED_CHECKS)

    @property
    def run_side_differs(self) -> bool:
        """Whether the checklist's side was found not to be the one that the run was started for, and is still answered so."""
        made = [value["passed"] is True for value in self.all_of(EventKind.DEVICE_CHECK) if value["check"] == "side"]
        return bool(made) and not made[-1] and self.checklist.answer(Item.SIDE) is not None

    @property
    def target(self) -> Value | None:
        """The deposit that was accepted and not released since; None without one."""
        return next(
            (
                record.value if record.kind == EventKind.TARGET else None
                for record in reversed(self.records)
                if record.kind in (EventKind.TARGET, EventKind.RELEASE)
            ),
            None,
        )

    @property
    def plane(self) -> str | None:
        """The axis that the operator says the picture shows; None when it was not said."""
        value = self.last_of(EventKind.PLANE)
        return None if value is None else str(value["plane"])

    def planes_measured(self, when: str) -> frozenset[str]:
        """The axes in which the deposit was measured ``before`` or ``after``."""
        found = (value.get("plane") for value in self.all_of(EventKind.MEASURE) if value["when"] == when)
        return frozenset(str(plane) for plane in found if plane is not None)

    @property
    def measured_after(self) -> bool:
        """Whether a size after was stored, in whatever plane, or the deposit was said to be gone."""
        residual = self.last_of(EventKind.RESIDUAL)
        gone = residual is not None and residual["residual"] == "not-visible"
        return gone or any(value["when"] == "after" for value in self.all_of(EventKind.MEASURE))

    @property
    def tip_in_target(self) -> bool:
        """Whether the tip was last found in the target."""
        value = self.last_of(EventKind.TIP)
        return value is not None and value["in"] is True

    @property
    def planes_verified(self) -> frozenset[str]:
        """The axes in which the tip was seen in the target."""
        return frozenset(str(value["plane"]) for value in self.all_of(EventKind.TIP_VERIFIED))

    @property
    def cycles(self) -> int:
        """Lavage cycles so far."""
        return len(self.all_of(EventKind.CYCLE))

    def is_silent(self, now_ns: int) -> bool:
        """Whether prompts that can wait are silent, after a patient event."""
        return self.silent_until_ns is not None and now_ns < self.silent_until_ns


def begin(now_ns: int) -> Procedure:
    """A procedure that starts now, in CHECK_DEVICE, with nothing recorded."""
    return Procedure(entered_ns=now_ns)


def applied(procedure: Procedure, record: Record) -> Procedure:
    """The procedure after a record that ``step`` gave. Raises KeyError, TypeError, ValueError for one that it cannot have given."""
    told = {**procedure.told, record.kind: (*procedure.told.get(record.kind, ()), record.value)}
    after = replace(procedure, told=told, records=(*procedure.records, record))
    if record.kind == PHASE:
        return _moved(after, procedure.state, record)
    if record.kind == EventKind.PROPOSE:
        value = record.value
        proposal = Proposal(EventKind(value["event"]), dict(value["value"]), dict(value["evidence"]), record.at_ns)
        return replace(after, proposal=proposal)
    if record.kind == EventKind.WITHDRAW or _fulfils(procedure.proposal, record):
        return replace(after, proposal=None)
    if record.kind == EventKind.PATIENT_EVENT:
        return replace(after, silent_until_ns=int(record.value["silent_until_ns"]))
    if record.kind == EventKind.RESTART:
        return replace(after, proposal=None, silent_until_ns=None, entered_ns=record.at_ns)
    return after


def _moved(procedure: Procedure, before: State, record: Record) -> Procedure:
    """After a transition. Where it was paused from is what the record says: records between may have been lost with a damaged file."""
    to, paused_from = State(record.value["to"]), None
    if to is State.PAUSE:
        paused_from = State(record.value.get("from", before))
        if paused_from not in ACTIVE:
            raise ValueError(f"paused from {paused_from}, which cannot be paused")
    return replace(procedure, state=to, paused_from=paused_from, entered_ns=record.at_ns, proposal=None)


def _fulfils(proposal: Proposal | None, record: Record) -> bool:
    """Whether what was recorded is what stood proposed, or makes it pointless: the same kind, whatever its value."""
    return proposal is not None and proposal.event == record.kind


def plain(value: Value) -> dict[str, Any]:
    """A value as plain dictionaries and lists, as a session's reader would give it back."""
    return {str(name): _plain(one) for name, one in value.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, str) else value
