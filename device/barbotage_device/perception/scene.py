"""What one frame shows, in plane coordinates.

Coordinates and lengths are in mm of the image plane (see ``CanonicalView``). When ``Scene.measurable`` is False the
scale is unknown: the numbers are then only nominal working units and must not be shown or recorded as mm.
"""

from dataclasses import dataclass

from barbotage_models.contract.geometry import FloatArray, PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType


@dataclass(frozen=True, slots=True)
class Deposit:
    """One calcification seen in one frame.

    ``outline`` is (n, 2) in (x_mm, z_mm), closed implicitly. ``longest_mm`` is the longest chord of the outline (Feret),
    ``perpendicular_mm`` the widest extent across it; ``depth_mm`` the depth of its shallowest point.
    """

    outline: FloatArray
    centre: PointMm
    longest_mm: float
    perpendicular_mm: float
    area_mm2: float
    depth_mm: float
    shadow: ShadowType
    confidence: float


@dataclass(frozen=True, slots=True)
class NeedleLine:
    """The axis of the shaft as seen in one frame.

    ``entry`` is where the axis enters the region (at its side or top edge), ``end`` the far end of the visible shaft.
    ``angle_deg`` is measured from the horizontal, positive downwards, 0 to 90; ``side`` is where it comes from.
    """

    entry: PointMm
    end: PointMm
    angle_deg: float
    side: EntrySide
    visible_mm: float
    confidence: float


@dataclass(frozen=True, slots=True)
class TipSighting:
    """The tip as two agreeing cues place it: the end of the shaft's axis and the network's tip map."""

    position: PointMm
    confidence: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How usable the picture is. ``score`` in [0, 1]; ``reason`` is a message key when the score is low, else empty."""

    score: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything seen in one frame. ``bone`` is (n, 2) in (x_mm, z_mm), sorted by x, or None."""

    capture_ns: int
    measurable: bool
    width_mm: float
    depth_mm: float
    deposits: tuple[Deposit, ...]
    bone: FloatArray | None
    needle: NeedleLine | None
    tip: TipSighting | None
    quality: Quality
