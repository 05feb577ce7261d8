"""What the pod's ring and buzzer show: which way to turn the needle, or that it is on target, or that nobody knows. Pure."""

from dataclasses import dataclass

from barbotage_device.bedside.view import HIDDEN_AFTER_NS
from barbotage_device.guidance.aim import Aim, Certainty, Turn
from barbotage_device.guidance.prompt import Priority
from barbotage_device.probe_pod.protocol import Aim as Ring
from barbotage_device.probe_pod.protocol import Sound
from barbotage_device.runtime.operator import Presentation
from barbotage_device.runtime.pipeline import Guidance
from barbotage_device.runtime.status import Condition

_FULL_DEG = 20.0
"""An error of this size lights all LEDs of a side: beyond it the operator turns anyway, and steps below 4 degrees are not felt."""
_LEVEL_MAX = 255


@dataclass(frozen=True, slots=True)
class RingPicture:
    """What to show. ``level`` 0 to 255 is how far off."""

    ring: Ring
    level: int = 0


def ring_now(guidance: Guidance | None, condition: Condition, presentation: Presentation) -> RingPicture:
    """The ring as things stand: never more than the screen shows. Dark while the operator has the guidance switched off or the picture frozen."""
    if presentation.frozen or not presentation.overlay_on:
        return RingPicture(Ring.OFF)
    if guidance is None or _is_hidden(guidance, condition):
        return RingPicture(Ring.UNCERTAIN)
    return ring_for(guidance.aim)


def sound_now(guidance: Guidance | None, condition: Condition) -> Sound:
    """The buzzer as things stand; the pod plays what differs from before, once."""
    if condition.lost is not None or condition.model_error is not None:
        return Sound.ATTENTION
    if guidance is None:
        return Sound.SILENT
    # Where a procedure is followed, its choice among all prompts is what the screen shows.
    shown = guidance.prompts.shown if condition.procedure is None else condition.procedure.notice
    if shown is not None and shown.priority is Priority.HIGH:
        return Sound.ATTENTION
    in_target = guidance.aim.in_target and guidance.aim.certainty is Certainty.CONFIRMED
    return Sound.CONFIRM if in_target and not _is_hidden(guidance, condition) else Sound.SILENT


def _is_hidden(guidance: Guidance, condition: Condition) -> bool:
    """Whether the screen hides the guidance: too old, or the source or the network fails."""
    if guidance.stale or condition.lost is not None or condition.model_error is not None:
        return True
    return condition.frame_age_ns + guidance.aim.age_ns > HIDDEN_AFTER_NS


def ring_for(aim: Aim | None) -> RingPicture:
    """The ring for an aim; dark without a target.

    *Right* is a clockwise turn in the picture, *left* a counter-clockwise one: a needle from the left becomes steeper clockwise, one from
    the right counter-clockwise. *On target* needs the tip seen: a shaft alone gives a direction, never a confirmation.
    """
    if aim is None or aim.target is None:
        return RingPicture(Ring.OFF)
    if aim.certainty is Certainty.UNKNOWN or aim.entry is None:
        return RingPicture(Ring.UNCERTAIN)
    confirmed = aim.certainty is Certainty.CONFIRMED
    if aim.in_target or aim.turn is Turn.HOLD:
        return RingPicture(Ring.ON_TARGET if confirmed else Ring.UNCERTAIN)
    from_left = aim.entry.x_mm <= aim.target.point.x_mm
    clockwise = (aim.turn is Turn.STEEPER) == from_left
    error_deg = abs(aim.angle_error_deg or 0.0)
    level = min(_LEVEL_MAX, round(error_deg / _FULL_DEG * _LEVEL_MAX))
    return RingPicture(Ring.RIGHT if clockwise else Ring.LEFT, level)
