"""The aim: how a needle of known geometry stands to a target of known place."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.guidance import WIDTH_MM, deposit_track, needle_track, tracks_of

from barbotage_device.guidance.aim import Certainty, Target, Turn
from barbotage_device.guidance.aiming import aim
from barbotage_device.guidance.target import is_inside, propose_target, target_of, target_point
from barbotage_device.perception.tracks import TrackState
from barbotage_models.contract.geometry import FloatArray, PointMm
from barbotage_models.contract.taxonomy import EntrySide

TIP = PointMm(10.0, 10.0)


def mirrored(point: PointMm, side: EntrySide) -> PointMm:
    return point if side is EntrySide.LEFT else PointMm(WIDTH_MM - point.x_mm, point.z_mm)


@pytest.mark.parametrize("side", list(EntrySide))
@pytest.mark.parametrize(
    ("angle_deg", "target", "distance", "advance", "miss", "error_deg", "turn"),
    [
        (45.0, PointMm(20, 20), 200**0.5, 200**0.5, 0.0, 0.0, Turn.HOLD),
        (0.0, PointMm(20, 20), 200**0.5, 10.0, 10.0, 45.0, Turn.STEEPER),
        (45.0, PointMm(20, 10), 10.0, 50**0.5, 50**0.5, -45.0, Turn.SHALLOWER),
        (0.0, PointMm(20, 10.2), 10.002, 10.0, 0.2, 1.146, Turn.HOLD),
        (0.0, PointMm(7, 10), 3.0, -3.0, 0.0, None, Turn.HOLD),
        (0.0, PointMm(11, 11), 2**0.5, 1.0, 1.0, None, Turn.HOLD),
    ],
    ids=["straight at it", "too shallow", "too steep", "within the dead band", "gone past", "too near for an angle"],
)
def test_numbers_follow_from_the_geometry(
    side: EntrySide,
    angle_deg: float,
    target: PointMm,
    distance: float,
    advance: float,
    miss: float,
    error_deg: float | None,
    turn: Turn,
) -> None:
    tracks = tracks_of(needle_track(mirrored(TIP, side), angle_deg, side))
    result = aim(tracks, Target(1, mirrored(target, side)))
    assert result.certainty is Certainty.CONFIRMED
    assert result.distance_mm == pytest.approx(distance, abs=1e-3)
    assert result.advance_mm == pytest.approx(advance, abs=1e-6)
    assert result.miss_mm == pytest.approx(miss, abs=1e-6)
    assert result.angle_error_deg == (None if error_deg is None else pytest.approx(error_deg, abs=1e-3))
    assert result.turn is turn


def test_the_dashed_line_ends_beside_the_target_or_at_the_edge_or_at_the_bone() -> None:
    tracks = tracks_of(needle_track(TIP, 0.0))
    beside = aim(tracks, Target(1, PointMm(20, 12))).predicted_end
    edge = aim(tracks, None).predicted_end
    bone = aim(replace(tracks, bone=np.array([[15.0, 0.0], [15.0, 30.0]])), Target(1, PointMm(20, 12))).predicted_end
    assert (beside, edge, bone) == (PointMm(20, 10), PointMm(WIDTH_MM, 10), PointMm(15, 10))


@pytest.mark.parametrize(
    ("bone", "clearance"),
    [
        (None, None),
        ([[0.0, 20.0], [38.0, 20.0]], 10.0),
        ([[0.0, 20.0], [15.0, 13.0], [38.0, 20.0]], 3.0),
        ([[0.0, 20.0], [12.0, 12.0], [14.0, 5.0], [38.0, 5.0]], 0.0),
        ([[22.0, 20.0], [30.0, 10.0], [38.0, 20.0]], 100 / math.hypot(8, 10)),
        ([[2.0, 10.5], [6.0, 10.5]], math.hypot(4, 0.5)),
    ],
    ids=["no bone", "level", "ridge", "crossed", "beyond the target", "behind the tip"],
)
def test_clearance_is_of_the_tip_and_its_way_to_the_target(bone: list[list[float]] | None, clearance: float | None) -> None:
    line: FloatArray | None = None if bone is None else np.array(bone)
    result = aim(replace(tracks_of(needle_track(TIP, 0.0)), bone=line), Target(1, PointMm(20, 10)))
    assert result.clearance_mm == (None if clearance is None else pytest.approx(clearance, abs=1e-6))


def test_with_the_shaft_only_a_direction_is_known_and_no_distance() -> None:
    tracks = replace(tracks_of(needle_track(None, 30.0)), bone=np.array([[0.0, 30.0], [38.0, 30.0]]))
    result = aim(tracks, Target(1, PointMm(20, 20)))
    assert result.certainty is Certainty.SHAFT_ONLY
    assert (result.tip, result.distance_mm, result.advance_mm, result.clearance_mm) == (None, None, None, None)
    assert result.angle_error_deg == pytest.approx(math.degrees(math.atan2(16, 20)) - 30.0)
    assert result.miss_mm == pytest.approx(abs(16 * math.cos(math.radians(30)) - 20 * 0.5))
    assert not result.in_target


@pytest.mark.parametrize("state", [TrackState.SEARCHING, TrackState.LOST, TrackState.STALE])
def test_nothing_is_said_of_a_needle_that_is_not_tracked(state: TrackState) -> None:
    target = Target(1, PointMm(20, 20))
    result = aim(tracks_of(replace(needle_track(TIP, 30.0), state=state, age_ns=5)), target)
    assert result.certainty is Certainty.UNKNOWN
    assert result.target is target
    assert result.age_ns == 5
    assert (result.tip, result.entry, result.predicted_end, result.angle_deg, result.miss_mm) == (None, None, None, None, None)


def test_without_a_scale_every_mm_is_absent_and_the_angle_stays() -> None:
    tracks = replace(tracks_of(needle_track(TIP, 0.0)), measurable=False, bone=np.array([[0.0, 20.0], [38.0, 20.0]]))
    result = aim(tracks, Target(1, PointMm(20, 20)))
    assert (result.distance_mm, result.advance_mm, result.miss_mm, result.clearance_mm) == (None, None, None, None)
    assert result.angle_error_deg == pytest.approx(45.0)
    assert result.turn is Turn.STEEPER
    assert result.tip == TIP


@pytest.mark.parametrize(("x_mm", "inside"), [(18.5, True), (14.0, False)])
def test_the_tip_is_in_the_target_when_it_lies_in_its_outline(x_mm: float, inside: bool) -> None:
    tracks = tracks_of(needle_track(PointMm(x_mm, 20.0), 0.0))
    assert aim(tracks, target_of(deposit_track(3, 20.0, 20.0))).in_target is inside


def test_the_most_certain_deposit_is_proposed() -> None:
    first, second = deposit_track(3, 20.0, 20.0), deposit_track(4, 30.0, 12.0)
    surer = replace(second, deposit=replace(second.deposit, confidence=0.95))
    assert propose_target(tracks_of(needle_track(TIP, 0.0), (first, surer))) == 4
    assert propose_target(tracks_of(needle_track(TIP, 0.0))) is None


def test_the_target_point_of_a_bent_deposit_lies_within_it() -> None:
    t = np.linspace(0, np.pi, 40)
    outer = np.stack([20 + 5 * np.cos(t), 20 - 5 * np.sin(t)], axis=1)
    inner = np.stack([20 + 3.5 * np.cos(t[::-1]), 20 - 3.5 * np.sin(t[::-1])], axis=1)
    crescent = np.concatenate([outer, inner])
    track = deposit_track(1, 20.0, 20.0)
    deposit = replace(track.deposit, outline=crescent, centre=PointMm(20.0, 17.5))
    assert not is_inside(crescent, deposit.centre)
    assert is_inside(crescent, target_point(deposit))


@settings(max_examples=40, deadline=None)
@given(dx=st.floats(-5, 5), dz=st.floats(-5, 5), angle=st.floats(1, 60), x=st.floats(14, 24), z=st.floats(12, 24))
def test_moving_everything_changes_no_distance(dx: float, dz: float, angle: float, x: float, z: float) -> None:
    bone = np.array([[0.0, 30.0], [20.0, 27.0], [38.0, 31.0]])
    here = replace(tracks_of(needle_track(TIP, angle)), bone=bone)
    there = replace(tracks_of(needle_track(PointMm(TIP.x_mm + dx, TIP.z_mm + dz), angle)), bone=bone + np.array([dx, dz]))
    one, other = aim(here, Target(1, PointMm(x, z))), aim(there, Target(1, PointMm(x + dx, z + dz)))
    for name in ("distance_mm", "advance_mm", "miss_mm", "clearance_mm", "angle_error_deg"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None)
        assert a is None or a == pytest.approx(b, abs=1e-6)
