"""What the pod's ring shows for an aim."""

from dataclasses import replace

import pytest

from barbotage_device.guidance.aim import Aim, Certainty, Target, Turn
from barbotage_device.probe_pod.protocol import Aim as Ring
from barbotage_device.runtime.pod_feedback import RingPicture, ring_for
from barbotage_models.contract.geometry import PointMm

AIM = Aim(
    certainty=Certainty.CONFIRMED,
    target=Target(1, PointMm(20.0, 15.0)),
    tip=PointMm(12.0, 8.0),
    entry=PointMm(2.0, 0.0),
    predicted_end=None,
    distance_mm=10.0,
    advance_mm=9.0,
    miss_mm=1.0,
    angle_deg=38.0,
    angle_error_deg=5.0,
    turn=Turn.STEEPER,
    clearance_mm=None,
    in_target=False,
    confidence=0.9,
    age_ns=0,
)
FROM_RIGHT = PointMm(38.0, 0.0)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, RingPicture(Ring.RIGHT, 64), id="from the left, steeper: clockwise"),
        pytest.param({"turn": Turn.SHALLOWER}, RingPicture(Ring.LEFT, 64), id="from the left, shallower"),
        pytest.param({"entry": FROM_RIGHT}, RingPicture(Ring.LEFT, 64), id="from the right, steeper"),
        pytest.param({"entry": FROM_RIGHT, "turn": Turn.SHALLOWER}, RingPicture(Ring.RIGHT, 64), id="from the right, shallower"),
        pytest.param({"angle_error_deg": 90.0}, RingPicture(Ring.RIGHT, 255), id="far off"),
        pytest.param({"turn": Turn.HOLD}, RingPicture(Ring.ON_TARGET), id="the angle is right"),
        pytest.param({"in_target": True}, RingPicture(Ring.ON_TARGET), id="the tip is there"),
        pytest.param(
            {"turn": Turn.HOLD, "certainty": Certainty.SHAFT_ONLY}, RingPicture(Ring.UNCERTAIN), id="a shaft confirms nothing"
        ),
        pytest.param({"certainty": Certainty.SHAFT_ONLY}, RingPicture(Ring.RIGHT, 64), id="a shaft gives a direction"),
        pytest.param({"certainty": Certainty.UNKNOWN}, RingPicture(Ring.UNCERTAIN), id="nobody knows"),
        pytest.param({"entry": None}, RingPicture(Ring.UNCERTAIN), id="no entry"),
        pytest.param({"target": None}, RingPicture(Ring.OFF), id="no target"),
    ],
)
def test_the_ring_says_which_way_to_turn(change: dict[str, object], expected: RingPicture) -> None:
    assert ring_for(replace(AIM, **change)) == expected  # type: ignore[arg-type]


def test_without_an_aim_the_ring_is_dark() -> None:
    assert ring_for(None) == RingPicture(Ring.OFF)
