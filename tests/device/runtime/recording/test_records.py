"""A guidance becomes JSON and comes back as what the bedside drew."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from barbotage_device.bedside.overlay import Renderer
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import ScreenSize
from barbotage_device.capture.frame import Frame
from barbotage_device.capture.simulated import open_simulated
from barbotage_device.errors import InvalidInputError
from barbotage_device.guidance.aim import Certainty
from barbotage_device.guidance.prompt import Priority, Prompt, PromptKind, Prompts
from barbotage_device.perception.tracks import TrackState
from barbotage_device.runtime.budget import Stage
from barbotage_device.runtime.interpreter import open_model
from barbotage_device.runtime.operator import Presentation
from barbotage_device.runtime.pipeline import Guidance, Pipeline
from barbotage_device.runtime.recording.recalled import guidance_from_records, recorded_view
from barbotage_device.runtime.recording.records import Circumstances, Record, detection_record, guidance_record
from barbotage_device.runtime.screen import view_of
from barbotage_device.runtime.status import Condition
from barbotage_models.bundle import bundled_model
from barbotage_models.contract.geometry import PointMm, Scale

CALM = Circumstances({Stage.INFERENCE: 3_000_000, Stage.DRAW: 1_500_000}, 12_345_678, 4)
CASES: dict[str, Callable[[Frame], Frame]] = {
    "with a scale": lambda frame: frame,
    "without a scale": lambda frame: replace(frame, scale=None),
    "oblong pixels": lambda frame: replace(frame, scale=Scale(0.15, 0.16)),
}


def _simulated(count: int) -> Iterator[Frame]:
    source = open_simulated("procedure")
    yield from islice(source.frames(), count)
    source.close()


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return list(_simulated(60))


@pytest.fixture(scope="module", params=list(CASES.values()), ids=list(CASES))
def seen(request: pytest.FixtureRequest, frames: list[Frame]) -> list[Guidance]:
    """Guidance of a needle on its way to an accepted deposit, and once stale."""
    model = open_model(bundled_model("int8"), 1)
    pipeline = Pipeline(model.interpreter, model.card)
    guidances: list[Guidance] = []
    for frame in frames:
        guidances.append(pipeline.step(request.param(frame)))
        pipeline.accept_target()
    stale = pipeline.stale(frames[-1].capture_ns + 900_000_000)
    assert stale is not None
    return [*guidances, stale]


def _records(guidance: Guidance) -> tuple[Record, Record]:
    """Both objects after a passage through JSON text."""
    made = detection_record(guidance), guidance_record(guidance, CALM)
    text = json.dumps(made, allow_nan=False)
    detections, known = json.loads(text)
    return detections, known


def test_the_run_shows_everything_that_the_records_must_carry(seen: list[Guidance]) -> None:
    """Otherwise the tests below would prove nothing."""
    assert any(one.scene.deposits and one.scene.needle and one.scene.bone is not None for one in seen)
    assert any(one.tracks.needle.state is TrackState.TRACKING for one in seen)
    assert any(one.aim.target is not None for one in seen)
    assert any(one.aim.certainty is Certainty.CONFIRMED for one in seen)
    assert seen[-1].prompts.shown is not None


def test_what_comes_back_is_what_went_in(seen: list[Guidance]) -> None:
    for guidance in seen:
        back = guidance_from_records(guidance.frame, *_records(guidance))
        assert [one.identity for one in back.tracks.deposits] == [one.identity for one in guidance.tracks.deposits]
        for mine, theirs in zip(back.tracks.deposits, guidance.tracks.deposits, strict=True):
            assert np.allclose(mine.deposit.outline, theirs.deposit.outline, atol=2e-4)
            assert mine.deposit.shadow is theirs.deposit.shadow
            allowed_mm = 1e-4 if guidance.scene.measurable else 0.5
            assert mine.deposit.longest_mm == pytest.approx(theirs.deposit.longest_mm, abs=allowed_mm)
        assert back.tracks.needle.state is guidance.tracks.needle.state
        assert _near(back.tracks.needle.tip, guidance.tracks.needle.tip)
        assert _near(back.aim.predicted_end, guidance.aim.predicted_end)
        assert (back.aim.certainty, back.aim.turn, back.aim.in_target) == (
            guidance.aim.certainty,
            guidance.aim.turn,
            guidance.aim.in_target,
        )
        assert back.aim.distance_mm == pytest.approx(guidance.aim.distance_mm, abs=1e-4)
        assert back.prompts == guidance.prompts
        assert (back.scene.needle is None, back.scene.tip is None) == (guidance.scene.needle is None, guidance.scene.tip is None)
        assert (back.tracks.bone is None) == (guidance.tracks.bone is None)


def _near(mine: PointMm | None, theirs: PointMm | None) -> bool:
    return mine is theirs if mine is None or theirs is None else mine.distance_mm(theirs) < 3e-4


def test_records_of_what_came_back_are_the_same_bytes(seen: list[Guidance]) -> None:
    for guidance in seen:
        detections, known = _records(guidance)
        scene, tracks, aim, prompts = guidance_from_records(guidance.frame, detections, known)
        again = replace(guidance, scene=scene, tracks=tracks, aim=aim, prompts=prompts)
        assert json.dumps(_records(again)) == json.dumps((detections, known))


def test_the_bedside_picture_of_a_record_is_the_live_one(seen: list[Guidance]) -> None:
    renderer = Renderer(ScreenSize(800, 480))
    for guidance in (seen[20], seen[59]):
        live = view_of(guidance, Condition(guidance.frame.sequence, 4, 0, None, None, 0, 12_345_678), Presentation(Language.FR))
        expected = renderer.draw(live).copy()
        drawn = renderer.draw(recorded_view(guidance.frame, *_records(guidance), Language.FR))
        assert np.mean(drawn != expected) < 2e-3, "only the odd anti-aliased pixel may differ"


def test_lengths_are_null_exactly_without_a_scale(seen: list[Guidance]) -> None:
    with_values = [text for one in seen for text in _mm_values(_records(one))]
    assert bool(with_values) is seen[0].scene.measurable


def _mm_values(value: object) -> Iterator[object]:
    """Every value that a key ending in a unit of length names and that is not null."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.endswith(("_mm", "_mm2", "_mm_s")) and inner is not None:
                yield inner
            yield from _mm_values(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _mm_values(inner)


def test_held_back_prompts_and_the_circumstances_are_in_the_record(seen: list[Guidance]) -> None:
    prompts = Prompts(Prompt(PromptKind.TIP_NOT_SEEN, Priority.HIGH, 5), (Prompt(PromptKind.STEEP_ANGLE, Priority.LOW, 7),))
    record = guidance_record(replace(seen[0], prompts=prompts), CALM)
    assert record["prompts"] == {
        "shown": {"kind": "tip-not-seen", "priority": "high", "since_ns": 5},
        "suppressed": [{"kind": "steep-angle", "priority": "low", "since_ns": 7}],
    }
    assert record["stages_ms"] == {"inference": 3.0, "draw": 1.5}
    assert (record["latency_ms"], record["drops"]) == (12.346, 4)


def test_the_checksum_tells_two_outputs_apart(seen: list[Guidance]) -> None:
    first = detection_record(seen[0])["output_crc32"]
    tip = seen[0].output.tip.copy()
    tip[3, 4] ^= 1
    assert len(first) == 8
    assert detection_record(replace(seen[0], output=replace(seen[0].output, tip=tip)))["output_crc32"] != first


def test_a_frame_without_records_shows_nothing(frames: list[Frame]) -> None:
    back = guidance_from_records(frames[0], None, None)
    assert (back.scene.deposits, back.tracks.deposits, back.aim.target, back.prompts.shown) == ((), (), None, None)
    assert back.tracks.needle.state is TrackState.SEARCHING


@pytest.mark.parametrize("damage", [{"needle": {}}, {"prompts": 3}, {"deposits": [{"identity": 1}]}, {"aim": None}])
def test_a_record_of_another_format_is_refused(seen: list[Guidance], damage: Record) -> None:
    detections, guidance = _records(seen[0])
    with pytest.raises(InvalidInputError, match="frame 0 is not of the session format"):
        guidance_from_records(seen[0].frame, detections, guidance | damage)
