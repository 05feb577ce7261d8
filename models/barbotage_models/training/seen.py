"""Keeps of a truth what the finished picture shows: a label must sit on something that can be seen.

Gain, grey maps, shadows and black corners can hide what was there. A label on it would teach to guess.
"""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX
from barbotage_models.contract.geometry import FloatArray, GreyImage
from barbotage_models.simulator.truth import DepositTruth, NeedleTruth, Truth

Float32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SHAFT_GREY_MIN = 14.0
SHAFT_CONTRAST = 8.0
"""A piece of shaft is brighter than both sides of it by this many grey levels, or by this share of their own deviation."""
SHAFT_CONTRAST_OF_DEVIATION = 0.6
SHAFT_CLEAR_CONTRAST = 25.0
"""Where it is that much brighter than one side, the other may be as bright: a fascia runs along it."""
SHAFT_BESIDE_BRIGHTER = 10.0
DEPOSIT_CONTRAST = 6.0
DEPOSIT_CONTRAST_OF_DEVIATION = 0.4
DEPOSIT_RIM_CONTRAST = 12.0
"""Of the surface that faces the probe against what lies above it."""
DEPOSIT_DARKER = 10.0
"""A cystic or washed deposit is darker than its surroundings."""
BONE_GREY_MIN = 16.0
BONE_CONTRAST = 5.0
TIP_PIECE_MM = 1.2
PART_MM = 1.5
BONE_STEP_MM = 0.3


def only_seen(truth: Truth, picture: GreyImage, tissue: Mask) -> Truth:
    """The truth, in mm of the canonical frame, without what ``picture`` does not show; ``tissue`` is where it shows anything."""
    soft = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 0.8)
    values = np.where(tissue, soft, np.float32(np.nan)).astype(np.float32)
    return replace(
        truth,
        deposits=tuple(d for d in truth.deposits if _deposit_seen(d, values)),
        bone=_bone_seen(truth.bone, values),
        more_bone=tuple(_bone_seen(b, values) for b in truth.more_bone),
        needle=None if truth.needle is None else _needle_seen(truth.needle, values),
        more_shafts=_pieces_seen(truth.more_shafts, values),
    )


def _needle_seen(needle: NeedleTruth, values: Float32) -> NeedleTruth:
    pieces = _pieces_seen(needle.visible_segments, values)
    tip_visible = False
    if needle.tip_visible and len(pieces):
        tip = np.array([needle.tip.x_mm, needle.tip.z_mm])
        start, end = pieces[-1]
        reaches = bool(np.hypot(*(tip - end)) < TIP_PIECE_MM)
        back = (start - tip) / max(float(np.hypot(*(start - tip))), 1e-6)
        tip_visible = reaches and _stands_out(tip + TIP_PIECE_MM * back, tip, values)
    return replace(needle, visible_segments=pieces, tip_visible=tip_visible)


def _pieces_seen(pieces: FloatArray, values: Float32) -> FloatArray:
    short = (part for piece in pieces for part in _parts(piece))
    kept = [part for part in short if _stands_out(part[0], part[1], values)]
    return np.asarray(kept, dtype=np.float64).reshape(-1, 2, 2)


def _parts(piece: FloatArray) -> FloatArray:
    """A piece (2, 2) cut into parts (n, 2, 2) short enough to lie inside or outside of the picture, in light or in shadow."""
    count = max(1, round(float(np.hypot(*(piece[1] - piece[0]))) / PART_MM))
    ends = piece[0] + np.linspace(0, 1, count + 1)[:, None] * (piece[1] - piece[0])
    return np.stack([ends[:-1], ends[1:]], axis=1)


def _stands_out(start: FloatArray, end: FloatArray, values: Float32) -> bool:
    length = max(float(np.hypot(*(end - start))), 1e-6)
    along = start + np.linspace(0, 1, max(3, int(length / 0.2)))[:, None] * (end - start)
    normal = np.array([-(end - start)[1], (end - start)[0]]) / length

    def at(offset_mm: float) -> Float32:
        return _sampled(values, along + offset_mm * normal)

    on = np.max([at(-0.15), at(0.0), at(0.15)], axis=0)
    if np.isnan(on).mean() > 0.3:
        return False
    level = float(np.nanmean(on))
    sides = [np.stack([at(sign * 1.0), at(sign * 1.5)]) for sign in (-1, 1)]
    one, other = (level - _mean_or(side, level) for side in sides)
    deviation = float(np.nanstd(np.stack(sides))) if not np.isnan(np.stack(sides)).all() else 0.0
    needed = max(SHAFT_CONTRAST, SHAFT_CONTRAST_OF_DEVIATION * deviation)
    clear = max(one, other) >= max(SHAFT_CLEAR_CONTRAST, 2 * needed) and min(one, other) >= -SHAFT_BESIDE_BRIGHTER
    return level >= SHAFT_GREY_MIN and (min(one, other) >= needed or clear)


def _deposit_seen(deposit: DepositTruth, values: Float32) -> bool:
    points = np.rint(deposit.outline / CANONICAL_MM_PER_PX - 0.5).astype(np.int32)
    mask = np.zeros(values.shape, dtype=np.uint8)
    cv2.fillPoly(mask, [points], 1)
    known = ~np.isnan(values)
    inside = (mask > 0) & known
    if inside.sum() < max(4, 0.3 * deposit.area_mm2 / CANONICAL_MM_PER_PX**2):
        return False
    near, far = (cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1))) > 0 for r in (3, 9))
    ring = far & ~near & known
    ring[int(points[:, 1].mean()) :, points[:, 0].min() : points[:, 0].max() + 1] = False  # its own shadow
    above = np.roll(mask, -5, axis=0) > 0
    surface = inside & ~(np.roll(mask, 4, axis=0) > 0)
    around = _mean_or(values[ring], 0.0)
    contrast = float(values[inside].mean()) - around
    rim = _mean_or(values[surface], 0.0) - _mean_or(values[above & ~near & known], around)
    deviation = DEPOSIT_CONTRAST_OF_DEVIATION * (float(values[ring].std()) if ring.any() else 0.0)
    if float(np.percentile(values[inside], 90)) < SHAFT_GREY_MIN:
        return False
    by_rim = rim >= max(DEPOSIT_RIM_CONTRAST, deviation)
    return by_rim or contrast >= max(DEPOSIT_CONTRAST, deviation) or contrast <= -max(DEPOSIT_DARKER, deviation)


def _bone_seen(bone: FloatArray, values: Float32) -> FloatArray:
    """The surface in steps of 0.3 mm, with NaN where it is not seen."""
    if len(bone) < 2:
        return bone
    length = np.append(0.0, np.cumsum(np.hypot(*np.diff(bone, axis=0).T)))
    along = np.linspace(0, length[-1], max(2, round(float(length[-1]) / BONE_STEP_MM)))
    bone = np.stack([np.interp(along, length, bone[:, 0]), np.interp(along, length, bone[:, 1])], axis=1)

    def at(dz_mm: float) -> Float32:
        return np.nan_to_num(_sampled(values, bone + np.array([0.0, dz_mm])))

    ridge = np.max([at(dz) for dz in (-0.45, -0.2, 0.0, 0.2, 0.45, 0.7)], axis=0)
    above, below = (np.mean([at(sign * dz) for dz in (1.5, 2.2, 3.0)], axis=0) for sign in (-1, 1))
    good = (ridge >= BONE_GREY_MIN) & (ridge - np.minimum(above, below) >= BONE_CONTRAST)
    window = min(5, len(bone))
    share = np.convolve(np.pad(good.astype(np.float64), window // 2, mode="edge"), np.ones(window) / window, "valid")[: len(bone)]
    return np.where((share >= 0.5)[:, None], bone, np.nan)


def _sampled(values: Float32, points_mm: FloatArray) -> Float32:
    """Values at points (n, 2) in mm, nearest pixel; NaN outside the picture."""
    column, row = np.rint(points_mm / CANONICAL_MM_PER_PX - 0.5).astype(int).T
    inside = (column >= 0) & (column < values.shape[1]) & (row >= 0) & (row < values.shape[0])
    out = np.full(len(points_mm), np.nan, dtype=np.float32)
    out[inside] = values[row[inside], column[inside]]
    return out


def _mean_or(values: npt.NDArray[np.floating], otherwise: float) -> float:
    """The mean of what is not NaN, or another value when there is nothing."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else otherwise
