"""What a model claims on labelled frames before anything is decided: every deposit, shaft and tip with its raw score, and whether it is right."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from barbotage_models.contract.card import Calibration
from barbotage_models.contract.geometry import FloatArray
from barbotage_models.evaluation.detections import Detections
from barbotage_models.evaluation.metrics import NEEDLE_VISIBLE_MIN_MM, OVERLAP_MIN, TIP_GOOD_MM, is_right_shaft
from barbotage_models.training.labels import Sample, SampleKind

NAMES = ("deposit", "needle", "tip")
TIP_FAR_MM = 5.0
"""A tip shown this far from the true one, or without a needle, misleads; it is counted apart."""


@dataclass(slots=True)
class Claims:
    """Claims of one sort. ``far`` marks wrong tips that mislead; ``frame`` is the number of the frame, ``kind`` what it shows."""

    score: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    far: list[bool] = field(default_factory=list)
    frame: list[int] = field(default_factory=list)
    kind: list[SampleKind] = field(default_factory=list)

    def add(self, score: float, right: bool, frame: int, kind: SampleKind, far: bool = False) -> None:
        """Takes in a claim."""
        self.score.append(score)
        self.right.append(right)
        self.far.append(far)
        self.frame.append(frame)
        self.kind.append(kind)

    def scores(self) -> FloatArray:
        """Raw scores (n,)."""
        return np.array(self.score, dtype=np.float64)

    def confidences(self, calibration: Calibration) -> FloatArray:
        """Calibrated probabilities (n,)."""
        return np.array([calibration.probability(s) for s in self.score], dtype=np.float64)

    def are_right(self) -> npt.NDArray[np.bool_]:
        """Whether each claim is right (n,)."""
        return np.array(self.right, dtype=np.bool_)

    def are_far(self) -> npt.NDArray[np.bool_]:
        """Whether each claim is a tip far from the true one (n,)."""
        return np.array(self.far, dtype=np.bool_)

    def frames(self) -> npt.NDArray[np.intp]:
        """The frame of each claim (n,)."""
        return np.array(self.frame, dtype=np.intp)

    def on(self, kinds: tuple[SampleKind, ...]) -> npt.NDArray[np.bool_]:
        """Which claims are on frames of these kinds (n,)."""
        return np.array([k in kinds for k in self.kind], dtype=np.bool_)


@dataclass(slots=True)
class AllClaims:
    """The claims of every sort, and how many frames of each kind were looked at."""

    deposit: Claims = field(default_factory=Claims)
    needle: Claims = field(default_factory=Claims)
    tip: Claims = field(default_factory=Claims)
    frames: dict[SampleKind, int] = field(default_factory=dict)

    def by_name(self) -> dict[str, Claims]:
        """The three sorts, by the names of the card."""
        return dict(zip(NAMES, (self.deposit, self.needle, self.tip), strict=True))

    def count(self, kinds: tuple[SampleKind, ...]) -> int:
        """Frames of these kinds."""
        return sum(self.frames.get(k, 0) for k in kinds)

    def collect(self, sample: Sample, found: Detections) -> None:
        """Takes in what was found, whatever its score. Frames with less than 5 mm of shaft count neither for nor against a needle."""
        number = sum(self.frames.values())
        self.frames[sample.kind] = self.frames.get(sample.kind, 0) + 1
        for deposit in found.deposits:
            inside = float((sample.instances[deposit.cells] > 0).mean())
            self.deposit.add(deposit.score, inside >= OVERLAP_MIN, number, sample.kind)
        truth = sample.needle
        if truth is not None and truth.visible_mm < NEEDLE_VISIBLE_MIN_MM:
            return
        if found.shaft is not None:
            self.needle.add(found.shaft.score, truth is not None and is_right_shaft(found.shaft, truth), number, sample.kind)
        if found.tip.beside_shaft:
            away_mm = float("inf") if truth is None else found.tip.position.distance_mm(truth.tip)
            good = truth is not None and truth.tip_visible and away_mm <= TIP_GOOD_MM
            self.tip.add(found.tip.score, good, number, sample.kind, far=away_mm > TIP_FAR_MM)
