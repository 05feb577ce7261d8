"""The needle of one frame: first the axis of its shaft, then the tip where two cues agree."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from barbotage_device.perception.plane import CELL_CENTRE_PX, Plane
from barbotage_device.perception.scene import NeedleLine, TipSighting
from barbotage_models.contract.card import ModelCard
from barbotage_models.contract.geometry import FloatArray, PointMm
from barbotage_models.contract.output import STRIDE_PX, tip_peak
from barbotage_models.contract.scores import NEEDLE_INLIER_MM, level, needle_score, tip_score
from barbotage_models.contract.taxonomy import EntrySide

MIN_VISIBLE_MM = 5.0
"""Less shaft than this gives no axis: over 5 mm a cell of 0.6 mm still is an angle error of 7 deg. Unpublished default."""
MAX_GAP_MM = 6.0
"""Longest invisible piece within a shaft; measured real shafts hide up to 44 % of their length. Unpublished default."""
SEEN_GAP_MM = 1.3
"""Neighbouring shaft cells are at most a cell's diagonal and a half apart (0.85 x 1.5); a wider gap counts as unseen."""
BESIDE_MM = 3.0
MAX_BESIDE_RATIO = 1.0
"""Too wide for a shaft: more cells between ``NEEDLE_INLIER_MM`` and ``BESIDE_MM`` beside the axis than on it. Unpublished default."""
MAX_ANGLE_DEG = 75.0
"""Steeper lines are refused: beyond 45 deg a shaft is hardly visible (Kline 2015), so such a line is something else. Unpublished default."""
FLAT_ANGLE_DEG = 5.0
"""Below this the shallow end is not known from the slope, and the end nearer to its edge of the picture is the entry end."""
TIP_ACROSS_MM = 1.5
"""Farthest that the tip map's peak may lie beside the axis: two cells and a half. Unpublished default."""
TIP_ALONG_MM = 4.0
"""Farthest that the peak may lie from the end of the visible shaft; the last millimetres are often dark. Unpublished default."""
CLEAN_FRACTION = 0.9
"""When so many cells lie on the first fit, it is taken as it is and refined; else the consensus is asked. Only saves time."""
MAX_POINTS = 200
"""Cells used for the fit; a shaft across the whole picture has about 170."""

_PAIRS = 64
_SEQUENCE = np.arange(1, _PAIRS + 1)
_PAIR_FIRST = (_SEQUENCE * 0.7548776662466927) % 1.0
_PAIR_SECOND = (_SEQUENCE * 0.5698402909980532) % 1.0
"""Fixed pairs for the consensus: the R2 low-discrepancy sequence (Roberts 2018), so that the same map always gives the same line."""
_MIN_PAIR_MM = 2.0


@dataclass(frozen=True, slots=True)
class _Cells:
    x_mm: FloatArray
    z_mm: FloatArray
    weight: FloatArray

    def take(self, keep: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "_Cells":
        return _Cells(self.x_mm[keep], self.z_mm[keep], self.weight[keep])


@dataclass(frozen=True, slots=True)
class _Line:
    x_mm: float
    z_mm: float
    dx: float
    dz: float

    def across_mm(self, cells: _Cells) -> FloatArray:
        return np.abs(self.dx * (cells.z_mm - self.z_mm) - self.dz * (cells.x_mm - self.x_mm))

    def along_mm(self, cells: _Cells) -> FloatArray:
        return self.dx * (cells.x_mm - self.x_mm) + self.dz * (cells.z_mm - self.z_mm)

    def point(self, along_mm: float) -> PointMm:
        return PointMm(self.x_mm + along_mm * self.dx, self.z_mm + along_mm * self.dz)


def needle_line(probability: npt.NDArray[np.uint8], card: ModelCard, plane: Plane) -> NeedleLine | None:
    """The shaft's axis in a map (rows, columns) in 1/256, or None when there is none to be relied upon.

    The line with most support wins (consensus, then weighted least squares). It is refused when it is short, wide, steep or
    its calibrated confidence is below ``thresholds.needle_shown``.
    """
    floor = level(card.thresholds.needle_pixel)
    if int(probability.max()) < floor:
        return None
    cells = _cells(probability, floor, plane)
    if len(cells.x_mm) * STRIDE_PX * plane.x_mm_per_px < MIN_VISIBLE_MM / 2:
        return None
    line = _fit(cells)
    near = line.across_mm(cells) <= NEEDLE_INLIER_MM
    if np.count_nonzero(near) < CLEAN_FRACTION * len(near):
        line = _consensus(cells)
        line = _fit(cells.take(line.across_mm(cells) <= NEEDLE_INLIER_MM))
    run = _run(line, cells)
    if run is None:
        return None
    shaft, visible_mm = run
    line = _fit(shaft)
    spread = len(cells.x_mm) > len(shaft.x_mm)
    if visible_mm < MIN_VISIBLE_MM or (spread and _too_wide(line, cells, len(shaft.x_mm))):
        return None
    # All that lies on the axis is scored, as the calibration was fitted, also what lies beyond a long gap: it speaks against a shaft.
    first, last = _ends(line, cells.take(line.across_mm(cells) <= NEEDLE_INLIER_MM))
    score = needle_score(probability, _cell(first, plane), _cell(last, plane))
    confidence = card.needle_calibration.probability(score)
    if confidence < card.thresholds.needle_shown:
        return None
    return _oriented(line, _ends(line, shaft), visible_mm, confidence, plane)


def _cells(probability: npt.NDArray[np.uint8], floor: int, plane: Plane) -> _Cells:
    index = np.flatnonzero(probability.ravel() >= floor)
    index = index[:: -(-len(index) // MAX_POINTS)]
    weight = probability.ravel()[index].astype(np.float64)
    rows, columns = np.divmod(index, probability.shape[1])
    x_mm = plane.x0_mm + plane.x_mm_per_px * (STRIDE_PX * columns + CELL_CENTRE_PX)
    z_mm = plane.z0_mm + plane.z_mm_per_px * (STRIDE_PX * rows + CELL_CENTRE_PX)
    return _Cells(x_mm, z_mm, weight)


def _ends(line: _Line, cells: _Cells) -> tuple[PointMm, PointMm]:
    along = line.along_mm(cells)
    return line.point(float(along.min())), line.point(float(along.max()))


def _cell(point: PointMm, plane: Plane) -> tuple[float, float]:
    x_px, y_px = plane.x_px(point.x_mm), plane.y_px(point.z_mm)
    return (x_px - CELL_CENTRE_PX) / STRIDE_PX, (y_px - CELL_CENTRE_PX) / STRIDE_PX


def _fit(cells: _Cells) -> _Line:
    """Total least squares through weighted cells."""
    total = float(cells.weight.sum())
    x_mm, z_mm = float(cells.weight @ cells.x_mm) / total, float(cells.weight @ cells.z_mm) / total
    ux, uz = cells.x_mm - x_mm, cells.z_mm - z_mm
    wx = cells.weight * ux
    xx, xz, zz = float(wx @ ux), float(wx @ uz), float((cells.weight * uz) @ uz)
    angle = 0.5 * math.atan2(2 * xz, xx - zz)
    return _Line(x_mm, z_mm, math.cos(angle), math.sin(angle))


def _consensus(cells: _Cells) -> _Line:
    """The line through two cells of a fixed set of pairs that has most weight near it."""
    count = len(cells.x_mm)
    first, second = (_PAIR_FIRST * count).astype(np.int64), (_PAIR_SECOND * count).astype(np.int64)
    x, z = cells.x_mm[first], cells.z_mm[first]
    dx, dz = cells.x_mm[second] - x, cells.z_mm[second] - z
    length = np.hypot(dx, dz)
    usable = length >= _MIN_PAIR_MM
    if not bool(usable.any()):
        return _fit(cells)
    length[~usable] = 1.0
    dx, dz = dx / length, dz / length
    across = np.outer(dx, cells.z_mm) - np.outer(dz, cells.x_mm) - (dx * z - dz * x)[:, None]
    support = (np.abs(across) <= NEEDLE_INLIER_MM) @ cells.weight
    support[~usable] = -1.0
    best = int(support.argmax())
    return _Line(float(x[best]), float(z[best]), float(dx[best]), float(dz[best]))


def _run(line: _Line, cells: _Cells) -> tuple[_Cells, float] | None:
    """The heaviest stretch of cells on the line without a gap above ``MAX_GAP_MM``, and its visible length in mm."""
    near = cells.take(line.across_mm(cells) <= NEEDLE_INLIER_MM)
    if len(near.x_mm) < 2:
        return None
    along = line.along_mm(near)
    order = np.argsort(along, kind="stable")
    along = along[order]
    gaps = np.diff(along)
    if float(gaps.max()) > MAX_GAP_MM:
        near = near.take(order)
        breaks = np.flatnonzero(gaps > MAX_GAP_MM)
        bounds = [0, *(breaks + 1).tolist(), len(along)]
        weights = [float(near.weight[a:b].sum()) for a, b in itertools.pairwise(bounds)]
        best = int(np.argmax(weights))
        keep = np.arange(bounds[best], bounds[best + 1])
        along, near = along[keep], near.take(keep)
        gaps = np.diff(along)
    return (near, float(gaps[gaps <= SEEN_GAP_MM].sum())) if len(along) > 1 else None


def _too_wide(line: _Line, cells: _Cells, on_axis: int) -> bool:
    beside = line.across_mm(cells)
    along = line.along_mm(cells)
    reach = float(np.abs(along[beside <= NEEDLE_INLIER_MM]).max(initial=0.0))
    near = (beside > NEEDLE_INLIER_MM) & (beside <= BESIDE_MM) & (np.abs(along) <= reach)
    return int(np.count_nonzero(near)) > MAX_BESIDE_RATIO * on_axis


def _oriented(
    line: _Line, ends: tuple[PointMm, PointMm], visible_mm: float, confidence: float, plane: Plane
) -> NeedleLine | None:
    """The line from its entry to its far end, or None when it is too steep for a needle. A line's own direction is never to the left."""
    slope_deg = math.degrees(math.asin(min(1.0, abs(line.dz))))
    if slope_deg > MAX_ANGLE_DEG:
        return None
    if slope_deg >= FLAT_ANGLE_DEG:
        from_left = ends[0].z_mm < ends[1].z_mm
    else:
        from_left = ends[0].x_mm - plane.left_mm <= plane.right_mm - ends[1].x_mm
    end = ends[1] if from_left else ends[0]
    start = ends[0] if from_left else ends[1]
    length = start.distance_mm(end)
    dx, dz = (end.x_mm - start.x_mm) / length, (end.z_mm - start.z_mm) / length
    return NeedleLine(
        entry=border_point(start, dx, dz, plane.width_mm),
        end=end,
        angle_deg=slope_deg if dz >= 0 else 0.0,
        side=EntrySide.LEFT if from_left else EntrySide.RIGHT,
        visible_mm=visible_mm,
        confidence=confidence,
    )


def border_point(start: PointMm, dx: float, dz: float, width_mm: float) -> PointMm:
    """Where the line through ``start`` with direction (dx, dz) into the picture came in: at its side or top edge."""
    edge_x = 0.0 if dx > 0 else width_mm
    back = [(start.x_mm - edge_x) / dx] if dx != 0 else []
    if dz > 0:
        back.append(start.z_mm / dz)
    reach = max(0.0, min(back, default=0.0))
    return PointMm(start.x_mm - reach * dx, start.z_mm - reach * dz)


def agreed_tip(tip_map: npt.NDArray[np.uint8], needle: NeedleLine, card: ModelCard, plane: Plane) -> TipSighting | None:
    """The tip, on the axis, when the tip map's peak lies near the axis and near the end of the visible shaft; else None.

    Also None when its calibrated confidence is below ``thresholds.tip_shown``. A tip shown where it is not leads
    to a wrong advance, so one cue alone is never enough.
    """
    peak = tip_peak(tip_map)
    confidence = card.tip_calibration.probability(tip_score(peak))
    length = needle.entry.distance_mm(needle.end)
    if peak.height == 0.0 or confidence < card.thresholds.tip_shown or length == 0.0:
        return None
    dx, dz = (needle.end.x_mm - needle.entry.x_mm) / length, (needle.end.z_mm - needle.entry.z_mm) / length
    x_mm = plane.x0_mm + plane.x_mm_per_px * peak.position.x_px - needle.end.x_mm
    z_mm = plane.z0_mm + plane.z_mm_per_px * peak.position.y_px - needle.end.z_mm
    along, across = x_mm * dx + z_mm * dz, x_mm * dz - z_mm * dx
    if abs(across) > TIP_ACROSS_MM or abs(along) > TIP_ALONG_MM:
        return None
    return TipSighting(PointMm(needle.end.x_mm + along * dx, needle.end.z_mm + along * dz), confidence)
