"""Left and right in every combination of shoulder, marker, mirror, and side, told by an independent reckoning on a drawn line."""

from itertools import product

import pytest

from barbotage_device.guidance.aim import Turn
from barbotage_device.procedure.guidance_side import (
    Body,
    Orientation,
    PatientSide,
    ProbeEnd,
    Rotation,
    body_direction,
    enters_elsewhere,
    marker_test,
    mirrored_point,
    mirrored_side,
    patient_side,
    probe_end,
    rotation,
    side_of_end,
    side_to_go,
    side_towards,
)
from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide

L, R = EntrySide.LEFT, EntrySide.RIGHT
ACROSS = {Body.MEDIAL: Body.LATERAL, Body.ANTERIOR: Body.POSTERIOR, Body.CRANIAL: Body.CAUDAL}
OPPOSITE = ACROSS | {other: one for one, other in ACROSS.items()}
LEFT, RIGHT = PatientSide.LEFT, PatientSide.RIGHT

# marker drawn at, mirrored, side of the picture shown -> end of the probe there
ENDS = [
    (L, False, L, ProbeEnd.MARKER), (L, False, R, ProbeEnd.OTHER),
    (L, True, L, ProbeEnd.OTHER), (L, True, R, ProbeEnd.MARKER),
    (R, False, L, ProbeEnd.OTHER), (R, False, R, ProbeEnd.MARKER),
    (R, True, L, ProbeEnd.MARKER), (R, True, R, ProbeEnd.OTHER),
]  # fmt: skip

# shoulder, marker points, end of the probe -> the patient's own side there
PATIENT = [
    (LEFT, Body.LATERAL, ProbeEnd.MARKER, LEFT), (LEFT, Body.LATERAL, ProbeEnd.OTHER, RIGHT),
    (LEFT, Body.MEDIAL, ProbeEnd.MARKER, RIGHT), (LEFT, Body.MEDIAL, ProbeEnd.OTHER, LEFT),
    (RIGHT, Body.LATERAL, ProbeEnd.MARKER, RIGHT), (RIGHT, Body.LATERAL, ProbeEnd.OTHER, LEFT),
    (RIGHT, Body.MEDIAL, ProbeEnd.MARKER, LEFT), (RIGHT, Body.MEDIAL, ProbeEnd.OTHER, RIGHT),
]  # fmt: skip


@pytest.mark.parametrize(("marker_at", "mirrored", "side", "end"), ENDS)
@pytest.mark.parametrize("toward", [None, *Body])
@pytest.mark.parametrize("shoulder", [None, LEFT, RIGHT])
def test_every_combination(
    marker_at: EntrySide, mirrored: bool, side: EntrySide, end: ProbeEnd, toward: Body | None, shoulder: PatientSide | None
) -> None:
    lie = Orientation(marker_at, mirrored, toward, shoulder)
    assert probe_end(side, lie) is end
    assert side_of_end(end, lie) is side
    direction = toward if toward is None or end is ProbeEnd.MARKER else OPPOSITE[toward]
    assert body_direction(side, lie) is direction
    expected = next((p for s, t, e, p in PATIENT if (s, t, e) == (shoulder, toward, end)), None)
    assert patient_side(side, lie) is expected
    for body in Body:
        there = side_towards(body, lie)
        assert (there is side) == (body is direction)


@pytest.mark.parametrize(("entry", "mirrored", "turn"), list(product(EntrySide, (False, True), Turn)))
def test_the_words_and_the_arc_are_right_in_every_picture(entry: EntrySide, mirrored: bool, turn: Turn) -> None:
    """A needle of 30 deg swings by 10: steeper stays steeper in a mirror, the arc turns the other way round."""
    shown = mirrored_side(entry, mirrored)
    width_mm, entry_x_mm = 38.0, 0.0 if entry is L else 38.0
    angles = {Turn.STEEPER: (30.0, 40.0), Turn.SHALLOWER: (30.0, 20.0), Turn.HOLD: (30.0, 30.0)}[turn]
    sign = 1.0 if entry is L else -1.0
    tips = [mirrored_point(PointMm(entry_x_mm + sign * 10.0, 10.0 * slope(angle)), width_mm, mirrored) for angle in angles]
    start = mirrored_point(PointMm(entry_x_mm, 0.0), width_mm, mirrored)
    ax, az, bx, bz = (tips[0].x_mm - start.x_mm, tips[0].z_mm, tips[1].x_mm - start.x_mm, tips[1].z_mm)
    turned = ax * bz - az * bx  # positive: clockwise, depth being drawn downwards
    expected = Rotation.NONE if turned == 0 else Rotation.CLOCKWISE if turned > 0 else Rotation.ANTICLOCKWISE
    assert rotation(turn, shown) is expected
    assert start.x_mm == (0.0 if shown is L else width_mm)


def slope(angle_deg: float) -> float:
    return {20.0: 0.364, 30.0: 0.577, 40.0: 0.839}[angle_deg]


@pytest.mark.parametrize(("target_x_mm", "mirrored", "side"), [(25.0, False, R), (15.0, False, L), (25.0, True, L), (15.0, True, R), (20.4, False, None), (20.4, True, None)])  # fmt: skip
def test_the_way_to_the_target_is_that_of_the_picture_shown(target_x_mm: float, mirrored: bool, side: EntrySide | None) -> None:
    tip, target = (mirrored_point(PointMm(x_mm, 10.0), 38.0, mirrored) for x_mm in (20.0, target_x_mm))
    assert side_to_go(tip, target, dead_band_mm=0.5) is side


@pytest.mark.parametrize(("marker_at", "touched_at", "mirrored"), [(L, L, False), (L, R, True), (R, R, False), (R, L, True)])
def test_the_finger_test_finds_a_mirrored_picture(marker_at: EntrySide, touched_at: EntrySide, mirrored: bool) -> None:
    for wrong in (False, True):
        lie = marker_test(touched_at, Orientation(marker_at, wrong, Body.LATERAL, LEFT))
        assert lie.mirrored is mirrored
        assert probe_end(touched_at, lie) is ProbeEnd.MARKER
        assert (lie.marker_toward, lie.shoulder) == (Body.LATERAL, LEFT)


@pytest.mark.parametrize(
    ("planned", "seen", "elsewhere"), [(L, L, False), (L, R, True), (R, L, True), (R, R, False), (L, None, False)]
)
def test_a_needle_from_the_other_side_than_planned_is_found(planned: EntrySide, seen: EntrySide | None, elsewhere: bool) -> None:
    assert enters_elsewhere(planned, seen) is elsewhere
