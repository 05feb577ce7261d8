"""The figures that the project set itself as targets, each with its bound, n and interval: on simulated frames, composites and real pictures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX
from barbotage_models.contract.outline import iso_outline
from barbotage_models.contract.output import ModelOutput
from barbotage_models.contract.scores import level
from barbotage_models.contract.taxonomy import ShadowType, Tissue
from barbotage_models.evaluation.claims import TIP_FAR_MM
from barbotage_models.evaluation.detections import BoolMap, Detections, PixelLevels
from barbotage_models.evaluation.intervals import Estimate, mean, median, percentile_95, proportion
from barbotage_models.evaluation.metrics import (
    LARGE_DEPOSIT_MM,
    NEEDLE_VISIBLE_MIN_MM,
    OVERLAP_MIN,
    is_right_shaft,
)
from barbotage_models.training.labels import Sample, SampleKind


class Better(StrEnum):
    """Which way is better."""

    MORE = "at least"
    LESS = "at most"


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked of a figure on one kind of frame."""

    name: str
    kind: SampleKind
    better: Better
    bound: float
    unit: str = ""


TARGETS = (
    Target("deposit_found_from_5_mm", SampleKind.SIMULATED, Better.MORE, 0.95),
    Target("false_deposits_per_100_frames", SampleKind.SIMULATED, Better.LESS, 1.0, "per 100 frames"),
    Target("deposit_dice_median", SampleKind.SIMULATED, Better.MORE, 0.85),
    Target("longest_diameter_error_median", SampleKind.SIMULATED, Better.LESS, 1.0, "mm"),
    Target("soft_deposit_found", SampleKind.SIMULATED, Better.MORE, 0.85),
    Target("tip_error_median", SampleKind.SIMULATED, Better.LESS, 0.7, "mm"),
    Target("tip_error_p95", SampleKind.SIMULATED, Better.LESS, 2.5, "mm"),
    Target("tip_shown_when_visible", SampleKind.SIMULATED, Better.MORE, 0.85),
    Target("shaft_angle_error_median", SampleKind.SIMULATED, Better.LESS, 1.0, "deg"),
    Target("tip_shown_wrong_by_5_mm", SampleKind.SIMULATED, Better.LESS, 0.005),
    Target("tip_error_median", SampleKind.COMPOSITE, Better.LESS, 1.0, "mm"),
    Target("tip_shown_when_visible", SampleKind.COMPOSITE, Better.MORE, 0.80),
    Target("needle_shown_without_needle", SampleKind.REAL, Better.LESS, 0.05),
    Target("deposit_shown_without_deposit", SampleKind.REAL, Better.LESS, 0.03),
)
"""Deposits count from 5 mm for Dice and diameter; a missed one has a Dice of 0 and no diameter. Soft ones cast no shadow, all sizes."""

ELSEWHERE = {
    "needle_shown_without_needle_after_tracking": "benchmarks/still_sequences.py (the tracker is the device's)",
    "virtual_procedure": "barbotage-models virtual-procedure",
    "cost_against_ssd_mobilenet_v2_320": "benchmarks/frame_path.py",
}
"""Targets that labelled single frames cannot say, and what measures them."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A target and what was measured; ``met`` is None where there was nothing to measure on."""

    target: Target
    estimate: Estimate

    @property
    def met(self) -> bool | None:
        """Whether the measured value, not its interval, reaches the bound."""
        value = self.estimate.value
        if math.isnan(value):
            return None
        return value >= self.target.bound if self.target.better is Better.MORE else value <= self.target.bound

    def document(self) -> dict[str, Any]:
        """For JSON; null where nothing was measured."""

        def number(value: float) -> float | None:
            return None if math.isnan(value) else round(value, 4)

        e, t = self.estimate, self.target
        return {
            "name": t.name,
            "on": t.kind.name.lower(),
            "value": number(e.value),
            "low": number(e.low),
            "high": number(e.high),
            "n": e.n,
            "unit": t.unit,
            "target": t.bound,
            "better": "more" if t.better is Better.MORE else "less",
            "met": self.met,
        }


@dataclass(slots=True)
class TargetTally:
    """What was counted over frames of one kind."""

    found: list[bool] = field(default_factory=list)
    soft_found: list[bool] = field(default_factory=list)
    dice: list[float] = field(default_factory=list)
    diameter_errors_mm: list[float] = field(default_factory=list)
    false_deposits: list[int] = field(default_factory=list)
    frames_with_deposit_shown: list[bool] = field(default_factory=list)
    """Of the frames without a deposit."""
    frames_with_needle_shown: list[bool] = field(default_factory=list)
    """Of the frames without a needle."""
    tips_visible: int = 0
    tip_errors_mm: list[float] = field(default_factory=list)
    angle_errors_deg: list[float] = field(default_factory=list)
    far_tips: list[bool] = field(default_factory=list)

    def add(self, sample: Sample, output: ModelOutput, found: Detections, levels: PixelLevels) -> None:
        """Counts one frame; ``found`` is what is shown."""
        self._add_deposits(sample, output.probability(Tissue.DEPOSIT), found, level(levels.deposit))
        self._add_needle(sample, found)

    def estimates(self) -> dict[str, Estimate]:
        """Every figure by the name of its target."""
        tips = np.array(self.tip_errors_mm)
        false = mean(np.array(self.false_deposits, dtype=np.float64) * 100.0)
        return {
            "deposit_found_from_5_mm": _share(self.found),
            "false_deposits_per_100_frames": false,
            "deposit_dice_median": median(np.array(self.dice)),
            "longest_diameter_error_median": median(np.array(self.diameter_errors_mm)),
            "soft_deposit_found": _share(self.soft_found),
            "tip_error_median": median(tips),
            "tip_error_p95": percentile_95(tips),
            "tip_shown_when_visible": proportion(len(tips), self.tips_visible),
            "shaft_angle_error_median": median(np.array(self.angle_errors_deg)),
            "tip_shown_wrong_by_5_mm": _share(self.far_tips),
            "needle_shown_without_needle": _share(self.frames_with_needle_shown),
            "deposit_shown_without_deposit": _share(self.frames_with_deposit_shown),
        }

    def _add_deposits(self, sample: Sample, probability: npt.NDArray[np.uint8], found: Detections, least: int) -> None:
        claimed = np.zeros(sample.instances.shape, dtype=np.bool_)
        for deposit in found.deposits:
            claimed |= deposit.cells
        wrong = [d for d in found.deposits if (sample.instances[d.cells] > 0).mean() < OVERLAP_MIN]
        self.false_deposits.append(len(wrong))
        if not sample.instances.any():
            self.frames_with_deposit_shown.append(bool(found.deposits))
        for index, label in enumerate(sample.deposits, start=1):
            true = sample.instances == index
            hit = bool(claimed[true].mean() >= OVERLAP_MIN)
            if label.shadow is ShadowType.NONE:
                self.soft_found.append(hit)
            if label.longest_mm >= LARGE_DEPOSIT_MM:
                self.found.append(hit)
                self._measure(sample, true, label.longest_mm, probability, found, least)

    def _measure(
        self, sample: Sample, true: BoolMap, longest_mm: float, probability: npt.NDArray[np.uint8], found: Detections, least: int
    ) -> None:
        """Dice and diameter of one true deposit, against the claims that touch it; other deposits' cells count neither way."""
        touching = [d.cells for d in found.deposits if bool((d.cells & true).any())]
        if not touching:
            self.dice.append(0.0)
            return
        claimed = np.any(touching, axis=0) & ((sample.instances == 0) | true)
        self.dice.append(float(2.0 * (claimed & true).sum() / (claimed.sum() + true.sum())))
        main = max(touching, key=lambda cells: int((cells & true).sum()))
        measured_mm = longest_chord_mm(probability, main, least)
        if measured_mm is not None:
            self.diameter_errors_mm.append(abs(measured_mm - longest_mm))

    def _add_needle(self, sample: Sample, found: Detections) -> None:
        truth, tip_shown = sample.needle, found.tip.score > 0.0
        away_mm = math.inf if truth is None else found.tip.position.distance_mm(truth.tip)
        self.far_tips.append(tip_shown and away_mm > TIP_FAR_MM)
        if truth is None:
            self.frames_with_needle_shown.append(found.shaft is not None)
            return
        if found.shaft is not None and truth.visible_mm >= NEEDLE_VISIBLE_MIN_MM and is_right_shaft(found.shaft, truth):
            self.angle_errors_deg.append(abs(found.shaft.angle_deg - truth.angle_deg))
        if truth.tip_visible:
            self.tips_visible += 1
            if tip_shown:
                self.tip_errors_mm.append(away_mm)


def longest_chord_mm(probability: npt.NDArray[np.uint8], cells: BoolMap, least: int) -> float | None:
    """The longest chord of a component as the device outlines it, in mm; None when its outline vanishes."""
    rows, columns = np.nonzero(cells)
    top, left = int(rows.min()), int(columns.min())
    height, width = int(rows.max()) - top + 1, int(columns.max()) - left + 1
    near = cv2.dilate(cells.astype(np.uint8), np.ones((3, 3), dtype=np.uint8)) > 0
    whole = np.pad(np.where(near & (cells | (probability < least)), probability, 0).astype(np.uint8), 1)
    contour = iso_outline(whole[top : top + height + 2, left : left + width + 2], least)
    if contour is None:
        return None
    hull = cv2.convexHull(contour)[:, 0, :].astype(np.float64)
    corners = hull[:, 0] + 1j * hull[:, 1]
    return float(np.abs(corners[:, None] - corners).max()) * CANONICAL_MM_PER_PX


def reached(tallies: dict[SampleKind, TargetTally]) -> list[Reached]:
    """Every target with what was measured; those of a kind that did not occur have n = 0."""
    nothing = TargetTally().estimates()
    estimates = {kind: tally.estimates() for kind, tally in tallies.items()}
    return [Reached(t, estimates.get(t.kind, nothing)[t.name]) for t in TARGETS]


POINTS_MAX = 1.0


def points_apart(one: Sequence[Reached], other: Sequence[Reached]) -> dict[str, Any]:
    """How far two models' figures are apart, in points, and the largest, ready for JSON.

    A point is a hundredth of a share or of Dice, a hundredth of the target's bound for everything else. At most one is asked.
    """
    apart: dict[str, float | None] = {}
    for first, second in zip(one, other, strict=True):
        unit = 1.0 if first.target.unit == "" else first.target.bound
        value = abs(first.estimate.value - second.estimate.value) / unit * 100.0
        apart[f"{first.target.name} ({first.target.kind.name.lower()})"] = None if math.isnan(value) else round(value, 3)
    largest = max((v for v in apart.values() if v is not None), default=None)
    return {"points": apart, "largest": largest, "target": POINTS_MAX, "met": None if largest is None else largest <= POINTS_MAX}


def _share(hits: Sequence[bool]) -> Estimate:
    return proportion(sum(hits), len(hits))
