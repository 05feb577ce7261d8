import math
from dataclasses import replace

import numpy as np
import pytest

from barbotage_models.contract.card import Calibration, ModelCard, Thresholds
from barbotage_models.contract.geometry import GreyImage, PointMm
from barbotage_models.contract.output import ModelOutput
from barbotage_models.contract.taxonomy import ShadowType, Tissue
from barbotage_models.evaluation.detections import PixelLevels, detect, find_shaft
from barbotage_models.evaluation.intervals import bootstrap, median, proportion
from barbotage_models.evaluation.measuring import Measured, measure
from barbotage_models.evaluation.metrics import Row
from barbotage_models.evaluation.report import as_document, as_tables
from barbotage_models.training.labels import DepositLabel, NeedleLabel, Sample, SampleKind

IDENTITY = Calibration(1.0, 0.0)
CARD = ModelCard("m", "1", "", "int8", Thresholds(0.5, 0.5, 0.5, 0.5, 0.5, 0.5), IDENTITY, IDENTITY, IDENTITY, {})


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_wilson_intervals_equal_published_values(successes: int, n: int, low: float, high: float) -> None:
    """The last case is Newcombe 1998, table I."""
    estimate = proportion(successes, n)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-4)


def test_bootstrap_is_seeded_and_surrounds_the_value() -> None:
    values = np.random.default_rng(0).normal(5, 1, 200)
    first, second = median(values), median(values)
    assert first == second
    assert first.low < first.value < first.high
    assert first.high - first.low < 0.6
    assert bootstrap(np.zeros(0), lambda v: float(v.mean())).n == 0


def sample(deposit: tuple[int, int, int, int] | None, needle: bool, kind: SampleKind = SampleKind.SIMULATED) -> Sample:
    """A 45 degree needle along cells (10, 10) to (29, 29); a deposit in rows and columns ``deposit``."""
    classes, instances = np.zeros((2, 64, 64), dtype=np.uint8)
    deposits: tuple[DepositLabel, ...] = ()
    if deposit is not None:
        where = np.s_[deposit[0] : deposit[1], deposit[2] : deposit[3]]
        classes[where], instances[where] = Tissue.DEPOSIT, 1
        deposits = (DepositLabel(6.0, ShadowType.CLEAR),)
    tip = np.full(2, np.nan, dtype=np.float32)
    label = None
    if needle:
        line = np.arange(10, 30)
        classes[line, line] = Tissue.NEEDLE
        tip[:] = 29.0
        label = NeedleLabel(PointMm(29.5 * 0.6, 29.5 * 0.6), PointMm(12.0, 12.0), 45.0, True, 16.0)
    black = np.zeros((256, 256), dtype=np.uint8)
    return Sample(black, black, classes, instances, tip, True, kind, deposits, label)


class Says:
    """A runner that gives the output of the next of some samples: the perfect network, when they are the ones asked about."""

    def __init__(self, samples: list[Sample]) -> None:
        self._samples = iter(samples)

    def run(self, frame: GreyImage, previous: GreyImage | None = None) -> ModelOutput:  # noqa: ARG002
        said = next(self._samples)
        classes = np.zeros((64, 64, 4), dtype=np.uint8)
        for tissue in Tissue:
            classes[..., tissue] = np.where(said.classes == tissue, 240, 3)
        tip = np.zeros((64, 64), dtype=np.uint8)
        if not np.isnan(said.tip_cells[0]):
            tip[int(said.tip_cells[1]), int(said.tip_cells[0])] = 240
        return ModelOutput(classes, tip)


def measured_by(said: list[Sample], card: ModelCard, samples: list[Sample]) -> Measured:
    return measure([(Says(said), card)], samples)[0]


def figures(said: list[Sample], card: ModelCard, samples: list[Sample]) -> dict[str, float]:
    """The figures on simulated frames."""
    return values(measured_by(said, card, samples).rows[SampleKind.SIMULATED])


def values(rows: list[Row]) -> dict[str, float]:
    return {row.name: row.estimate.value for row in rows}


FULL = sample((40, 46, 20, 30), needle=True)
EMPTY = sample(None, needle=False)
ELSEWHERE = sample((5, 11, 45, 55), needle=False)


def test_a_perfect_network_scores_perfectly() -> None:
    found = figures([FULL, EMPTY], CARD, [FULL, EMPTY])
    assert found["deposit_sensitivity"] == found["needle_found_share"] == found["tip_shown_share"] == 1.0
    assert found["false_deposits_per_frame"] == found["false_needle_share"] == found["false_tip_share"] == 0.0
    assert found["tip_error_median"] == pytest.approx(0.0, abs=0.01)
    assert found["angle_error_median"] == pytest.approx(0.0, abs=0.1)
    assert found["deposit_dice"] == found["deposit_iou"] == found["needle_iou"] == 1.0


def test_a_blind_network_finds_nothing_and_claims_nothing() -> None:
    found = figures([EMPTY], CARD, [FULL])
    assert (
        found["deposit_sensitivity"]
        == found["needle_found_share"]
        == found["deposit_dice"]
        == found["false_deposits_per_frame"]
        == 0.0
    )
    assert math.isnan(found["tip_error_median"])


def test_what_is_not_there_is_a_false_alarm() -> None:
    real = replace(EMPTY, kind=SampleKind.REAL)
    assert values(measured_by([FULL], CARD, [real]).rows[SampleKind.REAL]) == {
        "false_deposits_per_frame": 1.0,
        "false_needle_share": 1.0,
        "false_tip_share": 1.0,
    }


def test_a_deposit_in_the_wrong_place_is_missed_and_false() -> None:
    found = figures([ELSEWHERE], CARD, [FULL])
    assert found["deposit_sensitivity"] == 0.0
    assert found["false_deposits_per_frame"] == 1.0


def test_what_is_below_its_threshold_is_not_shown() -> None:
    strict = replace(CARD, thresholds=replace(CARD.thresholds, deposit_shown=0.97, needle_shown=0.97, tip_shown=0.97))
    found = figures([FULL], strict, [FULL])
    assert found["deposit_sensitivity"] == found["needle_found_share"] == found["tip_shown_share"] == 0.0


@pytest.mark.parametrize("angle_deg", [0, 10, 30, 60])
def test_the_shaft_is_found_among_clutter(angle_deg: int) -> None:
    probability = np.zeros((64, 64), dtype=np.uint8)
    along = np.arange(0, 40, 0.3)
    rows = np.rint(6 + along * math.sin(math.radians(angle_deg))).astype(int)
    columns = np.rint(8 + along * math.cos(math.radians(angle_deg))).astype(int)
    probability[rows, columns] = 200
    probability[50:52, 50:53] = 255
    shaft = find_shaft(probability, 128)
    assert shaft is not None
    assert shaft.angle_deg == pytest.approx(angle_deg, abs=1.5)
    assert shaft.visible_mm == pytest.approx(24.0, abs=2.0)


def test_a_few_cells_are_no_shaft() -> None:
    probability = np.zeros((64, 64), dtype=np.uint8)
    probability[10, 10:16] = 255
    assert find_shaft(probability, 128) is None


def test_a_tip_away_from_the_shaft_does_not_agree_with_it() -> None:
    output = Says([replace(FULL, tip_cells=np.array([50.0, 10.0], dtype=np.float32))]).run(FULL.frame)
    assert not detect(output, PixelLevels()).tip.beside_shaft
    assert detect(Says([FULL]).run(FULL.frame), PixelLevels()).tip.beside_shaft


def test_the_report_says_what_was_not_measured() -> None:
    measured = measured_by([FULL], CARD, [FULL])
    document = as_document(measured, "one frame")
    assert document["simulated"]["deposit_sensitivity"]["n"] == 1
    assert "without --backgrounds" in document["real"]
    assert document["simulated"]["deposit_sensitivity_shadow_none"]["value"] is None
    assert as_tables(measured, "title") is not None
