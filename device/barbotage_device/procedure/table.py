"""Which event does what in which state: one table over every pair."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from barbotage_device.procedure.events import By, EventKind, Reason
from barbotage_device.procedure.states import ACTIVE, ORDER, State

E, S = EventKind, State


@dataclass(frozen=True, slots=True)
class Go:
    """The procedure moves on. ``to`` is None where it goes back to the state that was paused."""

    to: State | None


@dataclass(frozen=True, slots=True)
class Stay:
    """It is recorded; the state stays."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing changes, for this reason."""

    reason: Reason


Rule = Go | Stay | Refuse

NEXT = MappingProxyType(dict(pairwise(ORDER)) | {S.LAVAGE: S.BURSA_INJECT, S.ABORT: S.SEALED})
"""Where CONFIRM and SKIP lead. FRAGMENT is left out of the usual way: only its own event leads there."""

SKIPPABLE = (S.CHECK_DEVICE, S.SCAN, S.ANAESTHESIA, S.ADVANCE, S.VERIFY_TIP, S.BURSA_INJECT, S.POST_SCAN, S.CLOSE, S.ABORT)
"""States that may be left without what they ask for, with a reason. Checklist and plan are confirmed as they are instead."""
GUIDED = (S.SCAN, S.PLAN, S.ANAESTHESIA, S.ADVANCE, S.VERIFY_TIP, S.LAVAGE, S.FRAGMENT)
"""States in which a target is followed."""
WASHING = (S.LAVAGE, S.FRAGMENT)
TYPING = (S.PAUSE, S.ABORT, S.CLOSE)
"""States in which the hands are free to type what was done before."""
OPEN = (*ACTIVE, S.PAUSE, S.ABORT)

WHERE: Mapping[EventKind, tuple[State, ...]] = MappingProxyType(
    {
        E.ACCEPT: (*ACTIVE, S.ABORT),
        E.PROPOSE: (*ACTIVE, S.ABORT),
        E.WITHDRAW: (*ACTIVE, S.ABORT),
        E.PATIENT_EVENT: OPEN,
        E.DEVICE_CHECK: (S.CHECK_DEVICE, S.CHECK_CASE, S.SCAN, S.PLAN, S.ANAESTHESIA, *TYPING),
        E.ANSWER: (S.CHECK_CASE, S.SCAN, S.PLAN, S.ANAESTHESIA, *TYPING),
        E.PLANE: (*GUIDED, S.POST_SCAN),
        E.TARGET: (*GUIDED, S.PAUSE),
        E.RELEASE: (*GUIDED, S.PAUSE),
        E.MEASURE: (S.SCAN, S.POST_SCAN),
        E.PLAN: (S.PLAN,),
        E.AGENT: (S.ANAESTHESIA, *WASHING, S.BURSA_INJECT, *TYPING),
        E.NEEDLE: (S.ANAESTHESIA, S.ADVANCE, S.VERIFY_TIP, *WASHING, S.BURSA_INJECT, *TYPING),
        E.TIP: (S.ADVANCE, S.VERIFY_TIP, *WASHING),
        E.TIP_VERIFIED: (S.VERIFY_TIP,),
        E.CYCLE: WASHING,
        E.TURBIDITY: WASHING,
        E.SYRINGE: WASHING,
        E.PASS: (S.FRAGMENT,),
        E.DISTENSION: (S.BURSA_INJECT,),
        E.RESIDUAL: (S.POST_SCAN, S.CLOSE),
        E.COMPLICATION: (*ACTIVE[ACTIVE.index(S.ANAESTHESIA) :], S.PAUSE, S.ABORT),
        E.PAIN: (S.CHECK_CASE, *TYPING),
        E.SIGN: (S.CLOSE, S.ABORT),
    }
)
"""Where each event that moves nothing is taken."""


def _moves() -> dict[tuple[State, EventKind], Rule]:
    rules: dict[tuple[State, EventKind], Rule] = {}
    rules |= {(state, E.CONFIRM): Go(following) for state, following in NEXT.items()}
    rules |= {(state, E.SKIP): Go(NEXT[state]) if state in SKIPPABLE else Refuse(Reason.NOT_SKIPPABLE) for state in NEXT}
    rules |= {(state, E.PAUSE): Go(S.PAUSE) for state in ACTIVE}
    rules |= {(state, E.RESTART): Go(S.PAUSE) for state in ACTIVE}
    rules |= {(state, E.ABORT): Go(S.ABORT) for state in (*ACTIVE, S.PAUSE)}
    rules |= {(state, E.RESUME): Refuse(Reason.NOT_PAUSED) for state in ACTIVE}
    rules[S.LAVAGE, E.FRAGMENT] = Go(S.FRAGMENT)
    rules[S.PAUSE, E.RESUME] = Go(None)
    rules[S.PAUSE, E.RESTART] = rules[S.ABORT, E.RESTART] = Stay()
    return rules


_ELSEWHERE = {S.SEALED: Reason.SEALED, S.ABORT: Reason.ABORTED, S.PAUSE: Reason.PAUSED}


def _table() -> dict[tuple[State, EventKind], Rule]:
    rules: dict[tuple[State, EventKind], Rule] = {
        (state, kind): Refuse(_ELSEWHERE.get(state, Reason.NOT_HERE)) for state in State for kind in EventKind
    }
    rules |= {(state, kind): Stay() for kind, states in WHERE.items() for state in states}
    return rules | _moves()


TABLE: Mapping[tuple[State, EventKind], Rule] = MappingProxyType(_table())
"""The rule of every state and event."""


def _of(kinds: Iterable[EventKind], *by: By) -> dict[EventKind, frozenset[By]]:
    return dict.fromkeys(kinds, frozenset(by))


_MEASURED = (E.DEVICE_CHECK, E.TIP, E.PROPOSE, E.WITHDRAW, E.RESTART)
_PEDAL = (E.ACCEPT, E.PATIENT_EVENT, E.PAUSE, E.RESUME, E.SYRINGE, E.PASS)
_ANYONE = (E.CYCLE, E.RELEASE, E.PLAN, E.MEASURE)

ALLOWED: Mapping[EventKind, frozenset[By]] = MappingProxyType(
    _of(EventKind, By.OPERATOR)
    | _of(_MEASURED, By.DEVICE)
    | _of(_PEDAL, By.OPERATOR, By.PEDAL)
    | _of(_ANYONE, By.OPERATOR, By.PEDAL, By.DEVICE)
)
"""Who may do what. A foot gives no reasons and ends nothing: what asks for a reason, or cannot be taken back, is not for the pedal.

The device records and proposes; RESTART apart, which only pauses, nothing of its kinds moves the procedure.
"""

PROPOSABLE = frozenset({E.CONFIRM, E.TARGET, E.MEASURE, E.TIP_VERIFIED})
"""What the device may propose. Never to fragment (contested, clinical facts 1.7), to skip, or to abort."""


def not_allowed(kind: EventKind, by: By) -> Reason | None:
    """Why ``by`` may not do this; None when it may."""
    allowed = ALLOWED[kind]
    if by in allowed:
        return None
    if allowed == {By.DEVICE}:
        return Reason.DEVICE_ONLY
    return Reason.PERSON_ONLY if by is By.DEVICE else Reason.NOT_BY_PEDAL
