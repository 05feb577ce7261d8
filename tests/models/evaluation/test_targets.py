"""The targets: each figure means what it says, and a miss is a miss."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX
from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.output import ModelOutput
from barbotage_models.contract.taxonomy import ShadowType, Tissue
from barbotage_models.evaluation.detections import Detections, FoundShaft, FoundTip, PixelLevels, find_deposits
from barbotage_models.evaluation.intervals import Estimate
from barbotage_models.evaluation.targets import (
    TARGETS,
    Better,
    Reached,
    Target,
    TargetTally,
    longest_chord_mm,
    points_apart,
    reached,
)
from barbotage_models.training.labels import DOUBTFUL, DepositLabel, NeedleLabel, Sample, SampleKind

BLACK = np.zeros((256, 256), dtype=np.uint8)
LABEL = DepositLabel(6.0, ShadowType.CLEAR)
NO_TIP = np.full(2, np.nan, dtype=np.float32)
NEEDLE = NeedleLabel(PointMm(18.0, 18.0), PointMm(12.0, 12.0), 45.0, True, 16.0)
SHAFT = FoundShaft(PointMm(12.0, 12.0), (math.sqrt(0.5), math.sqrt(0.5)), (PointMm(6.0, 6.0), PointMm(18.0, 18.0)), 16.0, 0.9)


def box(rows: tuple[int, int], columns: tuple[int, int]) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    cells = np.zeros((64, 64), dtype=np.uint8)
    cells[rows[0] : rows[1], columns[0] : columns[1]] = 1
    return cells


def frame(
    deposit: "np.ndarray[tuple[int, int], np.dtype[np.uint8]] | None" = None,
    label: DepositLabel = LABEL,
    needle: NeedleLabel | None = None,
) -> Sample:
    instances = np.zeros((64, 64), dtype=np.uint8) if deposit is None else deposit
    labels = () if deposit is None else (label,)
    classes = (instances * Tissue.DEPOSIT).astype(np.uint8)
    return Sample(BLACK, BLACK, classes, instances, NO_TIP, True, SampleKind.SIMULATED, labels, needle)


def tally(
    sample: Sample,
    said: "np.ndarray[tuple[int, int], np.dtype[np.uint8]] | None" = None,
    shaft: FoundShaft | None = None,
    tip: PointMm | None = None,
) -> dict[str, Estimate]:
    classes = np.zeros((64, 64, 4), dtype=np.uint8)
    if said is not None:
        classes[:, :, Tissue.DEPOSIT] = said * 250
    output = ModelOutput(classes, np.zeros((64, 64), dtype=np.uint8))
    found = Detections(
        find_deposits(output.probability(Tissue.DEPOSIT), 128),
        shaft,
        FoundTip(tip or PointMm(0.0, 0.0), 0.0 if tip is None else 0.9, tip is not None),
    )
    counted = TargetTally()
    counted.add(sample, output, found, PixelLevels())
    return counted.estimates()


TRUE = box((40, 46), (20, 30))


@pytest.mark.parametrize(
    ("said", "dice", "found", "false"),
    [
        (TRUE, 1.0, 1.0, 0.0),
        (None, 0.0, 0.0, 0.0),
        (box((40, 46), (25, 35)), 0.5, 1.0, 0.0),
        (box((5, 11), (45, 55)), 0.0, 0.0, 100.0),
        (TRUE + box((5, 11), (45, 55)), 1.0, 1.0, 100.0),
    ],
    ids=["exact", "missed", "half beside", "elsewhere", "one more"],
)
def test_deposits_are_found_and_outlined_or_not(
    said: "np.ndarray[tuple[int, int], np.dtype[np.uint8]] | None", dice: float, found: float, false: float
) -> None:
    figures = tally(frame(TRUE), said)
    assert figures["deposit_dice_median"].value == pytest.approx(dice)
    assert figures["deposit_found_from_5_mm"].value == found
    assert figures["false_deposits_per_100_frames"].value == false


def test_a_claim_on_a_doubtful_deposit_is_not_false_and_missing_it_is_no_miss() -> None:
    doubtful = replace(frame(), instances=(TRUE * DOUBTFUL).astype(np.uint8), deposits_known=False)
    for said in (TRUE, None):
        figures = tally(doubtful, said)
        assert figures["false_deposits_per_100_frames"].value == 0.0
        assert figures["deposit_found_from_5_mm"].n == figures["deposit_shown_without_deposit"].n == 0
    assert tally(doubtful, box((5, 11), (45, 55)))["false_deposits_per_100_frames"].value == 100.0


def test_small_deposits_are_not_in_the_figure_from_5_mm_but_soft_ones_are_in_theirs() -> None:
    figures = tally(frame(TRUE, DepositLabel(4.0, ShadowType.NONE)), TRUE)
    assert figures["deposit_found_from_5_mm"].n == 0
    assert figures["soft_deposit_found"].value == 1.0


def test_the_longest_chord_is_that_of_the_outline() -> None:
    probability = (TRUE * 250).astype(np.uint8)
    chord = longest_chord_mm(probability, TRUE > 0, 128)
    assert chord == pytest.approx(math.hypot(40, 24) * CANONICAL_MM_PER_PX, abs=0.6)
    assert longest_chord_mm(probability, box((0, 1), (0, 1)) > 0, 128) is None


@pytest.mark.parametrize(
    ("needle", "tip", "far"),
    [
        (NEEDLE, PointMm(18.5, 18.0), 0.0),
        (NEEDLE, PointMm(18.0, 23.5), 1.0),
        (None, PointMm(18.0, 18.0), 1.0),
        (NEEDLE, None, 0.0),
        (replace(NEEDLE, tip_visible=False), PointMm(18.0, 23.5), 1.0),
    ],
    ids=["right", "5.5 mm off", "no needle", "not shown", "unseen tip"],
)
def test_a_tip_far_from_the_true_one_misleads(needle: NeedleLabel | None, tip: PointMm | None, far: float) -> None:
    assert tally(frame(needle=needle), shaft=SHAFT, tip=tip)["tip_shown_wrong_by_5_mm"].value == far


def test_frames_without_needle_or_deposit_count_what_is_shown() -> None:
    alarm = tally(frame(), TRUE, SHAFT)
    assert alarm["needle_shown_without_needle"].value == alarm["deposit_shown_without_deposit"].value == 1.0
    quiet = tally(frame())
    assert quiet["needle_shown_without_needle"].value == quiet["deposit_shown_without_deposit"].value == 0.0
    assert tally(frame(TRUE, needle=NEEDLE), TRUE, SHAFT)["needle_shown_without_needle"].n == 0


def test_every_target_is_reported_and_is_json_even_where_nothing_was_measured() -> None:
    rows = reached({})
    assert [r.target for r in rows] == list(TARGETS)
    assert all(r.met is None for r in rows)
    assert "NaN" not in json.dumps([r.document() for r in rows])


def one(better: Better, value: float, bound: float = 0.95, unit: str = "") -> Reached:
    return Reached(Target("x", SampleKind.SIMULATED, better, bound, unit), Estimate(value, value, value, 10))


@pytest.mark.parametrize(
    ("reached_one", "met"), [(one(Better.MORE, 0.95), True), (one(Better.MORE, 0.94), False), (one(Better.LESS, 0.96), False)]
)
def test_a_bound_is_met_or_not(reached_one: Reached, met: bool) -> None:
    assert reached_one.met is met


def test_two_models_are_a_point_apart_when_a_share_differs_by_a_hundredth() -> None:
    assert points_apart([one(Better.MORE, 0.95)], [one(Better.MORE, 0.94)])["largest"] == pytest.approx(1.0)
    apart = points_apart([one(Better.LESS, 0.6, 0.7, "mm")], [one(Better.LESS, 0.67, 0.7, "mm")])
    assert apart["largest"] == pytest.approx(10.0)
    assert apart["met"] is False
