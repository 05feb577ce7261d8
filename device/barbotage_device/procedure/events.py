"""What can happen to a procedure, who does it, what is recorded of it, and why it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Value = Mapping[str, Any]
"""JSON values by name, as a session records them."""


class By(StrEnum):
    """Who does something, as a session's events name it."""

    DEVICE = "device"
    OPERATOR = "operator"
    PEDAL = "pedal"


class Trigger(StrEnum):
    """What made a transition."""

    OPERATOR = "operator"
    PEDAL = "pedal"
    SUGGESTED = "suggested-and-confirmed"
    """Proposed by the device, accepted by a person."""
    RESTART = "restart"
    """The device was restarted: the one transition that it makes itself, and only into PAUSE."""


class EventKind(StrEnum):
    """Everything that can happen. What moves the procedure is recorded as ``phase``, all else under its own value."""

    ACCEPT = "accept"
    """Do what stands proposed: the tap of the pedal."""
    CONFIRM = "confirm"
    SKIP = "skip"
    FRAGMENT = "fragment"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    RESTART = "restarted"
    PROPOSE = "proposal"
    WITHDRAW = "proposal-withdrawn"
    PATIENT_EVENT = "patient-event"
    DEVICE_CHECK = "device-check"
    ANSWER = "checklist"
    PLANE = "plane"
    TARGET = "target-accepted"
    RELEASE = "target-released"
    MEASURE = "measurement"
    PLAN = "plan"
    AGENT = "agent"
    NEEDLE = "needle"
    TIP = "tip-in-target"
    TIP_VERIFIED = "tip-verified"
    CYCLE = "lavage-cycle"
    TURBIDITY = "turbidity"
    SYRINGE = "syringe-change"
    PASS = "needling-pass"  # noqa: S105 (a pass of the needle)
    DISTENSION = "bursa-distension"
    RESIDUAL = "residual"
    COMPLICATION = "complication"
    PAIN = "pain"
    SIGN = "signature"


PULSATIONS = "pulsations"
"""Evidence of a proposal of LAVAGE that rests on a cavity that pulsates, or a plunger that is pressed: how many were counted."""
PHASE, REFUSED = "phase", "refused"
"""Kinds of records that are not events: a transition, and what a person asked for and did not get."""


class Reason(StrEnum):
    """Why something is refused; ``refused-`` and the value is the text key."""

    NOT_HERE = "not-here"
    SEALED = "sealed"
    ABORTED = "aborted"
    PAUSED = "paused"
    NOT_PAUSED = "not-paused"
    NOTHING_PROPOSED = "nothing-proposed"
    TOO_SOON = "too-soon"
    NOT_SKIPPABLE = "not-skippable"
    ALREADY_PROPOSED = "already-proposed"
    NEVER_PROPOSED = "never-proposed"
    PERSON_ONLY = "person-only"
    DEVICE_ONLY = "device-only"
    NOT_BY_PEDAL = "not-by-pedal"
    INVALID = "invalid"
    STOP_FOP = "stop-fop"
    STOP_CONSENT = "stop-consent"
    SIDE_CONFLICT = "side-conflict"
    NEED_DEVICE = "need-device"
    NEED_CHECKS = "need-checks"
    NEED_TARGET = "need-target"
    NEED_BOTH_AXES = "need-both-axes"
    NEED_TIP_IN_TARGET = "need-tip-in-target"
    NEED_TIP_IN_BOTH_AXES = "need-tip-in-both-axes"
    NEED_SIZE_AFTER = "need-size-after"
    NEED_COMPLICATIONS = "need-complications"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens now. ``value`` holds only what JSON can say."""

    kind: EventKind
    by: By = By.OPERATOR
    value: Value = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """What is to be recorded: an event of the session, not yet in its chain. ``at_ns`` is of the monotonic clock."""

    kind: str
    by: str
    at_ns: int
    value: Value = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the device offers to do: the event with its value, and on what ground since when. It does nothing until a person accepts it."""

    event: EventKind
    value: Value
    evidence: Value
    since_ns: int

    def age_ns(self, now_ns: int) -> int:
        """How long it has stood, never negative."""
        return max(0, now_ns - self.since_ns)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event changed nothing. ``detail`` is one English line for the log when the reason alone does not say enough."""

    reason: Reason
    detail: str = ""
