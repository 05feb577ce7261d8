"""Words as pixels."""

import numpy as np
import pytest

from barbotage_device.bedside.text import TextPainter, TextStyle, Weight, blit

STYLE = TextStyle(32, Weight.REGULAR, (255, 255, 255), (0, 0, 0))


@pytest.mark.parametrize(("plain", "accented"), [("e", "é"), ("a", "à"), ("E", "É"), ("c", "ç"), ("o", "ô")])
def test_an_accent_adds_ink_and_keeps_the_letter(plain: str, accented: str) -> None:
    painter = TextPainter()
    bare, marked = painter.patch(plain, STYLE), painter.patch(accented, STYLE)
    assert marked.width_px == pytest.approx(bare.width_px, abs=2)
    assert int(marked.pixels.sum()) > 1.05 * int(bare.pixels.sum())
    assert marked.pixels.shape[0] > bare.pixels.shape[0]


def test_the_narrow_space_is_a_gap_between_nothing_and_a_space() -> None:
    painter = TextPainter()
    widths = [painter.patch(text, STYLE).width_px for text in ("3mm", "3\u202fmm", "3 mm")]
    assert widths[0] < widths[1] < widths[2]


def test_a_character_without_glyph_becomes_a_question_mark() -> None:
    painter = TextPainter()
    assert np.array_equal(painter.patch("a漢b", STYLE).pixels, painter.patch("a?b", STYLE).pixels)


def test_words_too_wide_for_their_room_end_in_an_ellipsis() -> None:
    painter = TextPainter()
    fitted = painter.fitted("file:a very long path to a recording", STYLE, 150)
    assert fitted.width_px <= 150
    assert any(text.endswith("…") for text in painter.drawn)


def test_the_cache_is_bounded_and_changes_nothing() -> None:
    small, large = TextPainter(capacity=4), TextPainter()
    for n in range(20):
        assert np.array_equal(small.patch(f"{n},4", STYLE).pixels, large.patch(f"{n},4", STYLE).pixels)
    assert len(small.drawn) == 4


@pytest.mark.parametrize(("left", "base"), [(-5, 5), (55, 5), (10, -3), (10, 80), (500, 500)])
def test_words_over_the_edge_are_cut(left: int, base: int) -> None:
    canvas = np.zeros((40, 60, 3), np.uint8)
    blit(canvas, TextPainter().patch("Éq", STYLE), left, base)
    assert canvas.shape == (40, 60, 3)


def test_ink_and_ground_are_the_colours_asked_for() -> None:
    style = TextStyle(40, Weight.BOLD, (10, 20, 250), (60, 50, 40))
    pixels = TextPainter().patch("I", style).pixels.reshape(-1, 3)
    assert (pixels == (10, 20, 250)).all(axis=1).any()
    assert (pixels == (60, 50, 40)).all(axis=1).any()
