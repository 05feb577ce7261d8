"""The bedside picture as pixels."""

from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
import pytest
from tests.device.bedside.views import SIDE_MM, a_view, speckle, view_in, with_prompt

from barbotage_device.bedside import theme
from barbotage_device.bedside.contact_sheet import Moment, contact_sheet
from barbotage_device.bedside.overlay import Renderer, put_native, render
from barbotage_device.bedside.text import Picture
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import BedsideView, DisplayState, ScreenSize
from barbotage_device.errors import InvalidInputError
from barbotage_device.guidance.prompt import Priority, PromptKind
from barbotage_models.contract.canonical import to_canonical
from barbotage_models.contract.geometry import PointMm, Scale
from barbotage_models.contract.taxonomy import EntrySide

SMALL = ScreenSize(800, 480)
LARGE = ScreenSize(1280, 800)
SIZES = [SMALL, LARGE, ScreenSize(640, 400), ScreenSize(1024, 600), ScreenSize(1920, 1080), ScreenSize(700, 900)]


def image_of(view: BedsideView, size: ScreenSize = SMALL) -> Picture:
    renderer = Renderer(size)
    return renderer.draw(view)[renderer.layout(view).image.slices].copy()


def native(view: BedsideView, size: ScreenSize = SMALL) -> Picture:
    image = np.empty_like(image_of(view, size))
    put_native(image, view.pixels)
    return image


def coloured(picture: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Pixels that are no grey."""
    spread = picture.max(axis=2).astype(int) - picture.min(axis=2)
    return np.asarray(spread > 40)


def like(picture: Picture, colour: theme.Colour) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray(np.abs(picture.astype(int) - np.array(colour)).max(axis=2) < 30)


def at_px(view: BedsideView, point: PointMm, size: ScreenSize) -> tuple[float, float]:
    image = Renderer(size).layout(view).image
    return point.x_mm / SIDE_MM * image.width_px - 0.5, point.z_mm / SIDE_MM * image.height_px - 0.5


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", [DisplayState.CONFIRMED, DisplayState.SOURCE_LOST])
def test_every_size_is_filled(size: ScreenSize, state: DisplayState) -> None:
    picture = render(view_in(state), size)
    assert picture.shape == (size.height_px, size.width_px, 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(384, 384), (300, 900), (900, 200)])
def test_image_panel_and_strip_never_touch(size: ScreenSize, shape: tuple[int, int]) -> None:
    pixels = speckle(*shape)
    view = replace(a_view(), pixels=pixels, canonical_view=to_canonical(pixels, Scale.isotropic(0.1)).view)
    layout = Renderer(size).layout(view)
    band = layout.image.grown(layout.border_px)
    assert band.left_px >= layout.gutter.right_px
    assert layout.gutter.left_px >= 0
    assert band.top_px >= 0
    assert band.right_px <= layout.panel.left_px
    assert band.bottom_px <= layout.caption.top_px
    assert layout.caption.bottom_px <= layout.strip.top_px
    assert layout.panel.bottom_px <= layout.strip.top_px


def test_an_anisotropic_picture_is_shown_isotropic_in_mm() -> None:
    pixels, scale = speckle(200, 600), Scale(0.05, 0.15)
    view = replace(a_view(), pixels=pixels, scale=scale, canonical_view=to_canonical(pixels, scale).view)
    image = Renderer(SMALL).layout(view).image
    assert image.width_px == pytest.approx(image.height_px, abs=1)


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("state", [DisplayState.OVERLAY_OFF, DisplayState.STALE])
def test_with_the_overlay_off_or_hidden_the_image_is_the_native_picture(size: ScreenSize, state: DisplayState) -> None:
    view = view_in(state)
    assert np.array_equal(image_of(view, size), native(view, size))


def test_a_lost_source_does_not_show_its_last_picture() -> None:
    view = view_in(DisplayState.SOURCE_LOST)
    shown, last = image_of(view), native(view)
    assert np.count_nonzero((shown == last).all(axis=2)) < 0.05 * shown.shape[0] * shown.shape[1]
    assert like(shown, theme.INK).any()


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("side", list(EntrySide))
def test_the_tip_marker_is_a_ring_around_the_tip_that_leaves_its_pixels_free(side: EntrySide, size: ScreenSize) -> None:
    view = a_view(side)
    assert view.aim.tip is not None
    image = image_of(view, size)
    x, y = at_px(view, view.aim.tip, size)
    rows, columns = np.nonzero(like(image, theme.TIP))
    distance = np.hypot(columns - x, rows - y)
    unit = Renderer(size).layout(view).unit
    ring = distance[distance < 13 * unit]
    assert ring.min() > 3.5 * unit
    assert np.count_nonzero(np.abs(ring - 10 * unit) < 2.0 * unit) > 40 * unit
    assert np.array_equal(
        image[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3],
        native(view, size)[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3],
    )


@pytest.mark.parametrize("side", list(EntrySide))
def test_the_shaft_runs_from_the_entry_to_the_ring(side: EntrySide) -> None:
    view = a_view(side)
    assert view.aim.tip is not None
    assert view.aim.entry is not None
    shaft = like(image_of(view), theme.SHAFT)
    for share in (0.1, 0.4, 0.8):
        x, y = at_px(
            view,
            PointMm(
                view.aim.entry.x_mm + share * (view.aim.tip.x_mm - view.aim.entry.x_mm),
                view.aim.entry.z_mm + share * (view.aim.tip.z_mm - view.aim.entry.z_mm),
            ),
            SMALL,
        )
        assert shaft[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].any()


def test_only_a_confirmed_tip_has_a_ring() -> None:
    assert like(image_of(view_in(DisplayState.CONFIRMED)), theme.TIP).any()
    for state in set(DisplayState) - {DisplayState.CONFIRMED}:
        assert not like(image_of(view_in(state)), theme.TIP).any(), state


def test_a_shaft_without_a_tip_is_broken() -> None:
    whole = np.count_nonzero(like(image_of(view_in(DisplayState.CONFIRMED)), theme.SHAFT))
    view = view_in(DisplayState.SHAFT_ONLY)
    view = replace(view, aim=replace(view.aim, predicted_end=a_view().aim.tip))
    broken = np.count_nonzero(like(image_of(view), theme.SHAFT))
    assert 0.4 * whole < broken < 0.9 * whole


@pytest.mark.parametrize("side", list(EntrySide))
def test_a_shaft_without_a_predicted_end_is_drawn_along_its_angle(side: EntrySide) -> None:
    view = view_in(DisplayState.SHAFT_ONLY, a_view(side))
    rows, columns = np.nonzero(like(image_of(replace(view, aim=replace(view.aim, predicted_end=None))), theme.SHAFT))
    slope = np.polyfit(columns, rows, 1)[0]
    assert np.degrees(np.arctan(abs(slope))) == pytest.approx(31.0, abs=1.0)
    assert bool(slope > 0) is (side is EntrySide.LEFT)


@pytest.mark.parametrize("state", [DisplayState.LOST, DisplayState.SEARCHING, DisplayState.FROZEN])
def test_without_a_needle_deposits_stay_and_the_needle_goes(state: DisplayState) -> None:
    image = image_of(view_in(state))
    assert like(image, theme.TARGET).any()
    assert like(image, theme.DEPOSIT).any()
    assert like(image, theme.BONE).any()
    assert not like(image, theme.SHAFT).any()


def test_the_overlay_covers_little_of_the_image() -> None:
    assert np.count_nonzero(coloured(image_of(a_view()))) < 0.03 * image_of(a_view()).size / 3


def test_marks_outside_the_image_are_cut_and_never_reach_the_panel() -> None:
    view = a_view()
    far = replace(view.aim, tip=PointMm(1e7, -1e7), entry=PointMm(-1e9, 5), predicted_end=PointMm(50, 60))
    renderer = Renderer(SMALL)
    shown = renderer.draw(replace(view, aim=far)).copy()
    image = renderer.layout(view).image
    plain = renderer.draw(view).copy()
    shown[image.slices] = plain[image.slices] = 0
    assert np.array_equal(shown, plain)


def test_each_state_differs_from_each_other_around_the_image_without_colour() -> None:
    borders = []
    renderer = Renderer(SMALL)
    layout = renderer.layout(a_view())
    for state in DisplayState:
        grey = cv2.cvtColor(renderer.draw(view_in(state)), cv2.COLOR_BGR2GRAY)
        grey[layout.image.slices] = 0
        borders.append((state, grey[layout.image.grown(layout.border_px).slices].astype(int)))
    for (one, a), (other, b) in combinations(borders, 2):
        assert np.count_nonzero(np.abs(a - b) > 40) > 700, (one, other)


def test_prompts_differ_in_shape_and_in_luminance() -> None:
    strips = []
    for priority in Priority:
        renderer = Renderer(SMALL)
        picture = renderer.draw(with_prompt(a_view(), PromptKind.NEAR_BONE, priority))
        layout = renderer.layout(a_view())
        strips.append(cv2.cvtColor(picture[layout.strip.slices], cv2.COLOR_BGR2GRAY))
    grounds = [float(strip[5, -5]) for strip in strips]
    icons = [strip[:, :60].astype(int) - round(ground) for strip, ground in zip(strips, grounds, strict=True)]
    inked = [np.abs(icon) > 60 for icon in icons]
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert np.count_nonzero(inked[a] != inked[b]) > 200
    assert grounds[1] - max(grounds[0], grounds[2]) > 60


def test_the_picture_depends_on_the_view_alone() -> None:
    first = render(a_view(), SMALL)
    renderer = Renderer(SMALL)
    for state in DisplayState:
        renderer.draw(view_in(state))
        renderer.draw(with_prompt(view_in(state), PromptKind.STALE, Priority.HIGH))
    assert np.array_equal(renderer.draw(a_view()), first)
    assert np.array_equal(renderer.draw(a_view()), first)


def test_the_last_picture_survives_the_next_one() -> None:
    renderer = Renderer(SMALL)
    shown = renderer.draw(a_view())
    kept = shown.copy()
    renderer.draw(view_in(DisplayState.STALE))
    assert np.array_equal(shown, kept)


def test_the_input_is_not_written_to() -> None:
    view = a_view()
    before = view.pixels.copy()
    view.pixels.setflags(write=False)
    render(view, SMALL)
    assert np.array_equal(view.pixels, before)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("state", list(DisplayState))
def test_without_a_scale_no_drawn_text_holds_a_millimetre(language: Language, state: DisplayState) -> None:
    renderer = Renderer(SMALL)
    renderer.draw(view_in(state, a_view(language=language, scale=None)))
    assert renderer.painter.drawn
    assert not any("mm" in text for text in renderer.painter.drawn)


def test_a_known_scale_has_a_scale_bar_and_a_ruler() -> None:
    renderer = Renderer(SMALL)
    renderer.draw(a_view())
    assert {"mm", "10\u202fmm", "10", "20", "30"} <= renderer.painter.drawn


@pytest.mark.parametrize("size", [SMALL, ScreenSize(640, 400), ScreenSize(700, 900)])
@pytest.mark.parametrize("language", list(Language))
def test_no_words_are_cut_short_on_any_screen(size: ScreenSize, language: Language) -> None:
    renderer = Renderer(size)
    for kind in PromptKind:
        renderer.draw(with_prompt(a_view(language=language), kind, Priority.HIGH))
    for state in DisplayState:
        renderer.draw(replace(view_in(state, a_view(language=language)), phase_text_key="verify-tip"))
        renderer.draw(view_in(state, a_view(language=language, scale=None)))
    assert not any("…" in text for text in renderer.painter.drawn)


def test_the_heartbeat_moves_with_each_frame() -> None:
    beats = [render(replace(a_view(), heartbeat=beat), SMALL) for beat in range(3)]
    assert not np.array_equal(beats[0], beats[1])
    assert not np.array_equal(beats[1], beats[2])


@pytest.mark.parametrize(("columns", "shape"), [(1, (1606, 832)), (2, (1076, 1648)), (9, (546, 2464))])
def test_a_contact_sheet_holds_every_picture_unchanged(columns: int, shape: tuple[int, int]) -> None:
    moments = [Moment(f"Étape {n}", np.full((480, 800, 3), 60 * n + 50, np.uint8)) for n in range(3)]
    sheet = contact_sheet(moments, columns)
    assert sheet.shape[:2] == shape
    for n in range(3):
        assert np.count_nonzero((sheet == 60 * n + 50).all(axis=2)) >= 480 * 800


@pytest.mark.parametrize(("count", "columns"), [(0, 2), (1, 0)])
def test_an_empty_contact_sheet_is_refused(count: int, columns: int) -> None:
    with pytest.raises(InvalidInputError, match="contact sheet"):
        contact_sheet([Moment("", np.zeros((4, 4, 3), np.uint8))] * count, columns)
