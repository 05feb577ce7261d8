from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from barbotage_device.capture.frame import Frame
from barbotage_device.errors import InvalidInputError
from barbotage_device.perception.tracks import TrackState
from barbotage_device.runtime.budget import Stage
from barbotage_device.runtime.interpreter import Interpreter
from barbotage_device.runtime.pipeline import Pipeline
from barbotage_device.runtime.runtimes import ModelError
from barbotage_models.contract.card import ModelCard
from barbotage_models.contract.geometry import Scale

MakeFrame = Callable[..., Frame]
PROCESSING = (Stage.RESAMPLE, Stage.INFERENCE, Stage.SEE, Stage.TRACK, Stage.AIM)
SECOND_NS = 1_000_000_000


@pytest.fixture
def pipeline(drawn: Interpreter, card: ModelCard) -> Pipeline:
    return Pipeline(drawn, card)


def shown(pipeline: Pipeline, picture: MakeFrame, *corners: tuple[int, int], frames: int = 6) -> None:
    for sequence in range(frames):
        pipeline.step(picture(sequence, *corners))


def test_a_deposit_that_stays_is_tracked_at_its_place_in_mm(pipeline: Pipeline, picture: MakeFrame) -> None:
    shown(pipeline, picture, (100, 120))
    assert pipeline.last is not None
    (track,) = pipeline.last.tracks.deposits
    assert track.deposit.centre.x_mm == pytest.approx((100 + 24) * 0.15, abs=0.4)
    assert track.deposit.centre.z_mm == pytest.approx((120 + 10) * 0.15, abs=0.4)


def test_each_stage_is_measured_with_the_given_clock_and_none_twice(
    drawn: Interpreter, card: ModelCard, picture: MakeFrame
) -> None:
    ticks = iter(range(0, 10_000, 7))
    guidance = Pipeline(drawn, card, clock=lambda: next(ticks)).step(picture(0, (100, 120)))
    assert dict(guidance.stages_ns) == dict.fromkeys(PROCESSING, 7)
    assert guidance.processing_ns == 35


def test_nothing_is_a_target_until_it_is_accepted(pipeline: Pipeline, picture: MakeFrame) -> None:
    shown(pipeline, picture, (100, 120))
    assert pipeline.step(picture(7, (100, 120))).aim.target is None
    accepted = pipeline.accept_target()
    assert accepted is not None
    target = pipeline.step(picture(8, (100, 120))).aim.target
    assert target is not None
    assert target.identity == accepted


def test_a_named_deposit_is_accepted_and_a_released_one_is_no_target(pipeline: Pipeline, picture: MakeFrame) -> None:
    both = ((20, 60), (160, 150))
    shown(pipeline, picture, *both)
    assert pipeline.last is not None
    right = max(pipeline.last.tracks.deposits, key=lambda one: one.deposit.centre.x_mm).identity
    assert pipeline.accept_target(right) == right
    target = pipeline.step(picture(8, *both)).aim.target
    assert target is not None
    assert target.point.x_mm > 20
    pipeline.release_target()
    assert pipeline.step(picture(9, *both)).aim.target is None


def test_an_unknown_deposit_cannot_be_accepted_and_the_old_target_stays(pipeline: Pipeline, picture: MakeFrame) -> None:
    assert pipeline.accept_target() is None
    shown(pipeline, picture, (100, 120))
    accepted = pipeline.accept_target()
    with pytest.raises(InvalidInputError, match="deposit 99 is not tracked"):
        pipeline.accept_target(99)
    assert pipeline.accepted == accepted


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((1, 1), dtype=np.uint8),
        np.zeros((256, 31), dtype=np.uint8),
        np.zeros((256, 256, 3), dtype=np.uint8),
        np.zeros((256, 256), dtype=np.float32),
        np.zeros((0, 0), dtype=np.uint8),
    ],
    ids=["1x1", "narrow", "colour", "float", "empty"],
)
def test_wrong_pixels_are_refused_and_change_nothing(
    pipeline: Pipeline, picture: MakeFrame, pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]"
) -> None:
    shown(pipeline, picture, (100, 120))
    before = pipeline.last
    with pytest.raises(InvalidInputError):
        pipeline.step(replace(picture(7), pixels=pixels))
    assert pipeline.last is before
    after = pipeline.step(picture(7, (100, 120)))
    assert before is not None
    assert [one.identity for one in after.tracks.deposits] == [one.identity for one in before.tracks.deposits]


def test_a_failing_network_is_an_error_and_the_next_frame_goes_on(pipeline: Pipeline, picture: MakeFrame) -> None:
    shown(pipeline, picture, (100, 120))
    dark = replace(picture(7), pixels=np.zeros((256, 256), dtype=np.uint8))
    with pytest.raises(ModelError):
        pipeline.step(dark)
    assert len(pipeline.step(picture(8, (100, 120))).tracks.deposits) == 1


@pytest.mark.parametrize("scale", [None, Scale(0.15, 0.12)])
def test_without_a_scale_and_with_oblong_pixels_the_deposit_is_still_seen(
    pipeline: Pipeline, picture: MakeFrame, scale: Scale | None
) -> None:
    guidance = [pipeline.step(picture(sequence, (100, 120), scale=scale)) for sequence in range(6)][-1]
    assert len(guidance.tracks.deposits) == 1
    assert guidance.tracks.measurable is (scale is not None)


def test_without_new_frames_guidance_becomes_stale_and_shows_nothing(pipeline: Pipeline, picture: MakeFrame) -> None:
    assert pipeline.stale(5 * SECOND_NS) is None
    shown(pipeline, picture, (100, 120))
    assert pipeline.last is not None
    last_ns = pipeline.last.frame.capture_ns
    assert pipeline.stale(last_ns + SECOND_NS // 20) is None
    stale = pipeline.stale(last_ns + SECOND_NS)
    assert stale is not None
    assert stale.stale
    assert stale.tracks.needle.state is TrackState.STALE
    assert stale.tracks.deposits == ()
    assert stale.prompts.shown is not None
    assert not pipeline.step(picture(6, (100, 120))).stale
