"""Which prompts of its own the procedure raises, from what was recorded and from what is seen now."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from barbotage_device.guidance.prompt import Priority
from barbotage_device.procedure.checklist import NOT_CANDIDATES, Item
from barbotage_device.procedure.entries import PLANES
from barbotage_device.procedure.events import EventKind, Reason
from barbotage_device.procedure.live import Live
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.settings import NS_PER_MIN, ProcedureSettings
from barbotage_device.procedure.states import State
from barbotage_device.procedure.times import time_in_ns


class OwnPrompt(StrEnum):
    """Prompts that the procedure raises; the value is the text key, as of PromptKind. In order of importance within a priority."""

    STOP_FOP = "stop-fop"
    STOP_CONSENT = "stop-consent"
    SIDE_CONFLICT = "side-conflict"
    RUN_SIDE = "run-side-differs"
    CHECK_FAILED = "check-failed"
    NO_SCALE = "no-scale"
    NOT_CANDIDATE = "not-candidate"
    LEFT_TARGET = "left-target"
    UNSAVED = "unsaved-frames"
    NOT_RECORDED = "not-recorded"
    ONE_PLANE = "one-plane"
    BLOCKED = "blocked"
    LONG_LAVAGE = "long-lavage"
    PLANE_MISMATCH = "plane-mismatch"


@dataclass(frozen=True, slots=True)
class Standing:
    """A prompt whose condition holds; whether it is shown is decided among all of them."""

    kind: OwnPrompt
    priority: Priority


@dataclass(frozen=True, slots=True)
class _Look:
    """What conditions look at. ``now_ns`` is None when only what was recorded is looked at."""

    procedure: Procedure
    live: Live
    now_ns: int | None
    settings: ProcedureSettings


@dataclass(frozen=True, slots=True)
class _Condition:
    kind: OwnPrompt
    priority: Priority
    states: tuple[State, ...]
    holds: Callable[[_Look], bool]


def _stop(reason: Reason) -> Callable[[_Look], bool]:
    return lambda look: look.procedure.checklist.stop is reason


def _left_target(look: _Look) -> bool:
    """The tip was in the target and was seen to leave it."""
    told = look.procedure.all_of(EventKind.TIP)
    return bool(told) and told[-1]["in"] is False and any(value["in"] for value in told)


def _blocked(look: _Look) -> bool:
    lavage = look.live.lavage
    return lavage is not None and (lavage.without_return or 0) >= look.settings.blocked_cycles


def _long_lavage(look: _Look) -> bool:
    if look.now_ns is None:
        return False
    spent_ns = time_in_ns(look.procedure, (State.LAVAGE, State.FRAGMENT), look.now_ns)
    return spent_ns > look.settings.long_lavage_min * NS_PER_MIN


def _one_plane(look: _Look) -> bool:
    """A deposit was measured in one axis only: a candidate that only one plane shows may be bone or enthesis."""
    measured = look.procedure.planes_measured("before")
    return bool(measured) and not measured.issuperset(PLANES)


def _plane_mismatch(look: _Look) -> bool:
    """A size after was stored in an axis in which there is none before: the two may not be compared."""
    procedure = look.procedure
    return not procedure.planes_measured("after") <= procedure.planes_measured("before")


_CHECKED = (State.CHECK_CASE, State.SCAN, State.PLAN, State.ANAESTHESIA, State.ADVANCE, State.VERIFY_TIP, State.LAVAGE)
_MEASURING = (State.CHECK_DEVICE, State.SCAN, State.PLAN, State.POST_SCAN)
_CONDITIONS = (
    _Condition(OwnPrompt.STOP_FOP, Priority.HIGH, (*_CHECKED, State.FRAGMENT), _stop(Reason.STOP_FOP)),
    _Condition(OwnPrompt.STOP_CONSENT, Priority.HIGH, (*_CHECKED, State.FRAGMENT), _stop(Reason.STOP_CONSENT)),
    _Condition(OwnPrompt.SIDE_CONFLICT, Priority.HIGH, (*_CHECKED, State.FRAGMENT), _stop(Reason.SIDE_CONFLICT)),
    _Condition(
        OwnPrompt.RUN_SIDE,
        Priority.HIGH,
        (State.CHECK_CASE, State.SCAN, State.PLAN, State.ANAESTHESIA),
        lambda look: look.procedure.run_side_differs,
    ),
    _Condition(OwnPrompt.CHECK_FAILED, Priority.MEDIUM, (State.CHECK_DEVICE,), lambda look: bool(look.procedure.unusable)),
    _Condition(OwnPrompt.NO_SCALE, Priority.MEDIUM, _MEASURING, lambda look: not look.live.scale_known),
    _Condition(
        OwnPrompt.NOT_CANDIDATE,
        Priority.MEDIUM,
        (State.CHECK_CASE, State.SCAN, State.PLAN),
        lambda look: look.procedure.checklist.answer(Item.FORM) in NOT_CANDIDATES,
    ),
    _Condition(OwnPrompt.LEFT_TARGET, Priority.MEDIUM, (State.VERIFY_TIP, State.LAVAGE), _left_target),
    _Condition(OwnPrompt.UNSAVED, Priority.MEDIUM, (State.CLOSE, State.ABORT), lambda look: look.live.unsaved_frames > 0),
    _Condition(
        OwnPrompt.NOT_RECORDED,
        Priority.LOW,
        (State.CHECK_CASE, State.CLOSE),
        lambda look: bool(look.procedure.checklist.not_recorded),
    ),
    _Condition(OwnPrompt.ONE_PLANE, Priority.LOW, (State.SCAN, State.PLAN), _one_plane),
    _Condition(OwnPrompt.BLOCKED, Priority.LOW, (State.LAVAGE, State.FRAGMENT), _blocked),
    _Condition(OwnPrompt.LONG_LAVAGE, Priority.LOW, (State.LAVAGE, State.FRAGMENT), _long_lavage),
    _Condition(OwnPrompt.PLANE_MISMATCH, Priority.LOW, (State.POST_SCAN, State.CLOSE), _plane_mismatch),
)
"""The procedure's own prompts by state (clinical facts 1.7), with the priorities given there."""


def own_prompt_states() -> dict[OwnPrompt, tuple[Priority, tuple[State, ...]]]:
    """Priority and states of every prompt of the procedure."""
    return {one.kind: (one.priority, one.states) for one in _CONDITIONS}


def standing(
    procedure: Procedure, live: Live | None = None, now_ns: int | None = None, settings: ProcedureSettings | None = None
) -> tuple[Standing, ...]:
    """The procedure's prompts whose condition holds in the present state, most important first.

    Without ``live`` and ``now_ns`` only what follows from the records is looked at.
    """
    look = _Look(procedure, live or Live(), now_ns, settings or ProcedureSettings())
    found = [Standing(one.kind, one.priority) for one in _CONDITIONS if procedure.state in one.states and one.holds(look)]
    return tuple(sorted(found, key=lambda one: -one.priority))
