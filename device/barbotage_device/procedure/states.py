"""The states of a procedure: their order, how each is entered and left, and what each records."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a procedure stands; ``phase-`` and the value is the text key."""

    CHECK_DEVICE = "check-device"
    CHECK_CASE = "check-case"
    SCAN = "scan"
    PLAN = "plan"
    ANAESTHESIA = "anaesthesia"
    ADVANCE = "advance"
    VERIFY_TIP = "verify-tip"
    LAVAGE = "lavage"
    FRAGMENT = "fragment"
    BURSA_INJECT = "bursa-inject"
    POST_SCAN = "post-scan"
    CLOSE = "close"
    PAUSE = "pause"
    ABORT = "abort"
    SEALED = "sealed"


ORDER = (
    State.CHECK_DEVICE,
    State.CHECK_CASE,
    State.SCAN,
    State.PLAN,
    State.ANAESTHESIA,
    State.ADVANCE,
    State.VERIFY_TIP,
    State.LAVAGE,
    State.FRAGMENT,
    State.BURSA_INJECT,
    State.POST_SCAN,
    State.CLOSE,
    State.SEALED,
)
"""The only direction in which a procedure moves. PAUSE comes back to where it was; ABORT ends in SEALED."""

ACTIVE = ORDER[:-1]
"""The states in which work is done: those that can be paused and aborted."""


@dataclass(frozen=True, slots=True)
class About:
    """What a state is: ``entry`` and ``exit`` in words, and the kinds of records that belong to it."""

    entry: str
    exit: str
    records: tuple[str, ...]


ABOUT: dict[State, About] = {
    State.CHECK_DEVICE: About("the program starts", "every check passes, or skipped with a reason", ("device-check",)),
    State.CHECK_CASE: About("confirmed", "the operator confirms what was answered; no stop stands", ("checklist", "pain")),
    State.SCAN: About(
        "confirmed",
        "a target accepted, long and short axis stored",
        ("plane", "target-accepted", "target-released", "measurement"),
    ),
    State.PLAN: About("a target accepted", "confirmed", ("plan",)),
    State.ANAESTHESIA: About("confirmed", "confirmed, or skipped with a reason", ("agent", "needle")),
    State.ADVANCE: About("confirmed, proposed when the needle is first seen", "tip in the target, confirmed", ("tip-in-target",)),
    State.VERIFY_TIP: About("confirmed", "tip seen in both axes, or skipped with a reason", ("plane", "tip-verified")),
    State.LAVAGE: About(
        "confirmed", "confirmed; a stop is proposed, never made", ("lavage-cycle", "turbidity", "syringe-change", "agent")
    ),
    State.FRAGMENT: About("the operator only, never proposed", "confirmed", ("needling-pass", "lavage-cycle")),
    State.BURSA_INJECT: About("confirmed", "confirmed, or skipped with a reason", ("agent", "bursa-distension")),
    State.POST_SCAN: About("confirmed", "the size after is stored, or skipped with a reason", ("measurement", "residual")),
    State.CLOSE: About("confirmed", "complications answered; sealed", ("complication", "pain", "signature", "agent")),
    State.PAUSE: About("from every active state; after a restart", "resumed where it was, or aborted", ("checklist", "agent")),
    State.ABORT: About("from every active state and PAUSE, with a reason", "sealed", ("complication", "signature")),
    State.SEALED: About("confirmed", "none: nothing more is recorded", ()),
}


def comes_after(state: State, other: State) -> bool:
    """Whether ``state`` lies later in the procedure than ``other``; False where one of them has no place in the order."""
    return state in ORDER and other in ORDER and ORDER.index(state) > ORDER.index(other)
