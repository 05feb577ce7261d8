"""What the pod's ring shows for an aim: which way to turn the needle, or that it is on target, or that nobody knows. Pure."""

from dataclasses import dataclass

from barbotage_device.guidance.aim import Aim, Certainty, Turn
from barbotage_device.probe_pod.protocol import Aim as Ring

_FULL_DEG = 20.0
"""An error of this size lights all LEDs of a side: beyond it the operator turns anyway, and steps below 4 degrees are not felt."""
_LEVEL_MAX = 255


@dataclass(frozen=True, slots=True)
class RingPicture:
    """What to show. ``level`` 0 to 255 is how far off."""

    ring: Ring
    level: int = 0


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
