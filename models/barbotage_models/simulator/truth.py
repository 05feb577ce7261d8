"""What a simulated frame really contains, in mm, and its class map.

Coordinates are those of the image plane: ``x_mm`` to the right from the left edge, ``z_mm`` down from the skin.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from barbotage_models.contract.geometry import FloatArray, GreyImage, PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType, Tissue


@dataclass(frozen=True, slots=True)
class DepositTruth:
    """One calcification. ``outline`` (n, 2) in (x_mm, z_mm)."""

    outline: FloatArray
    centre: PointMm
    longest_mm: float
    perpendicular_mm: float
    area_mm2: float
    shadow: ShadowType


@dataclass(frozen=True, slots=True)
class NeedleTruth:
    """The needle. ``tip`` may lie outside the picture; ``entry`` is where its axis enters the picture.

    ``tip_visible`` and ``shaft_visible_fraction`` say what the beam shows (out of plane, steep or shadowed parts are not seen).
    ``visible_segments`` is (n, 2, 2): ends in (x_mm, z_mm) of the shaft's visible pieces, tip side last.
    """

    tip: PointMm
    entry: PointMm
    angle_deg: float
    side: EntrySide
    tip_visible: bool
    shaft_visible_fraction: float
    visible_segments: FloatArray


@dataclass(frozen=True, slots=True)
class Truth:
    """Exact labels of one frame. ``bone`` is (n, 2) in (x_mm, z_mm), sorted by x; empty (0, 2) when out of view.

    A row of NaN in ``bone`` is a gap where nothing of it is seen.
    """

    width_mm: float
    depth_mm: float
    deposits: tuple[DepositTruth, ...]
    bone: FloatArray
    needle: NeedleTruth | None
    more_bone: tuple[FloatArray, ...] = ()
    """Other bone surfaces, such as the edge of the acromion."""
    more_shafts: FloatArray = field(default_factory=lambda: np.zeros((0, 2, 2)))
    """Visible pieces (n, 2, 2) of a second needle, whose tip is not in view."""

    def class_map(
        self, shape: tuple[int, int], mm_per_px: float, bone_thickness_mm: float = 1.0, needle_thickness_mm: float = 0.9
    ) -> GreyImage:
        """``Tissue`` per pixel, uint8 of ``shape`` (rows, columns), pixel size ``mm_per_px``; needle over deposit over bone."""
        factor = 4
        canvas = np.zeros((shape[0] * factor, shape[1] * factor), dtype=np.uint8)
        fine = mm_per_px / factor

        def px(points: FloatArray) -> "np.ndarray[tuple[int, ...], np.dtype[np.int32]]":
            return np.asarray(np.rint(points / fine - 0.5), dtype=np.int32)

        for surface in (piece for bone in (self.bone, *self.more_bone) for piece in unbroken(bone)):
            cv2.polylines(canvas, [px(surface)], False, int(Tissue.BONE), max(1, round(bone_thickness_mm / fine)))
        for deposit in self.deposits:
            cv2.fillPoly(canvas, [px(deposit.outline)], int(Tissue.DEPOSIT))
        own = np.zeros((0, 2, 2)) if self.needle is None else self.needle.visible_segments
        for shaft in (own, self.more_shafts):
            for segment in shaft:
                cv2.polylines(canvas, [px(segment)], False, int(Tissue.NEEDLE), max(1, round(needle_thickness_mm / fine)))
        blocks = canvas.reshape(shape[0], factor, shape[1], factor)
        votes = np.stack([(blocks == t).sum(axis=(1, 3)) * w for t, w in _VOTE_WEIGHT.items()])
        return np.asarray(votes.argmax(axis=0), dtype=np.uint8)


def unbroken(line: FloatArray) -> list[FloatArray]:
    """The pieces of a line (n, 2) between its gaps; each has at least two points."""
    known = ~np.isnan(line[:, 0])
    cuts = np.flatnonzero(np.diff(known.astype(np.int8))) + 1
    return [piece for piece in np.split(line, cuts) if len(piece) >= 2 and not np.isnan(piece[0, 0])]


_VOTE_WEIGHT = {Tissue.BACKGROUND: 1.0, Tissue.DEPOSIT: 1.0, Tissue.BONE: 1.5, Tissue.NEEDLE: 1.5}
"""Thin structures win a cell that they cover by 40 %, else they would break up."""
