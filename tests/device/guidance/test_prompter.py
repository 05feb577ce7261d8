"""Prompts: what raises them, what holds them back, what takes them down."""

from dataclasses import fields, replace

import numpy as np
import pytest
from tests.support.guidance import deposit_track, needle_track, tracks_of

from barbotage_device.errors import ConfigError
from barbotage_device.guidance.aiming import aim
from barbotage_device.guidance.prompt import Priority, PromptKind, Prompts
from barbotage_device.guidance.prompter import Prompter, PrompterSettings
from barbotage_device.guidance.target import target_of
from barbotage_device.perception.scene import Quality
from barbotage_device.perception.tracks import Tracks, TrackState
from barbotage_models.contract.geometry import PointMm

MS = 1_000_000
TIP = PointMm(10.0, 10.0)
GOOD = tracks_of(needle_track(TIP, 20.0), (deposit_track(1, 25.0, 16.0),))
UNSEEN_MOVING = replace(GOOD, needle=replace(needle_track(None, 20.0), shaft_moving=True, unseen_ns=600 * MS))
STEEP = replace(GOOD, needle=needle_track(TIP, 40.0))
BAD_PICTURE = replace(GOOD, quality=Quality(0.2, "too-dark"))
NEAR_BONE = replace(GOOD, bone=np.array([[5.0, 11.5], [15.0, 11.5]]))


class Run:
    """Feeds a prompter a frame every 40 ms; the target is deposit 1."""

    def __init__(self) -> None:
        self.prompter = Prompter()
        self.ms = 0

    def frame(self, tracks: Tracks, needle_in: bool | None = None, step_ms: int = 40, probe_moved: bool | None = None) -> Prompts:
        self.ms += step_ms
        tracks = replace(tracks, capture_ns=self.ms * MS)
        target = next((target_of(one) for one in tracks.deposits if one.identity == 1), None)
        return self.prompter.update(tracks, aim(tracks, target), self.ms * MS, needle_in, probe_moved)

    def frames(self, tracks: Tracks, count: int) -> Prompts:
        return [self.frame(tracks) for _ in range(count)][-1]


@pytest.fixture
def run() -> Run:
    return Run()


def kind(prompts: Prompts) -> PromptKind | None:
    return None if prompts.shown is None else prompts.shown.kind


def test_a_good_picture_of_a_needle_on_its_way_raises_nothing(run: Run) -> None:
    assert run.frames(GOOD, 50) == Prompts(None)


def unseen(moving: bool, unseen_ms: int, travel_mm: float) -> Tracks:
    needle = replace(needle_track(None, 20.0), shaft_moving=moving, unseen_ns=unseen_ms * MS, travel_unseen_mm=travel_mm)
    return replace(GOOD, needle=needle)


PAST = tracks_of(needle_track(PointMm(30.0, 16.0), 0.0), (deposit_track(1, 25.0, 16.0),))


@pytest.mark.parametrize(
    ("tracks", "expected", "priority"),
    [
        (unseen(True, 500, 0.0), PromptKind.TIP_NOT_SEEN, Priority.HIGH),
        (unseen(True, 400, 0.0), None, None),
        (unseen(False, 5000, 0.0), None, None),
        (unseen(False, 200, 2.0), PromptKind.TIP_NOT_SEEN, Priority.HIGH),
        (unseen(False, 200, -3.0), None, None),
        (replace(unseen(False, 200, 2.0), measurable=False), None, None),
        (STEEP, PromptKind.STEEP_ANGLE, Priority.LOW),
        (replace(GOOD, needle=needle_track(TIP, 35.0)), None, None),
        (replace(GOOD, needle=needle_track(TIP, 46.0)), PromptKind.STEEP_ANGLE, Priority.MEDIUM),
        (BAD_PICTURE, PromptKind.LOW_QUALITY, Priority.LOW),
        (NEAR_BONE, PromptKind.NEAR_BONE, Priority.MEDIUM),
        (replace(NEAR_BONE, measurable=False), None, None),
        (replace(GOOD, bone=np.array([[5.0, 12.5], [15.0, 12.5]])), None, None),
        (PAST, PromptKind.PAST_TARGET, Priority.MEDIUM),
        (replace(PAST, needle=needle_track(PointMm(27.0, 16.0), 0.0)), None, None),
    ],
)
def test_each_condition_has_its_threshold_and_priority(
    run: Run, tracks: Tracks, expected: PromptKind | None, priority: Priority | None
) -> None:
    shown = run.frames(tracks, 6).shown
    assert (None if shown is None else (shown.kind, shown.priority)) == (None if expected is None else (expected, priority))


@pytest.mark.parametrize(
    ("shift_mm", "needle_state", "expected"),
    [
        (0.4, TrackState.TRACKING, PromptKind.PROBE_MOVED),
        (0.4, TrackState.LOST, PromptKind.PROBE_MOVED),
        (0.4, TrackState.SEARCHING, None),
        (0.02, TrackState.TRACKING, None),
    ],
)
def test_a_probe_that_moves_while_the_needle_is_in(
    run: Run, shift_mm: float, needle_state: TrackState, expected: PromptKind | None
) -> None:
    tracks = replace(GOOD, image_shift_mm=PointMm(shift_mm, 0.0), needle=replace(GOOD.needle, state=needle_state))
    assert kind(run.frames(tracks, 15)) is expected


def test_a_trembling_probe_has_not_moved(run: Run) -> None:
    for i in range(60):
        prompts = run.frame(replace(GOOD, image_shift_mm=PointMm(0.5 if i % 2 else -0.5, 0.0)))
        assert prompts.shown is None


def test_who_knows_that_the_needle_is_in_may_say_so(run: Run) -> None:
    moved = replace(GOOD, image_shift_mm=PointMm(0.4, 0.0), needle=replace(GOOD.needle, state=TrackState.SEARCHING))
    assert kind([run.frame(moved, needle_in=True) for _ in range(15)][-1]) is PromptKind.PROBE_MOVED


def test_a_prompt_needs_five_frames_to_rise_and_five_to_fall(run: Run) -> None:
    assert [kind(run.frame(STEEP)) for _ in range(5)] == [None] * 4 + [PromptKind.STEEP_ANGLE]
    assert [kind(run.frame(GOOD)) for _ in range(5)] == [PromptKind.STEEP_ANGLE] * 4 + [None]


def test_a_condition_that_flickers_raises_nothing(run: Run) -> None:
    assert all(run.frame(STEEP if i % 3 else GOOD).shown is None for i in range(60))


def test_the_same_frame_twice_counts_once(run: Run) -> None:
    run.frames(STEEP, 4)
    tracks = replace(STEEP, capture_ns=run.ms * MS)
    for _ in range(5):
        assert run.prompter.update(tracks, aim(tracks, None), run.ms * MS + MS).shown is None


def test_a_prompt_is_not_repeated_within_five_seconds_but_kept_for_the_record(run: Run) -> None:
    first = run.frames(STEEP, 5).shown
    assert first is not None
    run.frames(GOOD, 5)
    again = run.frames(STEEP, 5)
    assert again.shown is None
    assert [p.kind for p in again.suppressed] == [PromptKind.STEEP_ANGLE]
    while run.ms * MS - first.since_ns < 5_000 * MS - 40 * MS:
        assert run.frame(STEEP).shown is None
    assert kind(run.frame(STEEP)) is PromptKind.STEEP_ANGLE


def test_a_high_prompt_comes_back_at_once_as_the_same_notification(run: Run) -> None:
    first = run.frames(UNSEEN_MOVING, 5).shown
    run.frames(GOOD, 5)
    assert first is not None
    assert run.frames(UNSEEN_MOVING, 5).shown == first


def test_the_most_important_prompt_is_shown_alone_and_the_other_comes_back_after_it(run: Run) -> None:
    assert kind(run.frames(BAD_PICTURE, 6)) is PromptKind.LOW_QUALITY
    both = run.frames(replace(UNSEEN_MOVING, quality=BAD_PICTURE.quality), 6)
    assert kind(both) is PromptKind.TIP_NOT_SEEN
    assert [p.kind for p in both.suppressed] == [PromptKind.LOW_QUALITY]
    assert kind(run.frames(BAD_PICTURE, 6)) is PromptKind.LOW_QUALITY


def test_stale_is_said_at_once_alone_and_goes_with_the_next_frame(run: Run) -> None:
    run.frames(STEEP, 6)
    tracks = replace(STEEP, capture_ns=run.ms * MS)
    assert kind(run.prompter.update(tracks, aim(tracks, None), (run.ms + 200) * MS)) is PromptKind.STEEP_ANGLE
    late = run.prompter.update(tracks, aim(tracks, None), (run.ms + 201) * MS)
    assert late.shown is not None
    assert (late.shown.kind, late.shown.priority, late.shown.since_ns) == (PromptKind.STALE, Priority.HIGH, (run.ms + 201) * MS)
    assert late.suppressed == ()
    assert kind(run.frame(STEEP, step_ms=300)) is PromptKind.STEEP_ANGLE


def test_settings_carry_unit_bounds_and_help_and_are_checked() -> None:
    for item in fields(PrompterSettings):
        assert set(item.metadata) == {"unit", "min", "max", "help"}
        assert item.metadata["min"] <= item.default <= item.metadata["max"]
    with pytest.raises(ConfigError, match="near_bone_mm"):
        PrompterSettings(near_bone_mm=-1.0)


def test_a_turn_that_the_tilt_sensor_feels_is_a_moved_probe_though_the_picture_stands(run: Run) -> None:
    said = [kind(run.frame(GOOD, probe_moved=True)) for _ in range(6)]
    assert said == [None] * 4 + [PromptKind.PROBE_MOVED] * 2
    assert [kind(run.frame(GOOD, probe_moved=False)) for _ in range(6)][-1] is None


def test_without_a_needle_the_probe_may_be_turned(run: Run) -> None:
    assert all(kind(run.frame(GOOD, needle_in=False, probe_moved=True)) is None for _ in range(10))
