import json
from dataclasses import replace

import numpy as np
import pytest

from barbotage_models.contract.geometry import GreyImage
from barbotage_models.contract.output import ModelOutput
from barbotage_models.conversion.calibrate import _Scores, fit_platt, threshold_at
from barbotage_models.conversion.parity import Parity, ParityError, check, compare
from barbotage_models.training.labels import SampleKind
from barbotage_models.training.shards import Samples


def test_platt_recovers_the_curve_that_made_the_data() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.02, 0.98, 20000)
    truth = 1 / (1 + np.exp(-(1.7 * np.log(scores / (1 - scores)) - 0.8)))
    fitted = fit_platt(scores, rng.random(20000) < truth)
    assert (fitted.slope, fitted.offset) == pytest.approx((1.7, -0.8), abs=0.08)


@pytest.mark.parametrize(
    ("scores", "right"),
    [
        ([], []),
        ([0.9, 0.95], [True, True]),
        ([0.2, 0.9], [False, True]),
        ([0.6] * 4, [True, False, True, False]),
        ([0.2, 0.9], [True, False]),
    ],
)
def test_platt_is_finite_and_rising_whatever_it_is_given(scores: list[float], right: list[bool]) -> None:
    fitted = fit_platt(np.array(scores), np.array(right, dtype=np.bool_))
    assert fitted.slope > 0
    probabilities = [fitted.probability(s) for s in (0.1, 0.5, 0.9)]
    assert all(np.isfinite(probabilities))
    assert probabilities == sorted(probabilities)


@pytest.mark.parametrize("kind", [SampleKind.SIMULATED, SampleKind.REAL])
def test_the_threshold_lets_through_no_more_false_claims_than_allowed(kind: SampleKind) -> None:
    scores = _Scores()
    for score in np.linspace(0.05, 0.9, 50):
        scores.add(float(score), right=False, kind=kind)
    calibration = fit_platt(np.array([0.1, 0.9]), np.array([False, True]))
    frames = (100, 0) if kind is SampleKind.SIMULATED else (0, 100)
    limit = threshold_at(scores, calibration, 0.05, frames)
    assert sum(calibration.probability(s) >= limit for s in scores.score) <= 5


def test_the_threshold_stays_within_its_bounds() -> None:
    assert threshold_at(_Scores(), fit_platt(np.zeros(0), np.zeros(0, dtype=np.bool_)), 0.05, (10, 10)) == 0.6


GOOD = Parity(frames=10, agreement=0.999, iou_drop=0.001, tip_move_mm=0.05)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"agreement": 0.98}, "same class"), ({"iou_drop": 0.03}, "IoU"), ({"tip_move_mm": 0.4}, "tips move")],
)
def test_each_limit_of_the_parity_gate_holds(change: dict[str, float], said: str) -> None:
    check(GOOD)
    with pytest.raises(ParityError, match=said):
        check(replace(GOOD, **change))  # type: ignore[arg-type]


class Fixed:
    """A runner that says the same of every frame."""

    def __init__(self, tissue: int, tip_x: int) -> None:
        self._classes = np.zeros((64, 64, 4), dtype=np.uint8)
        self._classes[..., tissue] = 255
        self._tip = np.zeros((64, 64), dtype=np.uint8)
        self._tip[20, tip_x] = 255

    def run(self, frame: GreyImage) -> ModelOutput:  # noqa: ARG002
        return ModelOutput(self._classes, self._tip)


def test_comparing_measures_agreement_loss_and_tip_movement() -> None:
    samples = Samples(
        frames=np.zeros((2, 256, 256), dtype=np.uint8),
        classes=np.ones((2, 64, 64), dtype=np.uint8),
        tips_cells=np.array([[20, 20], [np.nan, np.nan]], dtype=np.float32),
        known=np.ones((2, 4), dtype=np.bool_),
        kinds=np.zeros(2, dtype=np.uint8),
    )
    assert compare(Fixed(1, 20), Fixed(1, 20), samples) == Parity(2, 1.0, 0.0, 0.0)
    other = compare(Fixed(1, 20), Fixed(2, 25), samples)
    assert (other.agreement, other.iou_drop) == (0.0, 1.0)
    assert other.tip_move_mm == pytest.approx(3.0)
    assert json.dumps(other.document())
