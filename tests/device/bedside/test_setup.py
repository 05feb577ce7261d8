"""Setting up region and scale at the screen."""

from dataclasses import replace

import pytest

from barbotage_device.bedside.keypad import Typed
from barbotage_device.bedside.procedure_signs import BACKSPACE
from barbotage_device.bedside.setup import (
    Box,
    RegionSetup,
    ScaleSetup,
    Wish,
    begin_region,
    begin_scale,
    drag_corner,
    drag_tick,
    let_go,
    step_region,
    step_scale,
    take_corner,
    take_tick,
)
from barbotage_models.contract.canonical import MIN_REGION_PX
from barbotage_models.contract.geometry import PointPx

REGION = RegionSetup(640, 480, Box(100, 50, 500, 400))
SCALE = ScaleSetup(480, 100.0, 300.0)


def test_a_set_up_begins_with_what_was_proposed_or_with_a_margin_and_never_with_a_distance() -> None:
    assert begin_region(640, 480, Box(1, 2, 300, 400)) == RegionSetup(640, 480, Box(1, 2, 300, 400), proposed=True)
    assert begin_region(640, 480, None).box == Box(64, 48, 576, 432)
    assert begin_scale(480, (90.0, 380.0)) == ScaleSetup(480, 90.0, 380.0, proposed=True)
    assert begin_scale(480, None).mm_per_px is None


@pytest.mark.parametrize(
    ("finger", "to", "box"),
    [
        ((90, 60), (100, 75), Box(110, 65, 500, 400)),
        ((480, 420), (500, 400), Box(100, 50, 520, 380)),
        ((110, 60), (-900, -900), Box(0, 0, 500, 400)),
        ((490, 390), (9000, 9000), Box(100, 50, 640, 480)),
        ((100, 50), (600, 470), Box(500 - MIN_REGION_PX, 400 - MIN_REGION_PX, 500, 400)),
        ((499, 399), (0, 0), Box(100, 50, 100 + MIN_REGION_PX, 50 + MIN_REGION_PX)),
    ],
)
def test_a_finger_drags_the_nearer_corner_inside_the_picture(
    finger: tuple[float, float], to: tuple[float, float], box: Box
) -> None:
    held = take_corner(replace(REGION, proposed=True), PointPx(*finger))
    moved = let_go(drag_corner(held, PointPx(*to)))
    assert moved.box == box
    assert not moved.proposed
    assert drag_corner(moved, PointPx(0, 0)) == moved, "nothing is held any more"


@pytest.mark.parametrize(
    ("wishes", "box"),
    [
        ((Wish.LEFT, Wish.UP), Box(99, 49, 500, 400)),
        ((Wish.OTHER, Wish.RIGHT, Wish.DOWN), Box(100, 50, 501, 401)),
        ((Wish.OTHER, Wish.OTHER, Wish.DOWN), Box(100, 51, 500, 400)),
        ((Wish.DONE, Wish.CANCEL, "7", "pause"), Box(100, 50, 500, 400)),
    ],
)
def test_arrows_move_the_chosen_corner_by_one_pixel(wishes: tuple[str, ...], box: Box) -> None:
    state = REGION
    for wish in wishes:
        state = step_region(state, wish)
    assert state.box == box


def test_a_finger_drags_the_nearer_tick() -> None:
    moved = let_go(drag_tick(take_tick(SCALE, PointPx(5, 280)), PointPx(900, 310)))
    assert (moved.first_row_px, moved.second_row_px) == (100.0, 330.0)
    assert let_go(drag_tick(take_tick(SCALE, PointPx(5, 120)), PointPx(5, -400))).first_row_px == 0.0
    assert drag_tick(SCALE, PointPx(5, 5)) == SCALE


@pytest.mark.parametrize(
    ("signs", "mm_per_px"),
    [
        (("2", "0"), 0.1),
        (("2", ",", "5"), 0.0125),
        (("2", "0", Wish.DOWN, Wish.OTHER, Wish.DOWN, Wish.DOWN), 20 / 201),
        (("2", "0", "0", BACKSPACE), 0.1),
        ((), None),
        (("-", "2", "0"), None),
        (("0",), None),
        (("9", "0", "0"), None),
    ],
)
def test_the_scale_is_the_distance_typed_over_the_distance_of_the_ticks(signs: tuple[str, ...], mm_per_px: float | None) -> None:
    state = SCALE
    for sign in signs:
        state = step_scale(state, sign)
    assert state.mm_per_px == (None if mm_per_px is None else pytest.approx(mm_per_px))


def test_ticks_too_near_to_each_other_give_no_scale() -> None:
    assert replace(SCALE, second_row_px=119.0, typed=Typed("2")).mm_per_px is None
