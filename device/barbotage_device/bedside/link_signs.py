"""What the screen says about the link to a PC: the pairing code in the panel, and the bar of the laboratory setting below the strip."""

import numpy as np

from barbotage_device.bedside import theme
from barbotage_device.bedside.base import ABOVE_BUTTONS, PAD, PLAIN
from barbotage_device.bedside.layout import Layout
from barbotage_device.bedside.reading import PairingWords
from barbotage_device.bedside.targets import buttons_area
from barbotage_device.bedside.text import Patch, Picture, TextPainter, TextStyle, Weight, blit, cap_height_px
from barbotage_device.bedside.theme import Colour

# In units of the 800x480 screen. The plate leaves state and distance above it and the footer below it free; the image is never touched.
COMPACT_TOP = ABOVE_BUTTONS.rules[0] + 3
PLATE_TOP, PLATE_ABOVE_FOOT = PLAIN.rules[0] + 3, 43
TITLE_BASE, NAME_BASE, ROLE_BASE = 22, 43, 60
CODE_BASES = (111, 164)
HINT_BASE, LEFT_BASE = 191, 210
TITLE_TYPE, LINE_TYPE, CODE_TYPE, HINT_TYPE = 18, 14, 60, 15
BAR_HEIGHT = 18
BAR_TYPE = 13
PlateLine = tuple[str, float, Weight, float]
"""Words, type, cut, baseline."""
STRIPE = 7
STRIPED_WIDTH = 42
"""Of the bar, at either end."""


def draw_pairing(canvas: Picture, words: PairingWords, layout: Layout, painter: TextPainter, compact: bool = False) -> None:
    """A light plate over the small numbers of the panel; distance, state, prompts and image stay. ``compact``: the buttons of a procedure too."""
    plate = painter.shape(("pairing", words, layout, compact), lambda: _plate(words, layout, painter, compact))
    blit(canvas, plate, layout.panel.left_px + layout.px(PAD), layout.px(COMPACT_TOP if compact else PLATE_TOP))


def draw_bar(canvas: Picture, text: str, layout: Layout, painter: TextPainter) -> None:
    """The bar along the lower edge of the screen, as light as no prompt is; striped, so that it is seen before it is read."""
    bar = painter.shape(("link-bar", text, layout), lambda: _bar(text, layout, painter))
    blit(canvas, bar, 0, layout.strip.bottom_px - bar_height_px(layout))


def bar_height_px(layout: Layout) -> int:
    """Rows that the bar takes from the strip."""
    return layout.px(BAR_HEIGHT)


def _plate(words: PairingWords, layout: Layout, painter: TextPainter, compact: bool) -> Patch:
    width = layout.panel.width_px - 2 * layout.px(PAD)
    if compact:
        height = buttons_area(layout).top_px - layout.px(COMPACT_TOP) - layout.px(2)
    else:
        height = layout.panel.bottom_px - layout.px(PLATE_ABOVE_FOOT) - layout.px(PLATE_TOP)
    plate = np.empty((height, width, 3), np.uint8)
    plate[:] = theme.INK
    for text, size, weight, base in _compact_lines(words) if compact else _plate_lines(words):
        patch = painter.fitted(text, TextStyle(layout.px(size), weight, theme.DARK_INK, theme.INK), width - 2 * layout.px(8))
        blit(plate, patch, (width - patch.width_px) // 2, layout.px(base))
    return Patch(plate, 0)


def _compact_lines(words: PairingWords) -> tuple[PlateLine, ...]:
    return (
        (words.title, 17, Weight.BOLD, 19),
        (words.name, 13, Weight.BOLD, 36),
        (words.role, 13, Weight.REGULAR, 51),
        (" ".join(words.code), 40, Weight.BOLD, 92),
        (words.hint, 13, Weight.BOLD, 112),
        (words.left, 13, Weight.REGULAR, 129),
    )


def _plate_lines(words: PairingWords) -> tuple[PlateLine, ...]:
    half_1, half_2 = words.code
    return (
        (words.title, TITLE_TYPE, Weight.BOLD, TITLE_BASE),
        (words.name, LINE_TYPE, Weight.BOLD, NAME_BASE),
        (words.role, LINE_TYPE, Weight.REGULAR, ROLE_BASE),
        (half_1, CODE_TYPE, Weight.BOLD, CODE_BASES[0]),
        (half_2, CODE_TYPE, Weight.BOLD, CODE_BASES[1]),
        (words.hint, HINT_TYPE, Weight.BOLD, HINT_BASE),
        (words.left, LINE_TYPE, Weight.REGULAR, LEFT_BASE),
    )


def _bar(text: str, layout: Layout, painter: TextPainter) -> Patch:
    height, width = bar_height_px(layout), layout.strip.width_px
    bar = np.empty((height, width, 3), np.uint8)
    bar[:] = theme.INK
    edge = layout.px(STRIPED_WIDTH)
    rows, columns = np.mgrid[0:height, 0:edge]
    dark: Colour = theme.DARK_INK
    stripes = (rows + columns) // layout.px(STRIPE) % 2 == 0
    bar[:, :edge][stripes] = dark
    bar[:, width - edge :][stripes] = dark
    style = TextStyle(layout.px(BAR_TYPE), Weight.BOLD, dark, theme.INK)
    patch = painter.fitted(text, style, width - 2 * edge - 2 * layout.px(6))
    blit(bar, patch, (width - patch.width_px) // 2, (height + cap_height_px(style)) // 2)
    return Patch(bar, 0)
