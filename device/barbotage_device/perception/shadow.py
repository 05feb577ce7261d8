"""The acoustic shadow below a deposit, measured on the picture and not learnt (Farin 1995: clear, faint, none).

The grey below the deposit is compared with the grey at the same depth beside it. The picture is log-compressed with unknown gain, so
the ratios are unpublished defaults; where the comparison is not sound the answer is "cannot tell".
"""

from collections.abc import Sequence

import cv2
import numpy as np

from barbotage_device.perception.plane import Box, Plane
from barbotage_device.perception.scene import NeedleLine
from barbotage_models.contract.geometry import FloatArray, GreyImage
from barbotage_models.contract.taxonomy import ShadowType

CLEAR_RATIO = 0.5
"""Mean grey below over mean grey beside, up to which a shadow is clear. Unpublished default."""
FAINT_RATIO = 0.8
"""Up to which it is faint. Unpublished default."""
GAP_BELOW_MM = 0.6
"""Left out under the deposit: one cell, by which its outline may be wrong."""
MAX_LENGTH_MM = 6.0
MIN_LENGTH_MM = 1.2
"""A shorter strip (two speckle cells in depth) says nothing."""
BONE_MARGIN_MM = 0.9
"""Left out above the bone surface: real bone echoes measure 0.5 to 1.4 mm and would fill the shadow."""
CORE_FRACTION = 0.6
"""The middle part of the deposit's width that is used: the edges of a shadow are blurred by the beam."""
GAP_BESIDE_MM = 0.8
"""Left out beside the deposit: about the beam's width, 0.6 to 1.2 mm in real pictures."""
BESIDE_MM = 2.5
"""Width of each comparison strip, two lateral speckle cells."""
MIN_BESIDE_GREY = 20.0
"""A darker comparison strip says nothing: the shadow of real bone has a grey of 26 (10 to 41), so it is itself in shadow. Unpublished default."""
NEEDLE_MARGIN_PX = 4


def shadow_type(
    pixels: GreyImage, box: Box, others: Sequence[Box], bone: FloatArray | None, needle: NeedleLine | None, plane: Plane
) -> ShadowType:
    """The shadow under a deposit's box (canonical pixels) in a canonical picture; ``others`` are the boxes of the other deposits."""
    margin = (1.0 - CORE_FRACTION) / 2 * (box.right - box.left)
    top = box.bottom + GAP_BELOW_MM / plane.z_mm_per_px
    bottom = min(float(plane.used_h_px), top + MAX_LENGTH_MM / plane.z_mm_per_px)
    core = Box(box.left + margin, top, box.right - margin, bottom)
    if _crossed(core, needle, plane) or any(_overlap(core, other) for other in others):
        return ShadowType.INDETERMINATE
    gap, width = GAP_BESIDE_MM / plane.x_mm_per_px, BESIDE_MM / plane.x_mm_per_px
    sides = (
        Box(box.left - gap - width, top, box.left - gap, bottom),
        Box(box.right + gap, top, box.right + gap + width, bottom),
    )
    pairs = [_pair(pixels, core, side, others, bone, needle, plane) for side in sides]
    sound = [pair for pair in pairs if pair is not None]
    if not sound:
        return ShadowType.INDETERMINATE
    ratio = sum(below for below, _ in sound) / sum(beside for _, beside in sound)
    if ratio <= CLEAR_RATIO:
        return ShadowType.CLEAR
    return ShadowType.FAINT if ratio <= FAINT_RATIO else ShadowType.NONE


def _pair(
    pixels: GreyImage,
    core: Box,
    side: Box,
    others: Sequence[Box],
    bone: FloatArray | None,
    needle: NeedleLine | None,
    plane: Plane,
) -> tuple[float, float] | None:
    """Mean grey below and beside down to the bone, or None when this side cannot be used."""
    if side.left < 0 or side.right > plane.used_w_px:
        return None
    bottom = min(core.bottom, _bone_row(bone, min(core.left, side.left), max(core.right, side.right), plane))
    if (bottom - core.top) * plane.z_mm_per_px < MIN_LENGTH_MM:
        return None
    below, beside = Box(core.left, core.top, core.right, bottom), Box(side.left, side.top, side.right, bottom)
    if _crossed(beside, needle, plane) or any(_overlap(beside, other) for other in others):
        return None
    grey_beside = _mean(pixels, beside)
    return None if grey_beside < MIN_BESIDE_GREY else (_mean(pixels, below), grey_beside)


def _bone_row(bone: FloatArray | None, left: float, right: float, plane: Plane) -> float:
    """The canonical row, less a margin, that keeps clear of the bone between two columns."""
    if bone is None:
        return float(plane.used_h_px)
    columns = (bone[:, 0] - plane.x0_mm) / plane.x_mm_per_px
    rows = bone[(columns >= left) & (columns <= right), 1]
    return plane.y_px(float(rows.min()) - BONE_MARGIN_MM) if len(rows) else float(plane.used_h_px)


def _crossed(box: Box, needle: NeedleLine | None, plane: Plane) -> bool:
    if needle is None:
        return False
    rectangle = (
        int(box.left) - NEEDLE_MARGIN_PX,
        int(box.top) - NEEDLE_MARGIN_PX,
        int(box.right - box.left) + 2 * NEEDLE_MARGIN_PX,
        int(box.bottom - box.top) + 2 * NEEDLE_MARGIN_PX,
    )
    first = (round(plane.x_px(needle.entry.x_mm)), round(plane.y_px(needle.entry.z_mm)))
    last = (round(plane.x_px(needle.end.x_mm)), round(plane.y_px(needle.end.z_mm)))
    return bool(cv2.clipLine(rectangle, first, last)[0])


def _overlap(one: Box, other: Box) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


def _mean(pixels: GreyImage, box: Box) -> float:
    part = pixels[max(0, round(box.top)) : round(box.bottom), round(box.left) : max(round(box.left) + 1, round(box.right))]
    return float(np.asarray(cv2.mean(part))[0]) if part.size else 0.0
