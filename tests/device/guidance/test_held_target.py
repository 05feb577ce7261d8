"""The accepted deposit under the needle: the point stays where it was, moves with the tissue, and goes when nothing supports it."""

from dataclasses import replace

import pytest
from tests.support.guidance import deposit_track, needle_track, tracks_of

from barbotage_device.guidance.held_target import CLEAR_S, FOUND_AGAIN_S, UNSEEN_S, HeldTarget, may_cover
from barbotage_device.guidance.target import target_of
from barbotage_device.perception.tracks import DepositTrack, NeedleTrack, Tracks, TrackState
from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide

STEP_NS = 40_000_000
WHOLE = deposit_track(1, 20.0, 20.0)
NONE = replace(needle_track(None, 0.0), state=TrackState.SEARCHING, entry=None, angle_deg=None, side=None)
AWAY = needle_track(PointMm(5.0, 5.0), 10.0)
IN = needle_track(PointMm(19.0, 20.0), 0.0)
STILL = PointMm(0.0, 0.0)


def part(identity: int, from_x_mm: float) -> DepositTrack:
    """What is seen of the deposit when the needle hides all to the left of a place."""
    outline = WHOLE.deposit.outline[WHOLE.deposit.outline[:, 0] >= from_x_mm]
    centre = PointMm(*outline.mean(axis=0).tolist())
    return DepositTrack(identity, replace(WHOLE.deposit, outline=outline, centre=centre), 0)


class Run:
    """Frames of 40 ms, and the target after each."""

    def __init__(self) -> None:
        self.held = HeldTarget()
        self.now_ns = 0

    def frame(self, needle: NeedleTrack, *deposits: DepositTrack, shift: PointMm | None = STILL) -> PointMm | None:
        self.now_ns += STEP_NS
        tracks: Tracks = replace(tracks_of(needle, deposits, self.now_ns), image_shift_mm=shift)
        target = self.held.update(tracks)
        return None if target is None else target.point

    def lasting(self, seconds: float, needle: NeedleTrack, *deposits: DepositTrack) -> PointMm | None:
        return [self.frame(needle, *deposits) for _ in range(int(seconds * 1e9 / STEP_NS) + 2)][-1]


@pytest.fixture
def run() -> Run:
    """The whole deposit is accepted."""
    new = Run()
    new.held.accept(WHOLE)
    return new


def test_without_a_needle_the_target_is_what_is_seen(run: Run) -> None:
    assert run.frame(NONE, WHOLE) == PointMm(20.0, 20.0)
    assert run.frame(NONE, deposit_track(1, 21.5, 19.0)) == PointMm(21.5, 19.0)


def test_under_the_needle_the_point_does_not_recede(run: Run) -> None:
    run.frame(IN, WHOLE)
    assert run.lasting(5.0, IN, part(1, 21.0)) == PointMm(20.0, 20.0)


def test_it_moves_with_the_tissue(run: Run) -> None:
    run.frame(IN, WHOLE)
    moved = run.frame(IN, part(1, 21.0), shift=PointMm(0.4, -0.2))
    assert moved is not None
    assert (moved.x_mm, moved.z_mm) == pytest.approx((20.4, 19.8), abs=0.1)


def test_it_comes_back_when_what_is_seen_lies_beside_it(run: Run) -> None:
    run.frame(IN, WHOLE)
    point = run.lasting(2.0, IN, deposit_track(1, 22.0, 20.0))
    assert point is not None
    assert point.x_mm == pytest.approx(22.0, abs=0.05)


def test_a_piece_with_another_identity_in_its_place_is_the_target_and_one_beside_it_is_not(run: Run) -> None:
    run.frame(IN, WHOLE)
    assert run.frame(IN, part(7, 21.0)) == PointMm(20.0, 20.0)
    assert run.held.update(replace(tracks_of(IN, (part(7, 21.0),), run.now_ns), image_shift_mm=STILL)) == target_of(
        replace(WHOLE, identity=7)
    )
    assert run.lasting(UNSEEN_S, IN, deposit_track(9, 30.0, 20.0)) is None


def test_wholly_covered_it_is_held_for_a_while(run: Run) -> None:
    run.frame(IN, WHOLE)
    assert run.lasting(UNSEEN_S - 0.5, IN) == PointMm(20.0, 20.0)
    assert run.lasting(1.0, IN) is None
    assert run.frame(IN, part(8, 21.0)) == PointMm(20.0, 20.0)


def test_unseen_for_long_it_is_forgotten(run: Run) -> None:
    run.frame(IN, WHOLE)
    run.lasting(FOUND_AGAIN_S, IN)
    assert run.frame(IN, WHOLE) is None


def test_without_a_needle_a_deposit_that_is_not_seen_is_no_target(run: Run) -> None:
    run.frame(NONE, WHOLE)
    assert run.frame(NONE) is None
    assert run.frame(NONE, replace(WHOLE, identity=2)) == PointMm(20.0, 20.0)


def test_where_neither_deposit_nor_tissue_is_followed_it_is_forgotten(run: Run) -> None:
    run.frame(IN, WHOLE)
    assert run.frame(IN, shift=None) is None
    assert run.frame(IN, WHOLE) is None


def test_after_the_needle_was_away_for_a_while_the_picture_decides_again(run: Run) -> None:
    run.frame(IN, WHOLE)
    rest = part(1, 21.0)
    assert run.frame(AWAY, rest) == PointMm(20.0, 20.0)
    after = run.lasting(CLEAR_S, AWAY, rest)
    assert after is not None
    assert after.x_mm > 21.0


def test_a_lost_needle_may_still_be_there(run: Run) -> None:
    run.frame(IN, WHOLE)
    lost = replace(NONE, state=TrackState.LOST)
    assert run.lasting(CLEAR_S * 2, lost, part(1, 21.0)) == PointMm(20.0, 20.0)


def test_a_deposit_accepted_late_and_gone_in_the_next_frame_is_found_again() -> None:
    late = Run()
    late.now_ns = int(FOUND_AGAIN_S * 2e9)
    late.held.accept(WHOLE)
    assert late.frame(NONE) is None
    assert late.frame(NONE, replace(WHOLE, identity=2)) == PointMm(20.0, 20.0)


def test_stale_nothing_is_told_and_nothing_changes(run: Run) -> None:
    run.frame(IN, WHOLE)
    assert run.frame(replace(NONE, state=TrackState.STALE), shift=None) is None
    assert run.frame(IN, part(1, 21.0)) == PointMm(20.0, 20.0)


def test_released_and_accepted_again(run: Run) -> None:
    run.frame(IN, WHOLE)
    run.held.release()
    assert run.frame(IN, WHOLE) is None
    run.held.accept(part(1, 21.0))
    again = run.frame(IN, part(1, 21.0))
    assert again is not None
    assert again.x_mm > 21.0


@pytest.mark.parametrize(
    ("needle", "covers"),
    [
        (needle_track(PointMm(14.0, 20.0), 0.0), False),
        (needle_track(PointMm(15.5, 20.0), 0.0), True),
        (needle_track(PointMm(30.0, 20.0), 0.0), True),
        (needle_track(PointMm(30.0, 26.0), 0.0), False),
        (needle_track(PointMm(22.5, 20.0), 0.0, EntrySide.RIGHT), True),
        (needle_track(None, 38.0), True),
        (needle_track(None, 0.0), False),
        (NONE, False),
    ],
)
def test_a_needle_covers_what_it_reaches_or_without_a_tip_what_it_points_at(needle: NeedleTrack, covers: bool) -> None:
    assert may_cover(needle, WHOLE.deposit.outline) is covers
