"""One step of the procedure: an event in, the next procedure and what is to be recorded out."""

from dataclasses import dataclass
from typing import Any

from barbotage_device.errors import UsageError
from barbotage_device.procedure.entries import check_entry
from barbotage_device.procedure.events import (
    PHASE,
    PULSATIONS,
    REFUSED,
    By,
    Event,
    EventKind,
    Proposal,
    Reason,
    Record,
    Refusal,
    Trigger,
    Value,
)
from barbotage_device.procedure.needs import hindrance, unmet
from barbotage_device.procedure.procedure import Procedure, applied, plain
from barbotage_device.procedure.settings import NS_PER_S, ProcedureSettings
from barbotage_device.procedure.standing import Standing, standing
from barbotage_device.procedure.states import State
from barbotage_device.procedure.table import PROPOSABLE, TABLE, Go, Refuse, not_allowed

E = EventKind
NUMBERED = frozenset({E.CYCLE, E.SYRINGE, E.PASS, E.PATIENT_EVENT})
"""What is counted: the procedure numbers it, so that the count goes on after a restart."""
LEAVING = frozenset({E.CONFIRM, E.SKIP, E.FRAGMENT})
_TRIGGERS = {By.OPERATOR: Trigger.OPERATOR, By.PEDAL: Trigger.PEDAL, By.DEVICE: Trigger.RESTART}


@dataclass(frozen=True, slots=True)
class Step:
    """What an event did. ``records`` are to be recorded in this order; ``prompts`` stand after it; ``refusal`` says why nothing moved."""

    procedure: Procedure
    records: tuple[Record, ...] = ()
    prompts: tuple[Standing, ...] = ()
    proposal: Proposal | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class _Doing:
    """An event on its way: by whom, and on which proposal it rests."""

    event: Event
    now_ns: int
    settings: ProcedureSettings
    accepted: Proposal | None = None


def step(procedure: Procedure, event: Event, now_ns: int, settings: ProcedureSettings | None = None) -> Step:
    """The procedure after ``event``, at ``now_ns`` of the monotonic clock. Never raises: what may not be is refused with a reason.

    What a person is refused is recorded too, unless the session is sealed; a refused proposal of the device leaves no trace.
    """
    doing = _Doing(event, now_ns, settings or ProcedureSettings())
    found = _who(procedure, doing) or _done(procedure, doing)
    if isinstance(found, Refusal):
        return _refused(procedure, doing, found)
    after = procedure
    for record in found:
        after = applied(after, record)
    return Step(after, found, standing(after), after.proposal)


def _who(procedure: Procedure, doing: _Doing) -> Refusal | None:
    """Who may do it at all, after whether it is for this state: the state's reason says more."""
    event = doing.event
    rule = TABLE[procedure.state, event.kind]
    if isinstance(rule, Refuse):
        return Refusal(rule.reason)
    reason = not_allowed(event.kind, event.by)
    return None if reason is None else Refusal(reason, f"{event.kind} is not for {event.by}")


def _done(procedure: Procedure, doing: _Doing) -> tuple[Record, ...] | Refusal:
    """The records of an event that its state and its doer allow, or why it is refused after all."""
    event = doing.event
    try:
        check_entry(event.kind, event.value)
    except UsageError as error:
        return Refusal(Reason.INVALID, str(error))
    if (misplaced := _misplaced(procedure.state, event)) is not None:
        return misplaced
    if event.kind is E.ACCEPT:
        return _accepted(procedure, doing)
    if event.kind is E.PROPOSE:
        return _proposed(procedure, doing)
    rule = TABLE[procedure.state, event.kind]
    records = _restarted(doing) if event.kind is E.RESTART else ()
    if isinstance(rule, Go):
        return _left(procedure, doing, rule, records)
    return records or (_record(doing, event.kind.value, _numbered(procedure, doing)),)


def _misplaced(state: State, event: Event) -> Refusal | None:
    """A size before belongs to SCAN, a size after to POST_SCAN."""
    if event.kind is not E.MEASURE:
        return None
    when = "after" if state is State.POST_SCAN else "before"
    given = event.value["when"]
    return None if given == when else Refusal(Reason.INVALID, f"measurement: 'when' is {given!r}; in {state} it must be {when!r}")


def _accepted(procedure: Procedure, doing: _Doing) -> tuple[Record, ...] | Refusal:
    """Does what stands proposed, in the name of the person who accepts it."""
    proposal = procedure.proposal
    if proposal is None:
        return Refusal(Reason.NOTHING_PROPOSED)
    if proposal.age_ns(doing.now_ns) < doing.settings.accept_after_s * NS_PER_S:
        return Refusal(Reason.TOO_SOON)
    rule = TABLE[procedure.state, proposal.event]
    if isinstance(rule, Refuse):
        return Refusal(rule.reason)
    event = Event(proposal.event, doing.event.by, proposal.value)
    inner = _Doing(event, doing.now_ns, doing.settings, proposal)
    if isinstance(rule, Go):
        return _left(procedure, inner, rule, ())
    return (_record(inner, event.kind.value, _numbered(procedure, inner) | {"evidence": plain(_evidence(inner))}),)


def _proposed(procedure: Procedure, doing: _Doing) -> tuple[Record, ...] | Refusal:
    value = doing.event.value
    kind, inner, evidence = E(value["event"]), plain(value.get("value", {})), plain(value.get("evidence", {}))
    if kind not in PROPOSABLE:
        return Refusal(Reason.NEVER_PROPOSED, f"{kind} is for a person alone")
    standing_now = procedure.proposal
    if standing_now is not None and (standing_now.event, standing_now.value) == (kind, inner):
        return Refusal(Reason.ALREADY_PROPOSED)
    rule = TABLE[procedure.state, kind]
    if isinstance(rule, Refuse):
        return Refusal(rule.reason)
    reason = hindrance(procedure, skipping=PULSATIONS in evidence) if isinstance(rule, Go) else None
    if reason is not None:
        return Refusal(reason)
    return (_record(doing, E.PROPOSE.value, {"event": kind.value, "value": inner, "evidence": evidence}),)


def _left(procedure: Procedure, doing: _Doing, rule: Go, before: tuple[Record, ...]) -> tuple[Record, ...] | Refusal:
    """The transition, or what hinders it."""
    event, skipping = doing.event, doing.event.kind is E.SKIP or _has_begun(doing)
    if event.kind in LEAVING:
        reason = hindrance(procedure, skipping=skipping)
        if reason is not None:
            return Refusal(reason)
    to = rule.to or procedure.paused_from or State.CHECK_DEVICE
    value: dict[str, Any] = {
        "from": procedure.state.value,
        "to": to.value,
        "event": event.kind.value,
        "trigger": (_TRIGGERS[event.by] if doing.accepted is None else Trigger.SUGGESTED).value,
        "evidence": plain(_evidence(doing)),
    }
    missing = [need.reason.value for need in unmet(procedure)] if skipping else []
    extra = plain(event.value) | ({"missing": missing} if missing else {})
    return (*before, _record(doing, PHASE, value | extra))


def _has_begun(doing: _Doing) -> bool:
    """Whether a person accepts that the next state has begun already: then only what is firm is asked for, and what is missing is recorded."""
    return doing.accepted is not None and PULSATIONS in doing.accepted.evidence


def _evidence(doing: _Doing) -> Value:
    """On what the deed rests: the proposal's ground and how long it stood; a person alone is his own ground."""
    proposal = doing.accepted
    return {} if proposal is None else {**proposal.evidence, "age_ns": proposal.age_ns(doing.now_ns)}


def _restarted(doing: _Doing) -> tuple[Record, ...]:
    return (_record(doing, E.RESTART.value, plain(doing.event.value)),)


def _numbered(procedure: Procedure, doing: _Doing) -> dict[str, Any]:
    """The value to record, with its number where it is counted, and for a patient event how long prompts that can wait are silent."""
    kind, value = doing.event.kind, plain(doing.event.value)
    if kind in NUMBERED:
        value["count"] = len(procedure.all_of(kind)) + 1
    if kind is E.PATIENT_EVENT:
        value["state"] = procedure.state.value
        value["silent_until_ns"] = doing.now_ns + round(doing.settings.patient_silence_s * NS_PER_S)
    return value


def _record(doing: _Doing, kind: str, value: dict[str, Any]) -> Record:
    return Record(kind, doing.event.by.value, doing.now_ns, value)


def _refused(procedure: Procedure, doing: _Doing, refusal: Refusal) -> Step:
    """Nothing moved. Persons' refused wishes are kept: they tell where the procedure does not fit the hands."""
    event = doing.event
    if procedure.state is State.SEALED or event.by is By.DEVICE:
        return Step(procedure, (), standing(procedure), procedure.proposal, refusal)
    value = {"event": event.kind.value, "reason": refusal.reason.value}
    record = _record(doing, REFUSED, value | ({"detail": refusal.detail} if refusal.detail else {}))
    after = applied(procedure, record)
    return Step(after, (record,), standing(after), after.proposal, refusal)
