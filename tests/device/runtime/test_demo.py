"""The demo tells its operator only what the screen shows, counts against truth, and leaves complete files."""

import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import BedsideView, ScreenSize
from barbotage_device.capture.frame import Frame
from barbotage_device.guidance.aim import Aim, Certainty, Target, Turn
from barbotage_device.guidance.prompt import Priority, Prompt, PromptKind, Prompts
from barbotage_device.perception.scene import Quality
from barbotage_device.perception.tracks import NeedleTrack, Tracks, TrackState
from barbotage_device.runtime.demo.record import Tally, Video, write_json
from barbotage_device.runtime.demo.told import told_by
from barbotage_models.contract.canonical import to_canonical
from barbotage_models.contract.geometry import PointMm, Scale
from barbotage_models.contract.taxonomy import EntrySide
from barbotage_models.simulator.scenario.operator import Told
from barbotage_models.simulator.truth import NeedleTruth, Truth

TIP = PointMm(12.0, 8.0)


def view(**changes: object) -> BedsideView:
    """A picture with a confirmed tip, 9 mm from its target."""
    pixels = np.zeros((256, 256), dtype=np.uint8)
    needle = NeedleTrack(TrackState.TRACKING, PointMm(0.0, 3.0), TIP, 22.0, EntrySide.LEFT, 4.0, 0.9, 0, True, 0.0, 0)
    aim = Aim(
        Certainty.CONFIRMED,
        Target(1, PointMm(20.0, 12.0)),
        TIP,
        PointMm(0.0, 3.0),
        PointMm(21.0, 12.0),
        9.0,
        8.8,
        0.4,
        22.0,
        3.0,
        Turn.STEEPER,
        6.0,
        False,
        0.9,
        0,
    )
    tracks = Tracks(0, True, 38.4, 38.4, needle, (), None, None, Quality(1.0))
    base = BedsideView(
        pixels, to_canonical(pixels, Scale.isotropic(0.15)).view, tracks, aim, Prompts(None), Scale.isotropic(0.15), Language.EN
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def truth(tip: PointMm = TIP, *, visible: bool = True) -> Truth:
    needle = NeedleTruth(tip, PointMm(0.0, 3.0), 22.0, EntrySide.LEFT, visible, 1.0, np.zeros((0, 2, 2)))
    return Truth(38.4, 38.4, (), np.zeros((0, 2)), needle)


def test_the_operator_is_told_what_a_confirmed_picture_shows() -> None:
    assert told_by(view(), target_proposed=True) == Told(True, True, True, 9.0, 8.8, 3.0, False, False)


HIGH = Prompts(Prompt(PromptKind.TIP_NOT_SEEN, Priority.HIGH, 0))
LOW = Prompts(Prompt(PromptKind.LOW_QUALITY, Priority.LOW, 0))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"frame_age_ns": 300_000_000}, Told()),
        ({"source_lost": "unplugged"}, Told()),
        ({"frozen": True}, Told()),
        ({"overlay_on": False}, Told()),
        ({"aim": replace(view().aim, certainty=Certainty.SHAFT_ONLY, tip=None)}, Told(shaft_seen=True, angle_error_deg=3.0)),
        ({"prompts": HIGH}, Told(False, True, True, 9.0, 8.8, 3.0, False, True)),
        ({"prompts": LOW}, Told(False, True, True, 9.0, 8.8, 3.0, False, False)),
    ],
)
def test_what_the_screen_hides_the_operator_is_not_told(changes: dict[str, object], expected: Told) -> None:
    assert told_by(view(**changes), target_proposed=False) == expected


def test_the_tally_compares_what_was_shown_with_truth() -> None:
    tally = Tally()
    tally.add(view(), truth(PointMm(12.0, 8.5)))
    tally.add(view(prompts=HIGH), truth(PointMm(12.0, 14.0)))
    tally.add(view(prompts=HIGH, frame_age_ns=300_000_000), truth())
    tally.add(view(), truth(visible=False))
    summary = tally.summary()
    assert summary["tip_error_mm"] == {
        "frames": 3,
        "median": 0.5,
        "p95": pytest.approx(5.45),
        "worst": 6.0,
        "share_over_5_mm": 0.3333,
    }
    assert summary["tip_shown_while_visible"] == pytest.approx(2 / 3, abs=1e-4)
    assert summary["prompts_shown"] == {"tip-not-seen": 1}
    assert summary["frames_by_state"] == {"confirmed": 3, "stale": 1}


def test_nothing_shown_gives_no_error_figures_rather_than_zero() -> None:
    assert Tally().summary()["tip_error_mm"] is None
    assert Tally().summary()["tip_shown_while_visible"] is None


def _frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_the_video_plays_and_has_its_name_only_when_complete(tmp_path: Path) -> None:
    path = tmp_path / "procedure.mp4"
    with Video(path, ScreenSize(800, 480), 20.0) as video:
        for grey in range(0, 250, 10):
            video.add(np.full((480, 800, 3), grey, dtype=np.uint8))
            assert not path.exists()
    assert _frames(path) == 25
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_video_keeps_what_was_seen(tmp_path: Path) -> None:
    path = tmp_path / "procedure.mp4"

    def interrupted() -> None:
        with Video(path, ScreenSize(800, 480), 20.0) as video:
            for _ in range(7):
                video.add(np.zeros((480, 800, 3), dtype=np.uint8))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert _frames(path) == 7


def test_json_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    write_json(path, {"a": 1})
    write_json(path, {"a": 2, "é": "°"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 2, "é": "°"}
    assert list(tmp_path.iterdir()) == [path]


def test_frames_of_the_simulated_source_carry_scale_and_scene_time() -> None:
    from barbotage_device.capture.simulated import FRAME_RATE_HZ, open_simulated

    source = open_simulated("scan")
    frames: list[Frame] = []
    for frame in source.frames():
        frames.append(frame)
        if len(frames) == 3:
            break
    source.close()
    assert [f.sequence for f in frames] == [0, 1, 2]
    assert frames[2].capture_ns == pytest.approx(2e9 / FRAME_RATE_HZ)
    assert frames[0].scale == Scale.isotropic(0.1)
    assert source.last is not None
    assert source.last.truth.deposits


def test_a_live_simulated_probe_keeps_its_own_pace_and_stamps_frames_when_they_are_ready() -> None:
    from barbotage_device.capture.clock import Clock
    from barbotage_device.capture.simulated import open_simulated

    now_ns, waits = [10_000_000_000], list[float]()

    def tick() -> int:
        now_ns[0] += 5_000_000
        return now_ns[0]

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now_ns[0] += round(seconds * 1e9)

    source = open_simulated("scan", clock=Clock(tick, sleep))
    stamps = [frame.capture_ns for frame, _ in zip(source.frames(), range(4), strict=False)]
    source.close()
    assert waits == pytest.approx([0.045] * len(waits))
    assert len(waits) >= 4
    assert np.diff(stamps) == pytest.approx(np.full(3, 60_000_000), abs=6_000_000)
