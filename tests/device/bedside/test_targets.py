"""Touch targets: where they lie, how large they are, and what a finger on them means."""

from dataclasses import replace

import pytest
from tests.device.bedside.procedure_views import button, setups, states, view_of_state
from tests.device.bedside.views import a_view

from barbotage_device.bedside.layout import Layout, Rect
from barbotage_device.bedside.overlay import Renderer
from barbotage_device.bedside.procedure_signs import (
    BACKSPACE,
    DIGITS,
    ENTER,
    SHIFT,
    Layer,
    ProcedureSigns,
    Question,
    Said,
    Typing,
)
from barbotage_device.bedside.setup import Wish
from barbotage_device.bedside.targets import Target, hit, region_length_px, region_point, targets
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import BedsideView, ScreenSize

SMALL = ScreenSize(800, 480)
SIZES = [SMALL, ScreenSize(1280, 800)]
LEAST_SIDE_PX = 9.0 / 0.19
"""9 mm on a 7 inch panel of 800x480."""
NAMES = list(states(Language.FR))
SETUPS = list(setups(Language.FR))


def view_named(name: str, language: Language = Language.FR) -> BedsideView:
    return setups(language)[name] if name in SETUPS else view_of_state(name, language)


def layout_of(view: BedsideView, size: ScreenSize = SMALL) -> Layout:
    return Renderer(size).layout(view)


def touch(view: BedsideView, target: Target) -> str | None:
    rect = target.rect
    return hit(layout_of(view), view, rect.left_px + rect.width_px / 2, rect.top_px + rect.height_px / 2)


def overlap(one: Rect, other: Rect) -> bool:
    return not (
        one.right_px <= other.left_px
        or other.right_px <= one.left_px
        or one.bottom_px <= other.top_px
        or other.bottom_px <= one.top_px
    )


def typing(kind: Typing, layer: Layer = Layer.LOWER, language: Language = Language.FR) -> BedsideView:
    signs = ProcedureSigns(
        "pause", (button("back", "button-back"),), question=Question(Said("entry-name"), typing=kind, layer=layer)
    )
    return replace(a_view(language=language), procedure=signs)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [*NAMES, *SETUPS])
def test_targets_lie_on_the_screen_beside_the_image_and_never_on_each_other(name: str, size: ScreenSize) -> None:
    view = view_named(name)
    layout = layout_of(view, size)
    found = targets(layout, view)
    for index, one in enumerate(found):
        assert one.rect.left_px >= 0
        assert one.rect.top_px >= 0
        assert one.rect.right_px <= size.width_px
        assert one.rect.bottom_px <= size.height_px
        assert not overlap(one.rect, layout.image.grown(layout.border_px))
        assert not any(overlap(one.rect, other.rect) for other in found[index + 1 :])


@pytest.mark.parametrize("name", [*NAMES, *SETUPS])
def test_every_target_is_at_least_nine_millimetres_wide_and_high(name: str) -> None:
    view = view_named(name)
    for target in targets(layout_of(view), view):
        assert min(target.rect.width_px, target.rect.height_px) >= LEAST_SIDE_PX, target


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6])
def test_there_are_at_most_four_buttons_and_they_fill_their_place(count: int) -> None:
    buttons = tuple(button(f"wish:{n}", "event-pause") for n in range(count))
    view = replace(a_view(), procedure=ProcedureSigns("lavage", buttons))
    found = targets(layout_of(view), view)
    assert [target.sign for target in found] == [f"wish:{n}" for n in range(min(count, 4))]
    if count:
        area = sum(target.rect.width_px * target.rect.height_px for target in found)
        assert area == 268 * 124


@pytest.mark.parametrize("name", [*NAMES, *SETUPS])
def test_a_finger_on_a_target_gives_its_sign_unless_it_is_disabled(name: str) -> None:
    view = view_named(name)
    for target in targets(layout_of(view), view):
        assert touch(view, target) == (target.sign if target.enabled else None)


def test_a_finger_beside_every_target_gives_nothing() -> None:
    view = view_named("lavage")
    layout = layout_of(view)
    middle = layout.image.left_px + layout.image.width_px / 2, layout.image.top_px + layout.image.height_px / 2
    assert hit(layout, view, *middle) is None
    assert hit(layout, view, 400, 470) is None, "the strip is no target"
    assert hit(layout, view, -5, -5) is None
    assert hit(layout_of(a_view()), a_view(), 700, 400) is None, "a program that only watches has none"


@pytest.mark.parametrize("kind", list(Typing))
@pytest.mark.parametrize("layer", list(Layer))
def test_a_question_that_is_typed_can_always_be_entered_corrected_and_left(kind: Typing, layer: Layer) -> None:
    view = typing(kind, layer)
    signs = {target.sign for target in targets(layout_of(view), view)}
    assert {ENTER, BACKSPACE, "back"} <= signs
    assert ({SHIFT, DIGITS} <= signs) == (kind is Typing.TEXT)


def test_the_keys_of_a_number_give_its_characters() -> None:
    for language, mark in ((Language.FR, ","), (Language.EN, ".")):
        view = typing(Typing.NUMBER, language=language)
        signs = {target.sign for target in targets(layout_of(view), view)}
        assert signs == {*"0123456789", "-", mark, BACKSPACE, ENTER, "back"}


def test_a_scale_is_accepted_only_when_there_is_one() -> None:
    for name, enabled in (("setup-scale", True), ("setup-scale-refused", False)):
        view = view_named(name)
        done = next(target for target in targets(layout_of(view), view) if target.sign == Wish.DONE)
        assert done.enabled is enabled


@pytest.mark.parametrize("size", SIZES)
def test_a_point_of_the_image_is_told_in_pixels_of_the_region(size: ScreenSize) -> None:
    view = view_named("calipers")
    layout = layout_of(view, size)
    height, width = view.pixels.shape
    first = region_point(layout, view, layout.image.left_px, layout.image.top_px)
    last = region_point(layout, view, layout.image.right_px - 1, layout.image.bottom_px - 1)
    assert first is not None
    assert last is not None
    assert (first.x_px, first.y_px) == pytest.approx((0, 0), abs=0.6)
    assert (last.x_px, last.y_px) == pytest.approx((width - 1, height - 1), abs=0.6)
    assert region_point(layout, view, layout.image.left_px - 1, 100) is None
    assert region_length_px(layout, view, layout.image.width_px / layout.unit) == pytest.approx(width)
