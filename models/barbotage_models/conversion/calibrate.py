"""Calibrations and thresholds of a card, from validation frames."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from barbotage_models.contract.card import Calibration, Thresholds
from barbotage_models.contract.geometry import FloatArray
from barbotage_models.evaluation.claims import NAMES, AllClaims, Claims
from barbotage_models.evaluation.curves import GROUPS, operating, reliability
from barbotage_models.evaluation.detections import PixelLevels, detect
from barbotage_models.evaluation.metrics import cell_counts, pooled_dice
from barbotage_models.evaluation.runner import Runner
from barbotage_models.training.labels import Sample, SampleKind

LEVEL_GRID = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
SHOWN_MIN = 0.6
SHOWN_MAX = 0.98
"""Bounds of every shown-threshold. Guidance that is as likely wrong as right misleads, however rare it is: in the simulated procedure tips of a
needle that had slipped out of the plane were shown at 0.3 to 0.55. Above 0.98 hardly anything would be shown."""
RIDGE = 1e-7
"""Keeps the fit finite when all scores are equal; no figure changes by it."""
PRIOR_COUNT = 1.0
"""Platt's own smoothing of the targets (Platt 1999, section 2.2) keeps the fit finite on separable scores."""
CAUTION_Z = 1.0
"""The allowed rate must hold with Wilson's interval at one standard deviation: what just fits on validation breaks every other time elsewhere."""
FOLD_FRAMES = 3
"""Frames of one world follow each other; folds are made of whole worlds."""

_SIMULATED = (SampleKind.SIMULATED,)
_REAL = (SampleKind.REAL,)
_ON_REAL = (SampleKind.COMPOSITE, SampleKind.REAL)


@dataclass(frozen=True, slots=True)
class Allowed:
    """A limit on false claims on validation: at most ``rate`` per frame of these kinds, counting claims or frames that have one."""

    claim: str
    kinds: tuple[SampleKind, ...]
    rate: float
    per_frame_once: bool = True
    only_far: bool = False

    def document(self) -> dict[str, Any]:
        """For the card."""
        return {
            "claim": self.claim,
            "frames": [k.name.lower() for k in self.kinds],
            "rate": self.rate,
            "counted": ("frames with a tip far from the true one" if self.only_far else "frames with a false claim")
            if self.per_frame_once
            else "false claims",
        }


ALLOWED = (
    Allowed("deposit", _SIMULATED, 0.01, per_frame_once=False),
    Allowed("deposit", _REAL, 0.03),
    Allowed("needle", _SIMULATED, 0.02),
    Allowed("needle", _REAL, 0.05),
    Allowed("tip", _SIMULATED, 0.02),
    Allowed("tip", _ON_REAL, 0.02),
    Allowed("tip", _SIMULATED, 0.005, only_far=True),
    Allowed("tip", _ON_REAL, 0.005, only_far=True),
)
"""The targets for a single frame: what an operator may be shown wrongly. Tracking over time lowers these rates further."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """Everything that a card decides by, and how it was found (``document``)."""

    thresholds: Thresholds
    deposit: Calibration
    needle: Calibration
    tip: Calibration
    document: dict[str, Any]


def calibrate(runner: Runner, samples: Iterable[Sample]) -> Decisions:
    """Pixel levels with the best Dice, then Platt calibrations, then the lowest shown-thresholds within the allowed false claims."""
    items = list(samples)
    levels = best_levels(runner, items)
    claims = AllClaims()
    for sample in items:
        claims.collect(sample, detect(runner.run(sample.frame, sample.previous), levels))
    sorts = claims.by_name()
    fits = {name: fit_platt(s.scores(), s.are_right()) for name, s in sorts.items()}
    shown = {name: shown_threshold(name, claims, fits[name]) for name in NAMES}
    thresholds = Thresholds(
        deposit_pixel=levels.deposit,
        deposit_shown=shown["deposit"],
        bone_pixel=levels.bone,
        needle_pixel=levels.needle,
        needle_shown=shown["needle"],
        tip_shown=shown["tip"],
    )
    return Decisions(thresholds, fits["deposit"], fits["needle"], fits["tip"], _document(claims, fits))


def shown_threshold(name: str, claims: AllClaims, calibration: Calibration) -> float:
    """The lowest confidence, within ``SHOWN_MIN`` to ``SHOWN_MAX``, at which the false claims of one sort stay within all that is ``ALLOWED``."""
    sort = claims.by_name()[name]
    confidence, wrong = sort.confidences(calibration), ~sort.are_right()
    lowest = SHOWN_MIN
    for allowed in ALLOWED:
        if allowed.claim != name:
            continue
        counted = (sort.are_far() if allowed.only_far else wrong) & sort.on(allowed.kinds)
        lowest = max(lowest, _limit(sort, confidence, counted, allowed, claims.count(allowed.kinds)))
    return min(math.ceil(lowest * 1e4) / 1e4, SHOWN_MAX)  # rounded up: rounding down would let one more through


def may_pass(rate: float, frames: int) -> int:
    """How many false claims may pass on so many frames that ``rate`` still holds with some caution."""
    passing = int(rate * frames)
    while passing > 0 and _wilson_upper(passing / frames, frames) > rate:
        passing -= 1
    return passing


def _wilson_upper(share: float, n: int) -> float:
    z2 = CAUTION_Z**2
    half = CAUTION_Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return (share + z2 / (2 * n) + half) / (1 + z2 / n)


def _limit(sort: Claims, confidence: FloatArray, counted: npt.NDArray[np.bool_], allowed: Allowed, frames: int) -> float:
    """Just above the most confident counted claim that may not pass; 0 when all may."""
    values = confidence[counted]
    if allowed.per_frame_once:
        numbers = sort.frames()[counted]
        values = np.array([values[numbers == number].max() for number in np.unique(numbers)], dtype=np.float64)
    passing = may_pass(allowed.rate, frames) if frames else 0
    return float(np.sort(values)[::-1][passing]) + 1e-6 if len(values) > passing else 0.0


def _document(claims: AllClaims, fits: dict[str, Calibration]) -> dict[str, Any]:
    frames = {name: claims.count(kinds) for name, kinds in GROUPS.items()}
    document: dict[str, Any] = {
        "frames": frames,
        "allowed": [a.document() for a in ALLOWED],
        "caution_z": CAUTION_Z,
        "claims": {},
        "reliability": {},
        "operating": {},
    }
    for name, sort in claims.by_name().items():
        right = sort.are_right()
        document["claims"][name] = {"right": int(right.sum()), "wrong": int((~right).sum())}
        document["reliability"][name] = reliability(cross_fitted(sort), right)
        groups = {group: sort.on(kinds) for group, kinds in GROUPS.items()}
        document["operating"][name] = operating(sort.confidences(fits[name]), right, groups, frames)
    return document


def cross_fitted(sort: Claims) -> FloatArray:
    """Confidences (n,) by a calibration fitted on the other half of the worlds: what the curve says of frames not fitted on."""
    fold = sort.frames() // FOLD_FRAMES % 2
    scores, right = sort.scores(), sort.are_right()
    confidence = np.zeros(len(scores))
    for half in (0, 1):
        calibration = fit_platt(scores[fold != half], right[fold != half])
        confidence[fold == half] = [calibration.probability(s) for s in scores[fold == half]]
    return confidence


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
    """Logistic regression of right on logit(score) with Platt's smoothed targets (Platt 1999).

    The slope is kept positive: a higher score never means a lower probability. Without any claims the identity is given.
    """
    if len(scores) == 0:
        return Calibration(1.0, 0.0)
    s = np.clip(scores, 1e-4, 1 - 1e-4)
    logit = np.log(s / (1 - s))
    positives, negatives = int(right.sum()), int((~right).sum())
    target = np.where(
        right, (positives + PRIOR_COUNT) / (positives + 2 * PRIOR_COUNT), PRIOR_COUNT / (negatives + 2 * PRIOR_COUNT)
    )

    def cost(beta: FloatArray) -> tuple[float, FloatArray]:
        z = beta[0] * logit + beta[1]
        error = expit(z) - target
        loss = np.logaddexp(0.0, z) - target * z
        return float(loss.mean()) + RIDGE * float(beta @ beta), np.array(
            [(error * logit).mean(), error.mean()]
        ) + 2 * RIDGE * beta

    # Newton's own steps overshoot where most scores are near 1, and may circle for ever.
    slope, offset = minimize(cost, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    if slope <= 0.0:
        return Calibration(0.05, float(np.log((positives + 1) / (negatives + 1))))
    return Calibration(float(slope), float(offset))
