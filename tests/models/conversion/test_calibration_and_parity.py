import json
from dataclasses import replace

import numpy as np
import pytest

from barbotage_models.contract.card import Calibration
from barbotage_models.contract.geometry import GreyImage
from barbotage_models.contract.output import ModelOutput
from barbotage_models.conversion.calibrate import SHOWN_MAX, SHOWN_MIN, cross_fitted, fit_platt, may_pass, shown_threshold
from barbotage_models.conversion.parity import Parity, ParityError, check, compare
from barbotage_models.evaluation.claims import AllClaims
from barbotage_models.evaluation.curves import operating, reliability
from barbotage_models.training.labels import SampleKind
from barbotage_models.training.shards import Samples


def test_platt_recovers_the_curve_that_made_the_data() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.02, 0.98, 20000)
    truth = 1 / (1 + np.exp(-(1.7 * np.log(scores / (1 - scores)) - 0.8)))
    fitted = fit_platt(scores, rng.random(20000) < truth)
    assert (fitted.slope, fitted.offset) == pytest.approx((1.7, -0.8), abs=0.08)


def test_platt_finds_a_steep_curve_where_all_scores_are_high() -> None:
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.uniform(0.8, 0.98, 2000), rng.uniform(0.95, 0.99, 500)])
    truth = 1 / (1 + np.exp(-(10.0 * np.log(scores / (1 - scores)) - 25.0)))
    fitted = fit_platt(scores, rng.random(len(scores)) < truth)
    assert (fitted.slope, fitted.offset) == pytest.approx((10.0, -25.0), rel=0.1)


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


FLAT = Calibration(1.0, 0.0)


def false_claims(kind: SampleKind, frames: int, claims: int) -> AllClaims:
    """Wrong needles and deposits on the first of some frames, of rising score."""
    everything = AllClaims(frames={kind: frames})
    for number, score in enumerate(np.linspace(0.05, 0.999, claims)):
        everything.needle.add(float(score), right=False, frame=number, kind=kind)
        everything.deposit.add(float(score), right=False, frame=number // 2, kind=kind)
    return everything


@pytest.mark.parametrize(
    ("name", "kind", "rate"),
    [
        ("needle", SampleKind.REAL, 0.05),
        ("needle", SampleKind.SIMULATED, 0.02),
        ("deposit", SampleKind.REAL, 0.03),
        ("deposit", SampleKind.SIMULATED, 0.01),
    ],
)
def test_the_threshold_lets_through_no_more_false_claims_than_allowed(name: str, kind: SampleKind, rate: float) -> None:
    everything = false_claims(kind, 1000, 400)
    limit = shown_threshold(name, everything, FLAT)
    sort = everything.by_name()[name]
    passing = sort.confidences(FLAT) >= limit
    frames = set(sort.frames()[passing]) if kind is SampleKind.REAL else list(sort.frames()[passing])
    assert 0 < len(frames) <= rate * 1000


def test_a_tip_far_off_is_allowed_less_often_than_one_that_is_only_wrong() -> None:
    near, far = AllClaims(frames={SampleKind.SIMULATED: 1000}), AllClaims(frames={SampleKind.SIMULATED: 1000})
    for number, score in enumerate(np.linspace(0.6, 0.97, 15)):
        near.tip.add(float(score), right=False, frame=number, kind=SampleKind.SIMULATED)
        far.tip.add(float(score), right=False, frame=number, kind=SampleKind.SIMULATED, far=True)
    assert shown_threshold("tip", far, FLAT) > shown_threshold("tip", near, FLAT)


@pytest.mark.parametrize(("rate", "frames", "passing"), [(0.05, 0, 0), (0.01, 50, 0), (0.05, 600, 24), (0.5, 10, 3)])
def test_fewer_may_pass_than_the_bare_rate_says(rate: float, frames: int, passing: int) -> None:
    assert may_pass(rate, frames) == passing


def test_the_threshold_stays_within_its_bounds() -> None:
    nothing = AllClaims(frames={SampleKind.SIMULATED: 10, SampleKind.REAL: 10})
    assert shown_threshold("deposit", nothing, FLAT) == SHOWN_MIN
    assert shown_threshold("needle", false_claims(SampleKind.REAL, 10, 10), FLAT) == SHOWN_MAX


def test_a_calibration_is_judged_on_worlds_that_it_was_not_fitted_on() -> None:
    sort = AllClaims().needle
    for number in range(12):
        sort.add(0.9, right=number < 3, frame=number, kind=SampleKind.REAL)
    confidence = cross_fitted(sort)
    assert confidence[0] < 0.3, "the other half holds no right claim"
    assert confidence[3] > confidence[0], "this half was fitted on the right ones"


def test_reliability_says_how_far_confidence_and_truth_are_apart() -> None:
    confidence = np.repeat([0.25, 0.95], 100)
    right = np.concatenate([np.arange(100) < 25, np.arange(100) < 75])
    curve = reliability(confidence, right)
    assert curve["ece"] == pytest.approx((0.0 + 0.2) / 2)
    assert [(b["from"], b["n"], b["right"]) for b in curve["bins"]] == [(0.2, 100, 0.25), (0.9, 100, 0.75)]
    assert reliability(np.zeros(0), np.zeros(0, dtype=np.bool_)) == {"n": 0, "ece": None, "bins": []}


def test_the_operating_curve_counts_what_passes() -> None:
    confidence, right = np.array([0.55, 0.65, 0.99, 0.7]), np.array([True, False, True, False])
    real = np.array([False, True, False, False])
    rows = operating(confidence, right, {"real": real, "none": ~real}, {"real": 4, "none": 0})
    at = {row["threshold"]: row for row in rows}
    assert at[0.6] == {"threshold": 0.6, "right_kept": 0.5, "false_per_frame_real": 0.25}
    assert at[0.99]["false_per_frame_real"] == 0.0


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

    def run(self, frame: GreyImage, previous: GreyImage | None = None) -> ModelOutput:  # noqa: ARG002
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
