"""How good a model is on labelled frames: what was found, what was missed, what was claimed wrongly, each with n and an interval."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from barbotage_models.contract.geometry import FloatArray
from barbotage_models.contract.output import ModelOutput
from barbotage_models.contract.scores import level
from barbotage_models.contract.taxonomy import ShadowType, Tissue
from barbotage_models.evaluation.detections import Detections, FoundShaft, PixelLevels
from barbotage_models.evaluation.intervals import Estimate, bootstrap, mean, median, percentile_95, proportion
from barbotage_models.training.labels import DOUBTFUL, NeedleLabel, Sample, SampleKind

OVERLAP_MIN = 0.3
"""A deposit is found when this share of its cells is claimed; a claim is false when less of it lies in deposits. Lenient on the outline
on purpose: the outline's quality is what Dice says."""
LARGE_DEPOSIT_MM = 5.0
"""Deposits from 5 mm are those usually treated (the common inclusion limit of lavage trials)."""
NEEDLE_VISIBLE_MIN_MM = 5.0
"""Frames that show less shaft count neither as a needle to find nor as a frame without one."""
AXIS_MAX_MM = 3.0
AXIS_MAX_DEG = 10.0
"""A shaft is the true one when its axis passes this near to the middle of what is visible, at this angle."""
TIP_GOOD_MM = 2.0
"""Success limit for a tip; realistic in-domain targets are a median of 1 mm and a 95th percentile of 3 mm."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure: ``name`` is stable (JSON), ``unit`` is "", "mm", "deg" or "per frame"."""

    name: str
    estimate: Estimate
    unit: str = ""


@dataclass(slots=True)
class Tally:
    """What was counted over one group of frames."""

    frames: int = 0
    deposits: list[tuple[float, ShadowType, bool]] = field(default_factory=list)
    false_deposits: list[int] = field(default_factory=list)
    cells: list[list[float]] = field(default_factory=list)
    """Per frame and class: overlap, claimed and true cells."""
    needle_found: list[bool] = field(default_factory=list)
    false_needles: list[bool] = field(default_factory=list)
    angle_errors_deg: list[float] = field(default_factory=list)
    tips_visible: int = 0
    tip_errors_mm: list[float] = field(default_factory=list)
    false_tips: list[bool] = field(default_factory=list)


def count(tally: Tally, sample: Sample, output: ModelOutput, found: Detections, levels: PixelLevels) -> None:
    """Adds one frame to a tally."""
    tally.frames += 1
    claimed = np.zeros(sample.instances.shape, dtype=np.bool_)
    for deposit in found.deposits:
        claimed |= deposit.cells
    for index, label in enumerate(sample.deposits, start=1):
        tally.deposits.append((label.longest_mm, label.shadow, bool(claimed[sample.instances == index].mean() >= OVERLAP_MIN)))
    wrong = [d for d in found.deposits if (sample.instances[d.cells] > 0).mean() < OVERLAP_MIN]
    tally.false_deposits.append(len(wrong))
    tally.cells.append(cell_counts(sample, output, levels))
    _count_needle(tally, sample.needle, found)


def cell_counts(sample: Sample, output: ModelOutput, levels: PixelLevels) -> list[float]:
    """Overlap, claimed and true cells of deposit, bone and needle, flat (9 numbers); bone is 0 where it is not labelled."""
    flat: list[float] = []
    for tissue, threshold in ((Tissue.DEPOSIT, levels.deposit), (Tissue.BONE, levels.bone), (Tissue.NEEDLE, levels.needle)):
        claimed = output.probability(tissue) >= level(threshold)
        true = sample.classes == tissue
        counted = tissue is not Tissue.BONE or sample.bone_known
        if tissue is Tissue.DEPOSIT:
            claimed &= sample.instances != DOUBTFUL
        flat += [float(np.sum(claimed & true)), float(claimed.sum()), float(true.sum())] if counted else [0.0, 0.0, 0.0]
    return flat


def is_right_shaft(shaft: FoundShaft, truth: NeedleLabel) -> bool:
    """Whether a found shaft is the true needle."""
    return shaft.distance_mm(truth.middle) <= AXIS_MAX_MM and abs(shaft.angle_deg - truth.angle_deg) <= AXIS_MAX_DEG


def rows(tally: Tally, kind: SampleKind) -> list[Row]:
    """The figures of a tally; of real negatives only the false alarms exist."""
    false = [
        Row("false_deposits_per_frame", mean(np.array(tally.false_deposits, dtype=np.float64)), "per frame"),
        Row("false_needle_share", proportion(sum(tally.false_needles), len(tally.false_needles))),
        Row("false_tip_share", proportion(sum(tally.false_tips), len(tally.false_tips))),
    ]
    return false if kind is SampleKind.REAL else [*_deposit_rows(tally), *_needle_rows(tally), *false, *_cell_rows(tally, kind)]


def _count_needle(tally: Tally, truth: NeedleLabel | None, found: Detections) -> None:
    tip_shown = found.tip.score > 0.0
    right = truth is not None and found.shaft is not None and is_right_shaft(found.shaft, truth)
    if truth is None:
        tally.false_needles.append(found.shaft is not None)
    elif truth.visible_mm >= NEEDLE_VISIBLE_MIN_MM:
        tally.needle_found.append(right)
        if right and found.shaft is not None:
            tally.angle_errors_deg.append(abs(found.shaft.angle_deg - truth.angle_deg))
    if truth is not None and truth.tip_visible:
        tally.tips_visible += 1
        if tip_shown:
            tally.tip_errors_mm.append(found.tip.position.distance_mm(truth.tip))
    else:
        tally.false_tips.append(tip_shown)


def _deposit_rows(tally: Tally) -> list[Row]:
    def found(chosen: Sequence[tuple[float, ShadowType, bool]]) -> Estimate:
        return proportion(sum(hit for _, _, hit in chosen), len(chosen))

    shadows = (ShadowType.CLEAR, ShadowType.FAINT, ShadowType.NONE)
    return [
        Row("deposit_sensitivity", found(tally.deposits)),
        Row("deposit_sensitivity_from_5_mm", found([d for d in tally.deposits if d[0] >= LARGE_DEPOSIT_MM])),
        *(Row(f"deposit_sensitivity_shadow_{s.value}", found([d for d in tally.deposits if d[1] is s])) for s in shadows),
    ]


def _needle_rows(tally: Tally) -> list[Row]:
    angles, tips = np.array(tally.angle_errors_deg), np.array(tally.tip_errors_mm)
    return [
        Row("needle_found_share", proportion(sum(tally.needle_found), len(tally.needle_found))),
        Row("angle_error_median", median(angles), "deg"),
        Row("angle_error_p95", percentile_95(angles), "deg"),
        Row("tip_shown_share", proportion(len(tips), tally.tips_visible)),
        Row("tip_error_median", median(tips), "mm"),
        Row("tip_error_p95", percentile_95(tips), "mm"),
        Row("tip_within_2_mm_of_shown", proportion(int(np.sum(tips <= TIP_GOOD_MM)), len(tips))),
    ]


def _cell_rows(tally: Tally, kind: SampleKind) -> list[Row]:
    counts = np.array(tally.cells, dtype=np.float64).reshape(-1, 9)
    names = {Tissue.DEPOSIT: 0, Tissue.NEEDLE: 6} | ({Tissue.BONE: 3} if kind is SampleKind.SIMULATED else {})
    result = []
    for tissue, start in sorted(names.items()):
        part = counts[:, start : start + 3]
        result.append(Row(f"{tissue.name.lower()}_dice", bootstrap(part, pooled_dice)))
        result.append(Row(f"{tissue.name.lower()}_iou", bootstrap(part, pooled_iou)))
    return result


def pooled_dice(counts: FloatArray) -> float:
    """Dice over all frames of rows (overlap, claimed, true); NaN when there is nothing."""
    overlap, claimed, true = counts.sum(axis=0)
    return float(2 * overlap / (claimed + true)) if claimed + true else float("nan")


def pooled_iou(counts: FloatArray) -> float:
    """Intersection over union over all frames of rows (overlap, claimed, true); NaN when there is nothing."""
    overlap, claimed, true = counts.sum(axis=0)
    union = claimed + true - overlap
    return float(overlap / union) if union else float("nan")
