"""The acoustic shadow below a deposit, measured on the picture and not learnt (Farin 1995: clear, faint, none).

The grey below the deposit is compared with the grey at the same depth beside it; where the bone is too near for that, the bone's own
echo below the deposit is compared with its echo beside it. The picture is log-compressed with unknown gain, so the ratios are unpublished
defaults; where no comparison is sound the answer is "cannot tell".
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
BONE_CLEAR_RATIO = 0.65
"""As CLEAR_RATIO, of the bone's echo: it is brighter than tissue (169 to 73 in real pictures), so the same loss in dB is a smaller part of it."""
BONE_FAINT_RATIO = 0.85
BONE_REACH_MM = 1.2
"""The bone's echo is the brightest pixel so near to the bone line; its line may be wrong by a cell and the echo is up to 1.4 mm thick."""
MIN_BONE_GREY = 60.0
"""A darker bone beside the deposit says nothing. Unpublished default."""
MIN_BONE_POINTS = 3
"""Points of the bone line, 0.6 mm apart, needed below and beside."""
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
    if sound:
        return _grade(sum(below for below, _ in sound) / sum(beside for _, beside in sound), CLEAR_RATIO, FAINT_RATIO)
    ratio = None if bone is None else _bone_ratio(pixels, box, core, bone, needle, plane)
    return ShadowType.INDETERMINATE if ratio is None else _grade(ratio, BONE_CLEAR_RATIO, BONE_FAINT_RATIO)


def _grade(ratio: float, clear: float, faint: float) -> ShadowType:
    if ratio <= clear:
        return ShadowType.CLEAR
    return ShadowType.FAINT if ratio <= faint else ShadowType.NONE


def _bone_ratio(
    pixels: GreyImage, box: Box, core: Box, bone: FloatArray, needle: NeedleLine | None, plane: Plane
) -> float | None:
    """Mean echo of the bone below the deposit over that beside it, or None when either is not seen well enough."""
    columns = (bone[:, 0] - plane.x0_mm) / plane.x_mm_per_px
    rows = (bone[:, 1] - plane.z0_mm) / plane.z_mm_per_px
    gap, width = GAP_BESIDE_MM / plane.x_mm_per_px, BESIDE_MM / plane.x_mm_per_px
    under = (columns >= core.left) & (columns <= core.right)
    left = (columns >= box.left - gap - width) & (columns <= box.left - gap)
    right = (columns >= box.right + gap) & (columns <= box.right + gap + width)
    beside = left | right
    if min(np.count_nonzero(under), np.count_nonzero(beside)) < MIN_BONE_POINTS:
        return None
    used = rows[under | beside]
    if _crossed(Box(box.left - gap - width, float(used.min()), box.right + gap + width, float(used.max())), needle, plane):
        return None
    reach = np.arange(-round(BONE_REACH_MM / plane.z_mm_per_px), round(BONE_REACH_MM / plane.z_mm_per_px) + 1)
    picked = np.clip(np.rint(rows).astype(np.int64)[:, None] + reach, 0, plane.used_h_px - 1)
    across = np.clip(np.rint(columns).astype(np.int64), 0, plane.used_w_px - 1)
    echo = pixels[picked, across[:, None]].max(axis=1)
    grey_beside = float(echo[beside].mean())
    return None if grey_beside < MIN_BONE_GREY else float(echo[under].mean()) / grey_beside


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
