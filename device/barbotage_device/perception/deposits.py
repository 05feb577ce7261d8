"""Deposits of one frame: components of the deposit map, outlined below cell size and measured in mm."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_device.perception.plane import CELL_CENTRE_PX, Box, Plane
from barbotage_device.perception.scene import Deposit
from barbotage_models.contract.card import ModelCard
from barbotage_models.contract.geometry import FloatArray, PointMm
from barbotage_models.contract.outline import iso_outline
from barbotage_models.contract.output import STRIDE_PX
from barbotage_models.contract.scores import deposit_score, level
from barbotage_models.contract.taxonomy import ShadowType

MIN_AREA_MM2 = 1.0
"""Smaller specks are dropped: under three cells of the map, and far below the 5 mm that separate small from medium deposits (Bosworth 1941). Unpublished default."""
MAX_DEPOSITS = 8
"""At most so many, the largest; it bounds the time of a frame. Unpublished default."""
BONE_CONTACT_MM = 1.0
"""A cell less than this above the bone surface line, or below it, is on the bone: one cell and a half of 0.6 mm. Unpublished default."""
BONE_CONTACT_FRACTION = 0.5
"""A candidate with more than this share of its cells on the bone is taken for bone or enthesis. Unpublished default."""
OUTLINE_TOLERANCE_PX = 0.5
"""The outline is thinned to this many canonical pixels (0.075 mm), which takes the stairs out."""

_CLOSING = np.ones((5, 5), dtype=np.uint8)
"""Closes gaps of up to 4 cells, 2.4 mm: a shaft of 1.3 mm with the bright tip, and the cells beside it in doubt."""
_PAD_CELLS = 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deposit with all but its shadow, and its box in canonical pixels."""

    deposit: Deposit
    box: Box


@dataclass(frozen=True, slots=True)
class _Map:
    """``whole`` is the probability with the strip under a crossing shaft given back; ``labels`` are the components of that."""

    probability: npt.NDArray[np.uint8]
    whole: npt.NDArray[np.uint8]
    labels: npt.NDArray[Any]
    floor: int
    alone: bool
    """There is one component only, so none has to be blanked."""


def deposit_candidates(
    probability: npt.NDArray[np.uint8], needle: npt.NDArray[np.uint8], card: ModelCard, bone: FloatArray | None, plane: Plane
) -> list[Candidate]:
    """The deposits of a map (rows, columns) in 1/256, largest first; their ``shadow`` is still INDETERMINATE.

    ``needle`` is the needle's map: a shaft that crosses a deposit hides a strip of it, which is given back to the deposit.
    A component needs ``MIN_AREA_MM2``, a calibrated confidence of ``thresholds.deposit_shown``, and may not lie on
    the bone surface ``bone`` (n, 2) in mm, sorted by x.
    """
    floor = level(card.thresholds.deposit_pixel)
    if int(probability.max()) < floor:
        return []
    mask = np.asarray(cv2.threshold(probability, floor - 1, 255, cv2.THRESH_BINARY)[1], dtype=np.uint8)
    whole = probability
    if int(needle.max()) >= floor:
        either = np.asarray(cv2.add(probability, needle), dtype=np.uint8)
        bridge = _bridge(mask, either, floor)
        mask, whole = mask | bridge, np.maximum(probability, either & bridge)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_16U)
    areas = stats[1:count, cv2.CC_STAT_AREA]
    cell_mm2 = plane.x_mm_per_px * plane.z_mm_per_px * STRIDE_PX**2
    cells = _Map(probability, whole, labels, floor, alone=count == 2)
    found: list[Candidate] = []
    for index in np.argsort(-areas, kind="stable")[:MAX_DEPOSITS].tolist():
        if areas[index] * cell_mm2 < MIN_AREA_MM2 / 2:
            break
        candidate = _candidate(cells, index + 1, stats[index + 1].tolist(), card, bone, plane)
        if candidate is not None:
            found.append(candidate)
    return found


def _bridge(mask: npt.NDArray[np.uint8], either: npt.NDArray[np.uint8], floor: int) -> npt.NDArray[np.uint8]:
    """Cells (255) of needle or deposit that have deposit on both sides: those that closing the deposit's mask fills."""
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _CLOSING, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    solid = cv2.threshold(either, floor - 1, 255, cv2.THRESH_BINARY)[1]
    return np.asarray(cv2.bitwise_and(closed, solid), dtype=np.uint8) & ~mask


def _candidate(
    cells: _Map, label: int, stats: list[int], card: ModelCard, bone: FloatArray | None, plane: Plane
) -> Candidate | None:
    left, top, width, height = stats[:4]
    own = cells.labels[top : top + height, left : left + width] == label
    raw = cells.probability[top : top + height, left : left + width][own]
    raw = raw[raw >= cells.floor]
    if raw.size == 0:
        # A piece of needle that closing filled, but which touches no deposit cell: nobody has seen a deposit there.
        return None
    confidence = card.deposit_calibration.probability(deposit_score(raw))
    if confidence < card.thresholds.deposit_shown or (bone is not None and _on_bone(own, left, top, bone, plane)):
        return None
    contour = _contour(cells, label, (left, top, width, height))
    return None if contour is None else _measured(contour, confidence, plane)


def _on_bone(own: npt.NDArray[np.bool_], left: int, top: int, bone: FloatArray, plane: Plane) -> bool:
    bottom_mm = plane.z0_mm + plane.z_mm_per_px * (STRIDE_PX * (top + own.shape[0] - 1) + CELL_CENTRE_PX)
    if bottom_mm <= float(bone[:, 1].min()) - BONE_CONTACT_MM:
        return False
    rows, columns = np.nonzero(own)
    x_mm = plane.x0_mm + plane.x_mm_per_px * (STRIDE_PX * (columns + left) + CELL_CENTRE_PX)
    z_mm = plane.z0_mm + plane.z_mm_per_px * (STRIDE_PX * (rows + top) + CELL_CENTRE_PX)
    surface_mm = np.interp(x_mm, bone[:, 0], bone[:, 1], left=np.inf, right=np.inf)
    return bool(np.count_nonzero(z_mm > surface_mm - BONE_CONTACT_MM) > BONE_CONTACT_FRACTION * len(x_mm))


def _contour(source: _Map, label: int, box: tuple[int, int, int, int]) -> npt.NDArray[np.float32] | None:
    """The outer border (n, 1, 2) of a component in canonical pixels, at the iso-line of the threshold.

    One cell of margin is kept so that the iso-line closes outside the component; cells beyond the map are 0. Other
    components are blanked. None when no fine pixel reaches the threshold.
    """
    left, top, width, height = box
    rows, columns = source.labels.shape
    y0, y1 = max(0, top - _PAD_CELLS), min(rows, top + height + _PAD_CELLS)
    x0, x1 = max(0, left - _PAD_CELLS), min(columns, left + width + _PAD_CELLS)
    part, shown = source.labels[y0:y1, x0:x1], source.whole[y0:y1, x0:x1]
    if not source.alone:
        shown = np.where((part == label) | (part == 0), shown, 0)
    cells = np.zeros((height + 2 * _PAD_CELLS, width + 2 * _PAD_CELLS), dtype=np.uint8)
    ty, tx = y0 - (top - _PAD_CELLS), x0 - (left - _PAD_CELLS)
    cells[ty : ty + y1 - y0, tx : tx + x1 - x0] = shown
    contour = iso_outline(cells, source.floor)
    shift = np.array([(left - _PAD_CELLS) * STRIDE_PX, (top - _PAD_CELLS) * STRIDE_PX], dtype=np.float32)
    return None if contour is None else np.asarray(contour + shift, dtype=np.float32)


def _measured(contour: npt.NDArray[np.float32], confidence: float, plane: Plane) -> Candidate | None:
    moments = cv2.moments(contour)
    area_px2 = abs(moments["m00"])
    area_mm2 = area_px2 * plane.x_mm_per_px * plane.z_mm_per_px
    if area_mm2 < MIN_AREA_MM2:
        return None
    centre = PointMm(
        plane.x0_mm + plane.x_mm_per_px * moments["m10"] / moments["m00"],
        plane.z0_mm + plane.z_mm_per_px * moments["m01"] / moments["m00"],
    )
    hull = np.asarray(cv2.convexHull(contour)[:, 0, :], dtype=np.float64)
    longest_mm, across_mm = extents(plane.mm_from_px(hull))
    outline = plane.mm_from_px(np.asarray(cv2.approxPolyDP(contour, OUTLINE_TOLERANCE_PX, True)[:, 0, :], dtype=np.float64))
    left, top = hull.min(axis=0).tolist()
    right, bottom = hull.max(axis=0).tolist()
    deposit = Deposit(
        outline=outline,
        centre=centre,
        longest_mm=longest_mm,
        perpendicular_mm=across_mm,
        area_mm2=area_mm2,
        depth_mm=plane.z0_mm + plane.z_mm_per_px * top,
        shadow=ShadowType.INDETERMINATE,
        confidence=confidence,
    )
    return Candidate(deposit, Box(left, top, right, bottom))


def extents(hull: FloatArray) -> tuple[float, float]:
    """Longest chord of a convex polygon (n, 2) and its widest extent across that chord, in its unit."""
    corners = hull[:, 0] + 1j * hull[:, 1]
    chords = np.abs(corners[:, None] - corners)
    first, second = divmod(int(chords.argmax()), len(hull))
    longest = float(chords[first, second])
    if longest == 0.0:
        return 0.0, 0.0
    across = (corners * np.conj(corners[second] - corners[first])).imag
    return longest, float(across.max() - across.min()) / longest
