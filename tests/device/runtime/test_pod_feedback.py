"""What the pod's ring and buzzer show."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from barbotage_device.bedside.texts import Language
from barbotage_device.capture.frame import Frame
from barbotage_device.guidance.aim import Aim, Certainty, Target, Turn
from barbotage_device.guidance.prompt import Priority, Prompt, PromptKind, Prompts
from barbotage_device.probe_pod.protocol import Aim as Ring
from barbotage_device.probe_pod.protocol import Sound
from barbotage_device.runtime.interpreter import Interpreter
from barbotage_device.runtime.operator import Presentation
from barbotage_device.runtime.pipeline import Guidance, Pipeline
from barbotage_device.runtime.pod_feedback import RingPicture, ring_for, ring_now, sound_now
from barbotage_device.runtime.status import Condition
from barbotage_models.contract.card import ModelCard
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


FINE = Condition(frames=6, drops=0, bad_frames=0, lost=None, model_error=None, frame_age_ns=0, latency_ns=20_000_000)
SHOWN = Presentation(Language.FR)
MS = 1_000_000
UNCERTAIN, DARK = RingPicture(Ring.UNCERTAIN), RingPicture(Ring.OFF)


@pytest.fixture
def guidance(drawn: Interpreter, card: ModelCard, picture: Callable[..., Frame]) -> Guidance:
    return replace(Pipeline(drawn, card).step(picture(0, (100, 120))), aim=AIM)


@pytest.mark.parametrize(
    ("condition", "presentation", "expected"),
    [
        pytest.param(FINE, SHOWN, RingPicture(Ring.RIGHT, 64), id="as the screen"),
        pytest.param(replace(FINE, frame_age_ns=201 * MS), SHOWN, UNCERTAIN, id="too old"),
        pytest.param(replace(FINE, lost="unplugged"), SHOWN, UNCERTAIN, id="no picture"),
        pytest.param(replace(FINE, model_error="cannot invoke"), SHOWN, UNCERTAIN, id="the network fails"),
        pytest.param(FINE, replace(SHOWN, overlay_on=False), DARK, id="overlay off"),
        pytest.param(FINE, replace(SHOWN, frozen=True), DARK, id="frozen"),
    ],
)
def test_the_ring_shows_no_more_than_the_screen(
    guidance: Guidance, condition: Condition, presentation: Presentation, expected: RingPicture
) -> None:
    assert ring_now(guidance, condition, presentation) == expected


def test_the_ring_is_uncertain_without_guidance_and_when_it_is_stale(guidance: Guidance) -> None:
    assert ring_now(None, FINE, SHOWN) == UNCERTAIN
    assert ring_now(replace(guidance, stale=True), FINE, SHOWN) == UNCERTAIN
    assert ring_now(replace(guidance, aim=replace(AIM, age_ns=201 * MS)), FINE, SHOWN) == UNCERTAIN


def prompting(guidance: Guidance, priority: Priority) -> Guidance:
    return replace(guidance, prompts=Prompts(Prompt(PromptKind.TIP_NOT_SEEN, priority, 0)))


def test_the_buzzer_sounds_for_what_cannot_wait_and_for_the_tip_in_the_target(guidance: Guidance) -> None:
    inside = replace(guidance, aim=replace(AIM, in_target=True))
    assert sound_now(guidance, FINE) is Sound.SILENT
    assert sound_now(prompting(inside, Priority.HIGH), FINE) is Sound.ATTENTION
    assert sound_now(prompting(guidance, Priority.MEDIUM), FINE) is Sound.SILENT
    assert sound_now(inside, FINE) is Sound.CONFIRM
    assert sound_now(inside, replace(FINE, frame_age_ns=201 * MS)) is Sound.SILENT
    assert sound_now(guidance, replace(FINE, lost="unplugged")) is Sound.ATTENTION
    assert sound_now(None, FINE) is Sound.SILENT
