"""Touches on the picture move calipers, corners and ticks; touches on targets do what stands on them."""

from dataclasses import replace

import pytest
from tests.device.bedside.procedure_views import setups

from barbotage_device.bedside.calipers import Calipers
from barbotage_device.bedside.dragging import calipers_after, setup_after
from barbotage_device.bedside.layout import Layout
from barbotage_device.bedside.overlay import Renderer
from barbotage_device.bedside.procedure_signs import ENTER
from barbotage_device.bedside.setup import RegionSetup, ScaleSetup, Setup, Wish
from barbotage_device.bedside.targets import targets
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import BedsideView, ScreenSize
from barbotage_device.bedside.window import Stage, Touch

VIEWS = setups(Language.FR)
SIZES = [ScreenSize(800, 480), ScreenSize(1280, 800)]


def at(layout: Layout, view: BedsideView, stage: Stage, x_px: float, y_px: float) -> Touch:
    """A touch on a pixel of the region."""
    height, width = view.pixels.shape
    image = layout.image
    return Touch(
        stage,
        image.left_px + (x_px + 0.5) * image.width_px / width - 0.5,
        image.top_px + (y_px + 0.5) * image.height_px / height - 0.5,
    )


def on(layout: Layout, view: BedsideView, sign: str) -> Touch:
    """A touch on a target."""
    rect = next(target.rect for target in targets(layout, view) if target.sign == sign)
    return Touch(Stage.DOWN, rect.left_px + rect.width_px / 2, rect.top_px + rect.height_px / 2)


def setup_of(view: BedsideView) -> Setup:
    assert view.setup is not None
    return view.setup


@pytest.mark.parametrize("size", SIZES)
def test_a_stroke_on_the_frozen_picture_sets_a_pair_also_when_it_ends_outside(size: ScreenSize) -> None:
    view = replace(VIEWS["calipers"], calipers=None)
    layout = Renderer(size).layout(view)
    stroke = [
        at(layout, view, Stage.DOWN, 100, 100),
        at(layout, view, Stage.MOVE, 150, 120),
        at(layout, view, Stage.UP, 900, 130),
    ]
    pairs = calipers_after(layout, view, stroke).pairs
    assert len(pairs) == 1
    ends = (pairs[0].first.x_px, pairs[0].first.y_px, pairs[0].second.x_px, pairs[0].second.y_px)
    assert ends == pytest.approx((100, 100, 383, 130), abs=0.01)
    beside = [Touch(Stage.DOWN, layout.panel.left_px + 5, 300), Touch(Stage.MOVE, 200, 200), Touch(Stage.UP, 200, 200)]
    assert calipers_after(layout, view, beside) == Calipers()


@pytest.mark.parametrize("size", SIZES)
def test_a_corner_follows_the_finger_and_arrows_move_it_on(size: ScreenSize) -> None:
    view = VIEWS["setup-region"]
    layout, setup = Renderer(size).layout(view), setup_of(view)
    stroke = [at(layout, view, Stage.DOWN, 120, 60), at(layout, view, Stage.MOVE, 140, 80), at(layout, view, Stage.UP, 150, 90)]
    moved, wish = setup_after(layout, view, setup, [*stroke, on(layout, view, Wish.LEFT), on(layout, view, Wish.UP)])
    assert wish is None
    assert isinstance(moved, RegionSetup)
    assert (moved.box.left_px, moved.box.top_px) == (149, 89)
    still, _ = setup_after(layout, view, moved, [at(layout, view, Stage.MOVE, 300, 300)])
    assert still == moved


def test_a_tick_follows_the_finger_and_digits_are_typed_by_touch_and_by_keyboard() -> None:
    view = VIEWS["setup-scale"]
    layout, setup = Renderer(SIZES[0]).layout(view), setup_of(view)
    stroke = [at(layout, view, Stage.DOWN, 300, 384), at(layout, view, Stage.UP, 300, 296)]
    moved, wish = setup_after(layout, view, setup, [*stroke, on(layout, view, "5")], ["backspace", "5"])
    assert wish is None
    assert isinstance(moved, ScaleSetup)
    assert moved.typed.text == "405"
    assert moved.second_row_px == pytest.approx(296, abs=0.01)


@pytest.mark.parametrize(
    ("name", "sign", "wish"),
    [
        ("setup-region", Wish.DONE, Wish.DONE),
        ("setup-region", Wish.CANCEL, Wish.CANCEL),
        ("setup-scale", Wish.DONE, Wish.DONE),
        ("setup-scale-refused", Wish.DONE, None),
        ("setup-scale-refused", Wish.CANCEL, Wish.CANCEL),
    ],
)
def test_a_set_up_ends_where_its_target_is_enabled(name: str, sign: Wish, wish: Wish | None) -> None:
    view = VIEWS[name]
    layout = Renderer(SIZES[0]).layout(view)
    assert setup_after(layout, view, setup_of(view), [on(layout, view, sign)]) == (setup_of(view), wish)


@pytest.mark.parametrize(
    ("name", "wish"), [("setup-region", Wish.DONE), ("setup-scale", Wish.DONE), ("setup-scale-refused", None)]
)
def test_enter_ends_a_set_up_that_is_ready(name: str, wish: Wish | None) -> None:
    view = VIEWS[name]
    assert setup_after(Renderer(SIZES[0]).layout(view), view, setup_of(view), (), [ENTER])[1] is wish
