"""Left and right: what a side of the picture means on the probe and on the patient, also when the picture is mirrored.

Three things can be turned: the shoulder (left or right), the end of the picture at which the probe's orientation marker is shown, and the
picture itself, which a grabber or a setting can mirror. "Left" without a word more always means the left of the picture as it is shown.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from barbotage_device.guidance.aim import Turn
from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide


class ProbeEnd(StrEnum):
    """An end of the transducer, as the hand that holds it can feel it."""

    MARKER = "marker-end"
    OTHER = "other-end"


class PatientSide(StrEnum):
    """The patient's own left or right, also which shoulder it is."""

    LEFT = "left"
    RIGHT = "right"


class Body(StrEnum):
    """A direction on the patient, the one to which the probe's marker can point."""

    MEDIAL = "medial"
    LATERAL = "lateral"
    ANTERIOR = "anterior"
    POSTERIOR = "posterior"
    CRANIAL = "cranial"
    CAUDAL = "caudal"


class Rotation(StrEnum):
    """How a line swings in the picture as it is shown."""

    CLOCKWISE = "clockwise"
    ANTICLOCKWISE = "anticlockwise"
    NONE = "none"


_OPPOSITE_BODY = {
    Body.MEDIAL: Body.LATERAL,
    Body.LATERAL: Body.MEDIAL,
    Body.ANTERIOR: Body.POSTERIOR,
    Body.POSTERIOR: Body.ANTERIOR,
    Body.CRANIAL: Body.CAUDAL,
    Body.CAUDAL: Body.CRANIAL,
}


@dataclass(frozen=True, slots=True)
class Orientation:
    """How the picture lies on the patient.

    ``marker_at`` is the side at which the scanner draws its orientation mark, in the scanner's own picture. ``mirrored`` says that the
    picture shown is the mirror image of the scanner's. ``marker_toward`` is where the marker on the probe points, None when it was not said.
    ``shoulder`` is the shoulder treated, None when it is not recorded.
    """

    marker_at: EntrySide
    mirrored: bool = False
    marker_toward: Body | None = None
    shoulder: PatientSide | None = None


def opposite(side: EntrySide) -> EntrySide:
    """The other side."""
    return EntrySide.RIGHT if side is EntrySide.LEFT else EntrySide.LEFT


def mirrored_side(side: EntrySide, mirrored: bool) -> EntrySide:
    """Where a side of the scanner's picture lies in the picture shown, and the other way round."""
    return opposite(side) if mirrored else side


def mirrored_point(point: PointMm, width_mm: float, mirrored: bool) -> PointMm:
    """Where a point of the scanner's picture lies in the picture shown, and the other way round; depth stays."""
    return PointMm(width_mm - point.x_mm, point.z_mm) if mirrored else point


def marker_side(orientation: Orientation) -> EntrySide:
    """The side of the picture shown under which the marker end of the probe lies."""
    return mirrored_side(orientation.marker_at, orientation.mirrored)


def probe_end(side: EntrySide, orientation: Orientation) -> ProbeEnd:
    """The end of the probe that lies at this side of the picture shown."""
    return ProbeEnd.MARKER if side is marker_side(orientation) else ProbeEnd.OTHER


def side_of_end(end: ProbeEnd, orientation: Orientation) -> EntrySide:
    """The side of the picture shown at which this end of the probe lies."""
    side = marker_side(orientation)
    return side if end is ProbeEnd.MARKER else opposite(side)


def body_direction(side: EntrySide, orientation: Orientation) -> Body | None:
    """The direction on the patient towards this side of the picture; None when it was not said where the marker points."""
    toward = orientation.marker_toward
    if toward is None:
        return None
    return toward if probe_end(side, orientation) is ProbeEnd.MARKER else _OPPOSITE_BODY[toward]


def patient_side(side: EntrySide, orientation: Orientation) -> PatientSide | None:
    """The patient's own left or right towards this side of the picture; None when the picture does not run across, or the shoulder is not known.

    Lateral of the left shoulder is the patient's left, medial of it the patient's right; of the right shoulder the reverse.
    """
    direction, shoulder = body_direction(side, orientation), orientation.shoulder
    if shoulder is None or direction not in (Body.MEDIAL, Body.LATERAL):
        return None
    if direction is Body.LATERAL:
        return shoulder
    return PatientSide.RIGHT if shoulder is PatientSide.LEFT else PatientSide.LEFT


def side_towards(direction: Body, orientation: Orientation) -> EntrySide | None:
    """The side of the picture shown towards a direction on the patient; None when it does not run that way, or is not known."""
    found = (side for side in EntrySide if body_direction(side, orientation) is direction)
    return next(found, None)


def rotation(turn: Turn, entry: EntrySide) -> Rotation:
    """How a needle that enters at this side of the picture shown swings in it when it is made steeper or shallower.

    Depth is drawn downwards: a needle from the left that gets steeper swings clockwise, one from the right anticlockwise.
    """
    if turn is Turn.HOLD:
        return Rotation.NONE
    clockwise = (turn is Turn.STEEPER) == (entry is EntrySide.LEFT)
    return Rotation.CLOCKWISE if clockwise else Rotation.ANTICLOCKWISE


def side_to_go(tip: PointMm, target: PointMm, dead_band_mm: float) -> EntrySide | None:
    """To which side of the picture shown the target lies from the tip; None when it lies within ``dead_band_mm`` above or below."""
    across_mm = target.x_mm - tip.x_mm
    if abs(across_mm) <= dead_band_mm:
        return None
    return EntrySide.RIGHT if across_mm > 0 else EntrySide.LEFT


def enters_elsewhere(planned: EntrySide, seen: EntrySide | None) -> bool:
    """Whether the needle comes from the other side than planned. Both are sides of the picture shown."""
    return seen is not None and seen is not planned


def marker_test(touched_at: EntrySide, orientation: Orientation) -> Orientation:
    """The orientation after the finger test: the marker end of the probe was touched, and the picture stirred at ``touched_at``.

    The test decides whether the picture is mirrored; nothing else can, since a mirrored picture looks like any other.
    """
    return replace(orientation, mirrored=touched_at is not orientation.marker_at)
