"""Deposits, shaft and tip in one model output, as plainly as measuring and calibrating need them.

The device's perception does the same with more checks (bone contact, width, gaps, time); it may not be imported here, since
the arrows point from device to models. What both share is the raw scores (``contract.scores``): components of the same maps, cells
within the same distance of the axis, the same peak. Coordinates are mm of the canonical frame.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX
from barbotage_models.contract.card import ModelCard
from barbotage_models.contract.geometry import FloatArray, PointMm
from barbotage_models.contract.output import ModelOutput, tip_peak
from barbotage_models.contract.scores import NEEDLE_INLIER_MM, deposit_score, level, needle_score, tip_score
from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.training.labels import CELL_MM

MIN_DEPOSIT_CELLS = 3
"""1.1 mm2: the device shows nothing below 1 mm2."""
MIN_SHAFT_MM = 5.0
"""Shortest visible shaft that the device accepts."""
TIP_ACROSS_MM = 1.5
TIP_ALONG_MM = 4.0
"""How far a tip may lie from the axis and from the far end of the visible shaft, as the device asks it."""
MAX_SEEDS = 48
"""Cells from which candidate lines are drawn; 48 give up to 1128 pairs."""

BoolMap = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PixelLevels:
    """Probabilities from which a cell belongs to a class."""

    deposit: float = 0.5
    bone: float = 0.5
    needle: float = 0.5


@dataclass(frozen=True, slots=True)
class FoundDeposit:
    """One component: ``cells`` bool (64, 64)."""

    cells: BoolMap
    score: float


@dataclass(frozen=True, slots=True)
class FoundShaft:
    """The best straight line through the needle's cells: a point, the downward unit direction, the visible ends along it."""

    middle: PointMm
    direction: tuple[float, float]
    ends: tuple[PointMm, PointMm]
    visible_mm: float
    score: float

    @property
    def angle_deg(self) -> float:
        """Angle from the horizontal, 0 to 90."""
        return float(np.degrees(np.arctan2(abs(self.direction[1]), abs(self.direction[0]))))

    def distance_mm(self, point: PointMm) -> float:
        """Distance of a point from the axis."""
        dx, dz = point.x_mm - self.middle.x_mm, point.z_mm - self.middle.z_mm
        return abs(dx * self.direction[1] - dz * self.direction[0])


@dataclass(frozen=True, slots=True)
class FoundTip:
    """The peak of the tip map; ``beside_shaft`` says whether the shaft agrees with it."""

    position: PointMm
    score: float
    beside_shaft: bool


@dataclass(frozen=True, slots=True)
class Detections:
    """Everything in one output, whatever its score."""

    deposits: tuple[FoundDeposit, ...]
    shaft: FoundShaft | None
    tip: FoundTip


def detect(output: ModelOutput, levels: PixelLevels) -> Detections:
    """What one output shows at these levels, before any decision on scores."""
    shaft = find_shaft(output.probability(Tissue.NEEDLE), level(levels.needle))
    return Detections(find_deposits(output.probability(Tissue.DEPOSIT), level(levels.deposit)), shaft, _find_tip(output, shaft))


def shown(found: Detections, card: ModelCard) -> Detections:
    """Only what a card's calibrations and thresholds let through; a tip that is not shown gets score 0."""
    limits = card.thresholds
    deposits = tuple(d for d in found.deposits if card.deposit_calibration.probability(d.score) >= limits.deposit_shown)
    shaft = found.shaft
    if shaft is not None and card.needle_calibration.probability(shaft.score) < limits.needle_shown:
        shaft = None
    agreed = (
        shaft is not None and found.tip.beside_shaft and card.tip_calibration.probability(found.tip.score) >= limits.tip_shown
    )
    tip = found.tip if agreed else FoundTip(found.tip.position, 0.0, False)
    return Detections(deposits, shaft, tip)


def find_deposits(probability: npt.NDArray[np.uint8], least: int) -> tuple[FoundDeposit, ...]:
    """The 8-connected components of ``probability >= least`` with at least 3 cells, each with its raw score."""
    count, names = cv2.connectedComponents((probability >= least).astype(np.uint8), connectivity=8)
    found = []
    for name in range(1, count):
        cells = names == name
        if np.count_nonzero(cells) >= MIN_DEPOSIT_CELLS:
            found.append(FoundDeposit(cells, deposit_score(probability[cells])))
    return tuple(found)


def find_shaft(probability: npt.NDArray[np.uint8], least: int) -> FoundShaft | None:
    """The line with most support among the cells of ``probability >= least``; None below 5 mm of visible shaft."""
    rows, columns = np.nonzero(probability >= least)
    if len(rows) * CELL_MM < MIN_SHAFT_MM / 2:
        return None
    points = np.asarray((np.stack([columns, rows], axis=1) + 0.5) * CELL_MM, dtype=np.float64)
    weights = probability[rows, columns].astype(np.float64)
    middle, direction = _best_line(points, weights)
    for _ in range(2):
        near = _across(points, middle, direction) <= NEEDLE_INLIER_MM
        if np.count_nonzero(near) < 2:
            return None
        middle, direction = _principal_line(points[near], weights[near])
    near = _across(points, middle, direction) <= NEEDLE_INLIER_MM
    along = np.sort((points[near] - middle) @ direction)
    # A step of the grid along a slanted line is at most 1.3 mm: larger gaps are not visible shaft.
    visible_mm = float(np.diff(along)[np.diff(along) <= 1.3].sum()) if len(along) > 1 else 0.0
    if visible_mm < MIN_SHAFT_MM:
        return None
    first, last = middle + along[0] * direction, middle + along[-1] * direction
    ends = (PointMm(float(first[0]), float(first[1])), PointMm(float(last[0]), float(last[1])))
    score = needle_score(probability, _cell(first), _cell(last))
    return FoundShaft(
        PointMm(float(middle[0]), float(middle[1])), (float(direction[0]), float(direction[1])), ends, visible_mm, score
    )


def _cell(point_mm: FloatArray) -> tuple[float, float]:
    return float(point_mm[0]) / CELL_MM - 0.5, float(point_mm[1]) / CELL_MM - 0.5


def _find_tip(output: ModelOutput, shaft: FoundShaft | None) -> FoundTip:
    peak = tip_peak(output.tip)
    position = PointMm((peak.position.x_px + 0.5) * CANONICAL_MM_PER_PX, (peak.position.y_px + 0.5) * CANONICAL_MM_PER_PX)
    if shaft is None:
        return FoundTip(position, tip_score(peak), False)
    across = shaft.distance_mm(position)
    near_end = min(end.distance_mm(position) for end in shaft.ends)
    return FoundTip(
        position, tip_score(peak), across <= TIP_ACROSS_MM and near_end <= float(np.hypot(TIP_ALONG_MM, TIP_ACROSS_MM))
    )


def _best_line(points: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    seeds = points[np.linspace(0, len(points) - 1, min(len(points), MAX_SEEDS)).round().astype(np.intp)]
    first, second = np.triu_indices(len(seeds), 1)
    vectors = seeds[second] - seeds[first]
    lengths = np.hypot(vectors[:, 0], vectors[:, 1])
    usable = lengths >= min(2.0, float(lengths.max()))
    starts, units = seeds[first][usable], vectors[usable] / lengths[usable, None]
    offsets = points[None] - starts[:, None]
    across = np.abs(offsets[..., 0] * units[:, None, 1] - offsets[..., 1] * units[:, None, 0])
    best = int(((across <= NEEDLE_INLIER_MM) @ weights).argmax())
    return starts[best], units[best]


def _principal_line(points: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    middle = np.average(points, axis=0, weights=weights)
    centred = (points - middle) * np.sqrt(weights)[:, None]
    direction = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    return middle, direction if direction[1] >= 0 else -direction


def _across(points: FloatArray, middle: FloatArray, direction: FloatArray) -> FloatArray:
    offsets = points - middle
    return np.asarray(np.abs(offsets[:, 0] * direction[1] - offsets[:, 1] * direction[0]), dtype=np.float64)
