"""What a state must have before it is left: what cannot be skipped, and what can, with a reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from barbotage_device.procedure.entries import PLANES
from barbotage_device.procedure.events import EventKind, Reason
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.states import State

S = State


@dataclass(frozen=True, slots=True)
class Need:
    """Something that must be there. ``firm``: not even with a reason can it be left out."""

    reason: Reason
    met: Callable[[Procedure], bool]
    firm: bool = False


def _stop(reason: Reason) -> Need:
    return Need(reason, lambda procedure: procedure.checklist.stop is not reason, firm=True)


STOPS = (_stop(Reason.STOP_FOP), _stop(Reason.STOP_CONSENT), _stop(Reason.SIDE_CONFLICT))
"""Stand in every state from the checklist to the last injection: an answer may come late."""
STOPPED = (S.CHECK_CASE, S.SCAN, S.PLAN, S.ANAESTHESIA, S.ADVANCE, S.VERIFY_TIP, S.LAVAGE, S.FRAGMENT)

DEVICE = Need(Reason.NEED_DEVICE, lambda procedure: not procedure.unusable, firm=True)
CHECKS = Need(Reason.NEED_CHECKS, lambda procedure: not procedure.failed_checks)
TARGET = Need(Reason.NEED_TARGET, lambda procedure: procedure.target is not None, firm=True)
BOTH_AXES = Need(Reason.NEED_BOTH_AXES, lambda procedure: procedure.planes_measured("before").issuperset(PLANES))
TIP = Need(Reason.NEED_TIP_IN_TARGET, lambda procedure: procedure.tip_in_target)
TIP_IN_BOTH = Need(Reason.NEED_TIP_IN_BOTH_AXES, lambda procedure: procedure.planes_verified.issuperset(PLANES))
SIZE_AFTER = Need(Reason.NEED_SIZE_AFTER, lambda procedure: procedure.measured_after)
COMPLICATIONS = Need(Reason.NEED_COMPLICATIONS, lambda procedure: procedure.last_of(EventKind.COMPLICATION) is not None)

_OWN: dict[State, tuple[Need, ...]] = {
    S.CHECK_DEVICE: (DEVICE, CHECKS),
    S.SCAN: (TARGET, BOTH_AXES),
    S.ADVANCE: (TIP,),
    S.VERIFY_TIP: (TIP_IN_BOTH,),
    S.POST_SCAN: (SIZE_AFTER,),
    S.CLOSE: (COMPLICATIONS,),
    S.ABORT: (COMPLICATIONS,),
}
NEEDS: Mapping[State, tuple[Need, ...]] = MappingProxyType(
    {state: (*(STOPS if state in STOPPED else ()), *_OWN.get(state, ())) for state in State}
)
"""What each state's end asks for, the firm ones first."""


def unmet(procedure: Procedure) -> tuple[Need, ...]:
    """What is missing to leave the present state, in the order of NEEDS."""
    return tuple(need for need in NEEDS[procedure.state] if not need.met(procedure))


def hindrance(procedure: Procedure, skipping: bool) -> Reason | None:
    """Why the present state may not be left now; None when it may."""
    return next((need.reason for need in unmet(procedure) if need.firm or not skipping), None)
