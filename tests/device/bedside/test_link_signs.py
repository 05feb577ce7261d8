"""The pairing code and the bar of the laboratory setting on the bedside picture."""

from dataclasses import replace

import numpy as np
import pytest
from tests.device.bedside.views import a_view, view_in, with_prompt

from barbotage_device.bedside import theme
from barbotage_device.bedside.link_signs import bar_height_px
from barbotage_device.bedside.overlay import Renderer, render
from barbotage_device.bedside.reading import link_banner, pairing_words, strip_line
from barbotage_device.bedside.text import ELLIPSIS
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import BedsideView, DisplayState, LinkSigns, PairingNotice, ScreenSize
from barbotage_device.guidance.prompt import Priority, PromptKind

SIZES = [ScreenSize(640, 400), ScreenSize(800, 480), ScreenSize(1280, 800)]
SMALL = SIZES[1]
ASKED = PairingNotice("04718852", "Reading room", "service", 47)


def paired(view: BedsideView, notice: PairingNotice = ASKED) -> BedsideView:
    return replace(view, link=LinkSigns(pairing=notice))


def unsecured(view: BedsideView) -> BedsideView:
    return replace(view, link=LinkSigns(unsecured=True))


@pytest.mark.parametrize(
    ("language", "role", "asks", "left"),
    [
        (Language.FR, "service", "demande le rôle maintenance", "valable encore 47\u202fs"),
        (Language.FR, "viewer", "demande le rôle consultation", "valable encore 47\u202fs"),
        (Language.EN, "operator", "asks for the role operator", "valid for 47\u202fs"),
    ],
)
def test_the_code_is_told_with_who_asks_for_what_and_how_long(language: Language, role: str, asks: str, left: str) -> None:
    words = pairing_words(paired(a_view(language=language), replace(ASKED, role=role)))
    assert words is not None
    assert (words.code, words.name, words.role, words.left) == (("0471", "8852"), "Reading room", asks, left)
    assert pairing_words(a_view(language=language)) is None


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("signs", [LinkSigns(pairing=ASKED), LinkSigns(unsecured=True), LinkSigns(unsecured=True, pairing=ASKED)])
def test_image_and_distance_stay_as_they_are(size: ScreenSize, signs: LinkSigns) -> None:
    layout = Renderer(size).layout(a_view())
    plain, signed = render(a_view(), size), render(replace(a_view(), link=signs), size)
    left_of_panel = (slice(0, layout.strip.top_px), slice(0, layout.panel.left_px))
    distance = (slice(0, layout.px(155)), slice(layout.panel.left_px, None))
    foot = (slice(layout.panel.bottom_px - layout.px(40), layout.panel.bottom_px), slice(layout.panel.left_px, None))
    for kept in (left_of_panel, distance, foot):
        assert np.array_equal(plain[kept], signed[kept])
    assert not np.array_equal(plain, signed)


@pytest.mark.parametrize("size", SIZES)
def test_the_code_is_large(size: ScreenSize) -> None:
    layout = Renderer(size).layout(a_view())
    shown = render(paired(a_view()), size)[layout.panel.slices]
    other = render(paired(a_view(), replace(ASKED, code="10000001")), size)[layout.panel.slices]
    rows, columns = np.nonzero((shown != other).any(axis=2))
    assert np.ptp(rows) > 0.18 * size.height_px, "two lines of digits"
    assert np.ptp(columns) > 0.5 * layout.panel.width_px


@pytest.mark.parametrize("state", list(DisplayState))
@pytest.mark.parametrize("priority", [None, *Priority])
def test_the_laboratory_setting_is_on_every_picture(state: DisplayState, priority: Priority | None) -> None:
    view = unsecured(view_in(state))
    if priority is not None:
        view = with_prompt(view, PromptKind.TIP_NOT_SEEN, priority)
    layout = Renderer(SMALL).layout(view)
    bar = render(view, SMALL)[-bar_height_px(layout) :]
    light = (bar == theme.INK).all(axis=2).mean()
    assert light > 0.6
    assert not (render(replace(view, link=LinkSigns()), SMALL)[-bar_height_px(layout) :] == theme.INK).all(axis=2).mean() > 0.6


@pytest.mark.parametrize("priority", list(Priority))
def test_a_prompt_keeps_its_words_above_the_bar(priority: Priority) -> None:
    view = with_prompt(a_view(), PromptKind.TIP_NOT_SEEN, priority)
    layout = Renderer(SMALL).layout(view)
    assert strip_line(unsecured(view)) == strip_line(view)
    strip = render(unsecured(view), SMALL)[layout.strip.slices][1 : -bar_height_px(layout)]
    words = (strip[:, layout.px(60) :] == theme.PROMPT_INK[priority]).all(axis=2)
    rows, columns = np.nonzero(words)
    assert np.ptp(columns) > 0.4 * SMALL.width_px
    assert rows.min() > 0
    assert rows.max() < strip.shape[0] - 1, "the words are not cut by the bar"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", list(Language))
def test_no_words_of_the_link_are_cut_short(size: ScreenSize, language: Language) -> None:
    renderer = Renderer(size)
    view = replace(a_view(language=language), link=LinkSigns(unsecured=True, pairing=ASKED))
    renderer.draw(view)
    drawn = renderer.painter.drawn
    words = pairing_words(view)
    assert words is not None
    assert {words.title, words.name, words.role, *words.code, words.hint, words.left, link_banner(view)} <= drawn
    assert not [text for text in drawn if text.endswith(ELLIPSIS)]


def test_a_long_name_of_a_host_stays_inside_its_line() -> None:
    renderer = Renderer(SMALL)
    renderer.draw(paired(a_view(), replace(ASKED, name="W" * 60)))
    assert any(text.startswith("WW") and text.endswith(ELLIPSIS) for text in renderer.painter.drawn)
