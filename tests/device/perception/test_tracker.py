"""The life of tracks: what appears when, what is kept how long, what resets."""

import math
from collections import deque
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from tests.support.drawing import ellipse, speckle
from tests.support.shafts import shaft_picture

from barbotage_device.errors import ConfigError
from barbotage_device.perception.scene import Deposit, NeedleLine, Quality, Scene, TipSighting
from barbotage_device.perception.tracker import Tracker, TrackerSettings
from barbotage_device.perception.tracks import Tracks, TrackState
from barbotage_models.contract.canonical import CanonicalFrame, to_canonical
from barbotage_models.contract.geometry import PointMm, Scale
from barbotage_models.contract.taxonomy import EntrySide, ShadowType

MS = 1_000_000
FRAME_MS = 40
CANONICAL = to_canonical(speckle((256, 256)), Scale.isotropic(0.15))
ANGLE_DEG = 30.0


def on_axis(along_mm: float, angle_deg: float = ANGLE_DEG, side: EntrySide = EntrySide.LEFT, z_mm: float = 4.0) -> PointMm:
    x = along_mm * math.cos(math.radians(angle_deg))
    return PointMm(x if side is EntrySide.LEFT else 38.4 - x, z_mm + along_mm * math.sin(math.radians(angle_deg)))


def needle(
    along_mm: float = 20.0, angle_deg: float = ANGLE_DEG, side: EntrySide = EntrySide.LEFT, z_mm: float = 4.0
) -> NeedleLine:
    entry, end = on_axis(0, angle_deg, side, z_mm), on_axis(along_mm, angle_deg, side, z_mm)
    return NeedleLine(entry, end, angle_deg, side, along_mm, 0.8)


def tip(along_mm: float = 20.0, side: EntrySide = EntrySide.LEFT) -> TipSighting:
    return TipSighting(on_axis(along_mm, ANGLE_DEG, side), 0.9)


def deposit(x_mm: float = 22.0, z_mm: float = 16.0, a_mm: float = 3.0) -> Deposit:
    outline = ellipse(x_mm, z_mm, a_mm, 2.0)
    return Deposit(outline, PointMm(x_mm, z_mm), 2 * a_mm, 4.0, math.pi * 2 * a_mm, z_mm - 2, ShadowType.NONE, 0.9)


class Run:
    """Feeds a tracker a scene every 40 ms."""

    def __init__(self) -> None:
        self.tracker = Tracker()
        self.ms = 0
        self.canonical: CanonicalFrame = CANONICAL

    def frame(
        self,
        line: NeedleLine | None = None,
        point: TipSighting | None = None,
        deposits: tuple[Deposit, ...] = (),
        step_ms: int = FRAME_MS,
    ) -> Tracks:
        self.ms += step_ms
        scene = Scene(self.ms * MS, True, 38.4, 38.4, deposits, None, line, point, Quality(1.0))
        return self.tracker.update(scene, self.canonical)


def last(frames: Iterable[Tracks]) -> Tracks:
    return deque(frames, maxlen=1)[0]


@pytest.fixture
def run() -> Run:
    return Run()


SEEN = (needle(), tip())
SHAFT = (needle(), None)
NONE = (None, None)


@pytest.mark.parametrize(
    ("frames", "state", "has_tip"),
    [
        ([], TrackState.SEARCHING, False),
        ([SEEN] * 2, TrackState.SEARCHING, False),
        ([SEEN] * 3, TrackState.TRACKING, True),
        ([SEEN, NONE, SEEN, NONE, SEEN], TrackState.TRACKING, True),
        ([SEEN, NONE, NONE, NONE, SEEN, SEEN], TrackState.SEARCHING, False),
        ([SHAFT] * 3, TrackState.TRACKING, False),
        ([SHAFT] * 3 + [SEEN] * 2, TrackState.TRACKING, False),
        ([SHAFT] * 3 + [SEEN] * 3, TrackState.TRACKING, True),
        ([SEEN] * 3 + [NONE] * 5, TrackState.TRACKING, True),
        ([SEEN] * 3 + [NONE] * 6, TrackState.LOST, False),
        ([SEEN] * 3 + [SHAFT] * 5, TrackState.TRACKING, True),
        ([SEEN] * 3 + [SHAFT] * 6, TrackState.TRACKING, False),
        ([SEEN] * 3 + [NONE] * 6 + [SEEN] * 2, TrackState.LOST, False),
        ([SEEN] * 3 + [NONE] * 6 + [SEEN] * 3, TrackState.TRACKING, True),
        ([SEEN] * 3 + [NONE] * 140, TrackState.SEARCHING, False),
    ],
)
def test_needle_life_cycle(
    run: Run, frames: list[tuple[NeedleLine | None, TipSighting | None]], state: TrackState, has_tip: bool
) -> None:
    tracks = run.frame()
    for line, point in frames:
        tracks = run.frame(line, point)
    assert tracks.needle.state is state
    assert (tracks.needle.tip is not None) is has_tip
    assert (tracks.needle.entry is not None) is (state is TrackState.TRACKING)


@pytest.mark.parametrize("side", list(EntrySide))
def test_a_steady_needle_is_reported_as_seen(run: Run, side: EntrySide) -> None:
    tracks = last(run.frame(needle(side=side), tip(side=side)) for _ in range(6))
    track = tracks.needle
    assert track.side is side
    assert track.angle_deg == pytest.approx(30.0, abs=0.01)
    assert track.tip is not None
    assert track.tip.distance_mm(on_axis(20.0, side=side)) < 0.01
    assert track.entry is not None
    assert track.entry.distance_mm(on_axis(0.0, side=side)) < 0.01
    assert (track.age_ns, track.unseen_ns, track.travel_unseen_mm, track.shaft_moving) == (0, 0, 0.0, False)
    assert track.confidence == 0.9


def test_an_advancing_tip_has_its_speed_and_stays_where_it_was_seen_while_it_is_hidden(run: Run) -> None:
    tracks = last(run.frame(needle(10 + 0.4 * i), tip(10 + 0.4 * i)) for i in range(15))
    assert tracks.needle.tip_speed_mm_s == pytest.approx(10.0, abs=1.0)
    tracks = last(run.frame() for _ in range(2))
    assert tracks.needle.tip is not None
    assert tracks.needle.tip.distance_mm(on_axis(15.6)) < 0.5
    assert tracks.needle.age_ns == 2 * FRAME_MS * MS


def test_noise_of_the_tip_is_reduced(run: Run) -> None:
    noise = np.random.default_rng(1).normal(0, 0.6, 60)
    errors = []
    for value in noise:
        tracks = run.frame(needle(), tip(20 + float(value)))
        if tracks.needle.tip is not None:
            errors.append(tracks.needle.tip.distance_mm(on_axis(20.0)))
    assert np.mean(errors[10:]) < 0.8 * np.mean(np.abs(noise))


def test_a_tip_that_jumps_is_refused_until_it_persists(run: Run) -> None:
    for _ in range(8):
        run.frame(*SEEN)
    tracks = run.frame(needle(), tip(10.0))
    assert tracks.needle.tip is not None
    assert tracks.needle.tip.distance_mm(on_axis(20.0)) < 0.2
    tracks = last(run.frame(needle(10.0), tip(10.0)) for _ in range(5))
    assert tracks.needle.tip is not None
    assert tracks.needle.tip.distance_mm(on_axis(10.0)) < 0.3


def test_another_line_is_refused_once_and_followed_when_it_persists(run: Run) -> None:
    for _ in range(5):
        run.frame(needle())
    other = needle(angle_deg=50.0)
    assert run.frame(other).needle.angle_deg == pytest.approx(30.0, abs=0.01)
    tracks = last(run.frame(other) for _ in range(6))
    assert tracks.needle.angle_deg == pytest.approx(50.0, abs=0.01)


def test_a_slowly_turning_needle_is_followed(run: Run) -> None:
    tracks = last(run.frame(needle(angle_deg=20 + 0.5 * i)) for i in range(20))
    assert tracks.needle.angle_deg == pytest.approx(29.5, abs=2.0)


@pytest.mark.parametrize(
    ("slid_mm", "grown_mm", "turn_deg", "texture", "moving", "travel_mm"),
    [
        (0.0, 0.0, 0.0, True, False, 0.0),
        (0.2, 0.0, 0.0, True, True, 4.0),
        (0.2, -0.2, 0.0, True, True, 4.0),
        (0.0, 0.4, 0.0, True, False, 0.0),
        (-0.2, 0.0, 0.0, True, False, 0.0),
        (0.0, 0.0, 0.8, True, True, 0.0),
        (0.4, 0.4, 0.0, False, True, 6.5),
        (0.0, 0.0, 0.0, False, False, 0.0),
    ],
    ids=[
        "still",
        "in",
        "in-and-leaving-the-beam",
        "probe-tilts",
        "out",
        "turning",
        "in-without-texture",
        "still-without-texture",
    ],
)
def test_movement_of_a_shaft_whose_tip_is_not_seen(
    run: Run, slid_mm: float, grown_mm: float, turn_deg: float, texture: bool, moving: bool, travel_mm: float
) -> None:
    run.canonical = shaft_picture(0.0, ANGLE_DEG, texture)
    tracks = last(run.frame(*SEEN) for _ in range(12))
    for i in range(1, 21):
        angle_deg = ANGLE_DEG + turn_deg * i
        run.canonical = shaft_picture(slid_mm * i, angle_deg, texture)
        tracks = run.frame(needle(20 + grown_mm * i, angle_deg=angle_deg))
    assert tracks.needle.tip is None
    assert tracks.needle.shaft_moving is moving
    assert tracks.needle.unseen_ns == 20 * FRAME_MS * MS
    assert tracks.needle.travel_unseen_mm == pytest.approx(travel_mm, abs=1.5 if travel_mm else 0.5)


def test_a_shaft_that_jitters_by_a_cell_does_not_move(run: Run) -> None:
    jitter = np.random.default_rng(3).uniform(-0.3, 0.3, 60)
    moving = [run.frame(needle(20 + float(j))).needle.shaft_moving for j in jitter]
    assert not any(moving)


@pytest.mark.parametrize(
    ("seen", "shown"),
    [("110", False), ("111", True), ("10101", True), ("100011", False), ("111" + "0" * 12, True), ("111" + "0" * 13, False)],
)
def test_deposit_life_cycle(run: Run, seen: str, shown: bool) -> None:
    tracks = last(run.frame(deposits=(deposit(),) if flag == "1" else ()) for flag in seen)
    assert bool(tracks.deposits) is shown


def test_identities_are_kept_while_deposits_move_and_are_never_used_again(run: Run) -> None:
    tracks = last(
        run.frame(deposits=(deposit(25 - 0.3 * i), deposit(8 + 0.3 * i, 20.0))[:: 1 if i % 2 else -1]) for i in range(20)
    )
    assert [(t.identity, t.deposit.centre.z_mm) for t in tracks.deposits] == [(1, 20.0), (2, 16.0)]
    for _ in range(15):
        run.frame()
    tracks = last(run.frame(deposits=(deposit(),)) for _ in range(3))
    assert [t.identity for t in tracks.deposits] == [3]


def test_a_deposits_outline_is_one_that_was_seen_and_not_the_odd_one_out(run: Run) -> None:
    usual = [deposit(22 + 0.1 * i) for i in range(4)]
    for one in usual:
        run.frame(deposits=(one,))
    odd = deposit(22.5, a_mm=6.0)
    assert run.frame(deposits=(odd,)).deposits[0].deposit is usual[-1]
    after = deposit(22.6)
    assert run.frame(deposits=(after,)).deposits[0].deposit is after


@pytest.mark.parametrize("step_ms", [-200, 1500])
def test_time_that_runs_back_or_leaps_starts_afresh(run: Run, step_ms: int) -> None:
    for _ in range(6):
        run.frame(*SEEN, (deposit(),))
    tracks = run.frame(*SEEN, (deposit(),), step_ms=step_ms)
    assert tracks.needle.state is TrackState.SEARCHING
    assert tracks.deposits == ()
    tracks = last(run.frame(*SEEN, (deposit(),)) for _ in range(3))
    assert tracks.needle.state is TrackState.TRACKING
    assert [t.identity for t in tracks.deposits] == [2]


def test_the_same_frame_again_changes_nothing(run: Run) -> None:
    first = run.frame(*SEEN)
    assert all(run.frame(*SEEN, step_ms=0) is first for _ in range(5))


def test_without_frames_everything_goes_stale(run: Run) -> None:
    assert run.tracker.stale(10**12) is None
    for _ in range(4):
        run.frame(*SEEN, (deposit(),))
    assert run.tracker.stale((run.ms + 200) * MS) is None
    stale = run.tracker.stale((run.ms + 201) * MS)
    assert stale is not None
    assert stale.needle.state is TrackState.STALE
    assert (stale.needle.tip, stale.needle.entry, stale.needle.angle_deg, stale.bone) == (None, None, None, None)
    assert stale.deposits == ()
    assert stale.needle.age_ns == 201 * MS


def shifted(dx_px: int, dz_px: int) -> CanonicalFrame:
    big = speckle((400, 400), seed=5)
    return to_canonical(np.ascontiguousarray(big[60 - dz_px : 316 - dz_px, 60 - dx_px : 316 - dx_px]), Scale.isotropic(0.15))


@pytest.mark.parametrize(("dx_px", "dz_px"), [(0, 0), (8, 0), (0, -8), (-12, 6), (3, 2)])
def test_movement_of_the_tissue_is_measured(run: Run, dx_px: int, dz_px: int) -> None:
    run.canonical = shifted(0, 0)
    assert run.frame().image_shift_mm is None
    run.canonical = shifted(dx_px, dz_px)
    shift = run.frame().image_shift_mm
    assert shift is not None
    assert shift.x_mm == pytest.approx(dx_px * 0.15, abs=0.15)
    assert shift.z_mm == pytest.approx(dz_px * 0.15, abs=0.15)


OTHER: list[Callable[[], CanonicalFrame]] = [
    lambda: to_canonical(speckle((256, 256), seed=99), Scale.isotropic(0.15)),
    lambda: to_canonical(np.zeros((256, 256), np.uint8), Scale.isotropic(0.15)),
]


@pytest.mark.parametrize("other", OTHER, ids=["another picture", "black"])
def test_no_movement_is_given_where_pictures_do_not_match(run: Run, other: Callable[[], CanonicalFrame]) -> None:
    run.frame()
    run.canonical = other()
    assert run.frame().image_shift_mm is None


@pytest.mark.parametrize(
    ("values", "named"),
    [({"coast_s": -1.0}, "coast_s"), ({"moving_mm_s": float("nan")}, "moving_mm_s"), ({"confirm_frames": 9}, "confirm_frames")],
)
def test_settings_out_of_bounds_are_refused_by_name(values: dict[str, float], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        TrackerSettings(**values)  # type: ignore[arg-type]
