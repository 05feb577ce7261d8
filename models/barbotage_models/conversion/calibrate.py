"""Calibrations and thresholds of a card, from validation frames."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from barbotage_models.contract.card import Calibration, Thresholds
from barbotage_models.contract.geometry import FloatArray
from barbotage_models.evaluation.detections import PixelLevels, detect
from barbotage_models.evaluation.metrics import (
    NEEDLE_VISIBLE_MIN_MM,
    OVERLAP_MIN,
    TIP_GOOD_MM,
    cell_counts,
    is_right_shaft,
    pooled_dice,
)
from barbotage_models.evaluation.runner import Runner
from barbotage_models.training.labels import Sample, SampleKind

LEVEL_GRID = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
FALSE_DEPOSITS_PER_FRAME = 0.05
"""Allowed on validation, simulated frames and real negatives alike: the worse of the two groups decides."""
FALSE_NEEDLE_SHARE = 0.02
FALSE_TIP_SHARE = 0.02
SHOWN_MIN = 0.6
SHOWN_MAX = 0.95
"""Bounds of every shown-threshold. Guidance that is as likely wrong as right misleads, however rare it is: in the simulated procedure tips of a
needle that had slipped out of the plane were shown at 0.3 to 0.55. Above 0.95 hardly anything would be shown."""
PRIOR_COUNT = 1.0
"""Platt's own smoothing of the targets (Platt 1999, section 2.2) keeps the fit finite on separable scores."""


@dataclass(slots=True)
class _Scores:
    """Scores of one kind of claim, whether each was right, and whether its frame was a real picture."""

    score: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    real: list[bool] = field(default_factory=list)

    def add(self, score: float, right: bool, kind: SampleKind) -> None:
        self.score.append(score)
        self.right.append(right)
        self.real.append(kind is not SampleKind.SIMULATED)


@dataclass(frozen=True, slots=True)
class Decisions:
    """Everything that a card decides by, and how it was found (``document``)."""

    thresholds: Thresholds
    deposit: Calibration
    needle: Calibration
    tip: Calibration
    document: dict[str, Any]


def calibrate(runner: Runner, samples: Iterable[Sample]) -> Decisions:
    """Pixel levels with the best Dice, then Platt calibrations, then the lowest shown-thresholds within the allowed false alarms."""
    items = list(samples)
    levels = best_levels(runner, items)
    deposits, needles, tips = _Scores(), _Scores(), _Scores()
    for sample in items:
        _collect(runner, sample, levels, deposits, needles, tips)
    real = sum(s.kind is not SampleKind.SIMULATED for s in items)
    frames = (len(items) - real, real)
    fits = [fit_platt(np.array(s.score), np.array(s.right, dtype=np.bool_)) for s in (deposits, needles, tips)]
    rates = (FALSE_DEPOSITS_PER_FRAME, FALSE_NEEDLE_SHARE, FALSE_TIP_SHARE)
    shown = [threshold_at(s, c, r, frames) for s, c, r in zip((deposits, needles, tips), fits, rates, strict=True)]
    thresholds = Thresholds(
        deposit_pixel=levels.deposit,
        deposit_shown=shown[0],
        bone_pixel=levels.bone,
        needle_pixel=levels.needle,
        needle_shown=shown[1],
        tip_shown=shown[2],
    )
    names = ("deposit", "needle", "tip")
    document = {
        "frames": {"simulated": frames[0], "real_background": frames[1]},
        "allowed_false_per_frame": dict(zip(names, rates, strict=True)),
        "claims": {
            n: {"right": sum(s.right), "wrong": len(s.right) - sum(s.right)}
            for n, s in zip(names, (deposits, needles, tips), strict=True)
        },
    }
    return Decisions(thresholds, fits[0], fits[1], fits[2], document)


def best_levels(runner: Runner, samples: list[Sample]) -> PixelLevels:
    """The pixel levels with the highest pooled Dice on these samples, each class by itself; 0.5 for a class that does not occur."""
    counts = {value: np.zeros((1, 9)) for value in LEVEL_GRID}
    for sample in samples:
        output = runner.run(sample.frame, sample.previous)
        for value in LEVEL_GRID:
            counts[value] += np.array(cell_counts(sample, output, PixelLevels(value, value, value)))

    def best(start: int) -> float:
        dice = {value: pooled_dice(c[:, start : start + 3]) for value, c in counts.items() if c[0, start + 2] > 0}
        return max(dice, key=lambda value: dice[value]) if max(dice.values(), default=0.0) > 0 else 0.5

    return PixelLevels(best(0), best(3), best(6))


def fit_platt(scores: FloatArray, right: npt.NDArray[np.bool_]) -> Calibration:
    """Logistic regression of right on logit(score) with Platt's smoothed targets, by Newton's method.

    The slope is kept positive: a higher score never means a lower probability. Without any claims the identity is given.
    """
    if len(scores) == 0:
        return Calibration(1.0, 0.0)
    s = np.clip(scores, 1e-4, 1 - 1e-4)
    x = np.stack([np.log(s / (1 - s)), np.ones_like(s)], axis=1)
    positives, negatives = int(right.sum()), int((~right).sum())
    target = np.where(
        right, (positives + PRIOR_COUNT) / (positives + 2 * PRIOR_COUNT), PRIOR_COUNT / (negatives + 2 * PRIOR_COUNT)
    )
    beta = np.array([1.0, 0.0])
    for _ in range(100):
        p = 1.0 / (1.0 + np.exp(-x @ beta))
        ridge = np.diag([1e-3, 1e-6])  # keeps the step finite when all scores are equal
        step = np.linalg.solve(x.T @ (x * (p * (1 - p))[:, None]) + ridge, x.T @ (target - p))
        beta += np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-8:
            break
    if beta[0] <= 0.0:
        return Calibration(0.05, float(np.log((positives + 1) / (negatives + 1))))
    return Calibration(float(beta[0]), float(beta[1]))


def threshold_at(scores: _Scores, calibration: Calibration, allowed: float, frames: tuple[int, int]) -> float:
    """The lowest confidence, within ``SHOWN_MIN`` to ``SHOWN_MAX``, at which wrong claims per frame stay within ``allowed`` on simulated frames and on real ones.

    ``frames`` counts the simulated and the real frames.
    """
    confidence = np.array([calibration.probability(s) for s in scores.score])
    right, real = np.array(scores.right, dtype=np.bool_), np.array(scores.real, dtype=np.bool_)
    lowest = SHOWN_MIN
    for group, count in ((~real, frames[0]), (real, frames[1])):
        wrong = np.sort(confidence[group & ~right])[::-1]
        may_pass = int(allowed * count)
        if count > 0 and len(wrong) > may_pass:
            lowest = max(lowest, float(wrong[may_pass]) + 1e-6)
    return min(math.ceil(lowest * 1e4) / 1e4, SHOWN_MAX)  # rounded up: rounding down would let one more through


def _collect(runner: Runner, sample: Sample, levels: PixelLevels, deposits: _Scores, needles: _Scores, tips: _Scores) -> None:
    found = detect(runner.run(sample.frame, sample.previous), levels)
    for deposit in found.deposits:
        inside = float((sample.instances[deposit.cells] > 0).mean())
        deposits.add(deposit.score, inside >= OVERLAP_MIN, sample.kind)
    truth = sample.needle
    half_seen = truth is not None and truth.visible_mm < NEEDLE_VISIBLE_MIN_MM
    if found.shaft is not None and not half_seen:
        needles.add(found.shaft.score, truth is not None and is_right_shaft(found.shaft, truth), sample.kind)
    if found.tip.beside_shaft and not half_seen:
        good = truth is not None and truth.tip_visible and found.tip.position.distance_mm(truth.tip) <= TIP_GOOD_MM
        tips.add(found.tip.score, good, sample.kind)
