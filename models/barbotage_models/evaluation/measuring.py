"""One pass over labelled frames that says everything about one or several models."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from barbotage_models.contract.card import ModelCard
from barbotage_models.evaluation.claims import AllClaims
from barbotage_models.evaluation.curves import reliability
from barbotage_models.evaluation.detections import Detections, PixelLevels, detect, shown
from barbotage_models.evaluation.metrics import Row, Tally, count, rows
from barbotage_models.evaluation.runner import Runner
from barbotage_models.evaluation.targets import Reached, TargetTally, reached
from barbotage_models.training.labels import Sample, SampleKind

Look = Callable[[Sample, Detections], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one model: per kind of frame, against the targets, and how far its confidences can be believed."""

    rows: dict[SampleKind, list[Row]]
    targets: list[Reached]
    reliability: dict[str, Any]


@dataclass(slots=True)
class _Counting:
    runner: Runner
    card: ModelCard
    tallies: dict[SampleKind, Tally] = field(default_factory=dict)
    targets: dict[SampleKind, TargetTally] = field(default_factory=dict)
    claims: AllClaims = field(default_factory=AllClaims)

    def add(self, sample: Sample) -> Detections:
        """Counts a frame; what is shown on it."""
        limits = self.card.thresholds
        levels = PixelLevels(limits.deposit_pixel, limits.bone_pixel, limits.needle_pixel)
        output = self.runner.run(sample.frame, sample.previous)
        everything = detect(output, levels)
        visible = shown(everything, self.card)
        count(self.tallies.setdefault(sample.kind, Tally()), sample, output, visible, levels)
        self.targets.setdefault(sample.kind, TargetTally()).add(sample, output, visible, levels)
        self.claims.collect(sample, everything)
        return visible

    def measured(self) -> Measured:
        calibrations = (self.card.deposit_calibration, self.card.needle_calibration, self.card.tip_calibration)
        curves = {
            name: reliability(sort.confidences(calibration), sort.are_right())
            for (name, sort), calibration in zip(self.claims.by_name().items(), calibrations, strict=True)
        }
        figures = {kind: rows(tally, kind) for kind, tally in sorted(self.tallies.items())}
        return Measured(figures, reached(self.targets), curves)


def measure(models: Sequence[tuple[Runner, ModelCard]], samples: Iterable[Sample], look: Look | None = None) -> list[Measured]:
    """The figures of every model on the same frames, which are gone through once. Deterministic.

    ``look`` is given every frame with what the first model shows on it.
    """
    counting = [_Counting(runner, card) for runner, card in models]
    for sample in samples:
        visible = [one.add(sample) for one in counting]
        if look is not None:
            look(sample, visible[0])
    return [one.measured() for one in counting]
