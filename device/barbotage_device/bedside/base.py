"""The part of the screen that stays the same from frame to frame: ground, border of the state, ruler, scale bar, state chip."""

from dataclasses import dataclass

import cv2
import numpy as np

from barbotage_device.bedside import theme
from barbotage_device.bedside.icons import Pen, state_icon
from barbotage_device.bedside.layout import Layout, Rect
from barbotage_device.bedside.marks import dashes
from barbotage_device.bedside.reading import FACTS_BESIDE_NUMBERS, facts_listed
from barbotage_device.bedside.text import Picture, TextPainter, TextStyle, Weight, blit, cap_height_px
from barbotage_device.bedside.texts import NARROW_SPACE, Language, texts_in
from barbotage_device.bedside.theme import Colour
from barbotage_device.bedside.view import WITHOUT_PICTURE, BedsideView, DisplayState, ScreenSize

TICK_MM = 5
LABELLED_TICK_MM = 10
SCALE_BARS_MM = (10, 5)
"""Lengths of the scale bar; the longest that takes at most a third of the image's width is drawn."""
CHIP_TOP, CHIP_HEIGHT, PAD = 33, 36, 14


@dataclass(frozen=True, slots=True)
class Places:
    """Baselines and tops of the panel, in units of the 800x480 screen from its top.

    ``rules`` are the hairlines between distance, angle and the rows. ``most_rows`` is for how many rows there is room.
    """

    rules: tuple[float, float]
    banner_top: float
    distance_label: float
    distance: float
    angle_label: float
    angle: float
    confidence: float
    rows: float
    row_step: float
    most_rows: int


PLAIN = Places((158, 255), 82, 92, 146, 176, 219, 243, 274, 21, 6)
"""The panel of a program that only watches."""
ABOVE_BUTTONS = Places((150, 242), 76, 85, 139, 167, 209, 232, 258, 19, FACTS_BESIDE_NUMBERS)
"""The panel above the buttons of a procedure: the same numbers in the same size, fewer rows."""


def places_of(key: "BaseKey") -> Places:
    """Where the panel's lines stand."""
    return ABOVE_BUTTONS if key.procedure else PLAIN


@dataclass(frozen=True, slots=True)
class BaseKey:
    """All that the static part depends on."""

    size: ScreenSize
    width_mm: float
    depth_mm: float
    measurable: bool
    language: Language
    state: DisplayState
    source_text: str
    procedure: bool
    bare: bool
    """No hairlines in the panel: a question, a keypad or a set-up takes it."""
    chipless: bool
    """No plate of the state either."""


def base_key(view: BedsideView, size: ScreenSize, state: DisplayState) -> BaseKey:
    """The key of the static part of a view."""
    plane = view.canonical_view
    measurable = view.measurable and state not in WITHOUT_PICTURE
    signs = view.procedure
    asked = signs is not None and signs.question is not None
    typed = signs is not None and signs.question is not None and signs.question.typing is not None
    return BaseKey(
        size,
        plane.width_mm,
        plane.depth_mm,
        measurable and view.setup is None,
        view.language,
        state,
        view.source_text,
        signs is not None and view.setup is None,
        asked or view.setup is not None or facts_listed(view),
        typed or view.setup is not None,
    )


def base_picture(key: BaseKey, layout: Layout, painter: TextPainter) -> Picture:
    """The static part as BGR uint8 (h, w, 3); the image rectangle is left as ground."""
    canvas = np.empty((key.size.height_px, key.size.width_px, 3), np.uint8)
    canvas[:] = theme.GROUND
    canvas[layout.panel.slices] = theme.PANEL
    cv2.line(canvas, (0, layout.strip.top_px), (key.size.width_px, layout.strip.top_px), theme.HAIRLINE, 1)
    for rule in () if key.bare else places_of(key).rules:
        row = layout.px(rule)
        canvas[row, layout.panel.left_px + layout.px(PAD) : layout.panel.right_px - layout.px(PAD)] = theme.HAIRLINE
    _draw_border(canvas, layout, key.state)
    if key.measurable:
        _draw_ruler(canvas, layout, key, painter)
    _draw_caption(canvas, layout, key, painter)
    if not key.chipless:
        _draw_chip(canvas, layout, key, painter)
    return canvas


def _draw_border(canvas: Picture, layout: Layout, state: DisplayState) -> None:
    """Each state has its own pattern in the free band around the image; the image itself stays free."""
    colour = theme.STATE[state]
    if state in (DisplayState.STALE, DisplayState.SOURCE_LOST):
        _hatch(canvas, layout, colour, crossed=state is DisplayState.SOURCE_LOST)
    elif state is DisplayState.MODEL_ERROR:
        _outline(canvas, layout.image.grown(layout.px(8)), colour, layout.px(7))
    elif state is DisplayState.CONFIRMED:
        _outline(canvas, layout.image.grown(layout.px(4)), colour, layout.px(2))
    elif state is DisplayState.FROZEN:
        _outline(canvas, layout.image.grown(layout.px(3)), colour, layout.px(1.4))
        _outline(canvas, layout.image.grown(layout.px(8)), colour, layout.px(1.4))
    elif state is DisplayState.SHAFT_ONLY:
        _dashed(canvas, layout, colour, layout.px(4), 20, 10)
    elif state is DisplayState.SEARCHING:
        _dashed(canvas, layout, colour, layout.px(3), 3, 9)
    elif state is DisplayState.LOST:
        _dashed(canvas, layout, colour, layout.border_px - 1, 9, 15)
    else:
        _outline(canvas, layout.image.grown(layout.px(2)), theme.HAIRLINE, 1)


def _outline(canvas: Picture, rect: Rect, colour: Colour, width_px: int) -> None:
    for inset in range(width_px):
        ring = rect.grown(-inset)
        cv2.rectangle(canvas, (ring.left_px, ring.top_px), (ring.right_px - 1, ring.bottom_px - 1), colour, 1)


def _dashed(canvas: Picture, layout: Layout, colour: Colour, thickness_px: int, dash: float, gap: float) -> None:
    """Dashes of ``thickness_px`` centred in the band, along the four sides."""
    band = layout.image.grown(layout.border_px)
    inset = (layout.border_px - thickness_px) // 2
    ring = band.grown(-inset)
    for piece in dashes((ring.left_px, 0.0), (ring.right_px, 0.0), dash * layout.unit, gap * layout.unit):
        columns = slice(round(piece[0][0]), round(piece[1][0]))
        canvas[ring.top_px : ring.top_px + thickness_px, columns] = colour
        canvas[ring.bottom_px - thickness_px : ring.bottom_px, columns] = colour
    for piece in dashes((0.0, ring.top_px), (0.0, ring.bottom_px), dash * layout.unit, gap * layout.unit):
        rows = slice(round(piece[0][1]), round(piece[1][1]))
        canvas[rows, ring.left_px : ring.left_px + thickness_px] = colour
        canvas[rows, ring.right_px - thickness_px : ring.right_px] = colour


def _hatch(canvas: Picture, layout: Layout, colour: Colour, *, crossed: bool) -> None:
    band, period = layout.image.grown(layout.border_px), layout.px(12)
    rows, columns = np.mgrid[band.top_px : band.bottom_px, band.left_px : band.right_px]
    on = (rows + columns) % period < period // 2
    if crossed:
        on ^= (rows - columns) % period < period // 2
    patch = np.where(on[:, :, None], np.array(colour, np.uint8), np.array(theme.INK, np.uint8))
    canvas[band.slices] = patch
    canvas[layout.image.slices] = theme.GROUND


def _draw_ruler(canvas: Picture, layout: Layout, key: BaseKey, painter: TextPainter) -> None:
    """Depth ticks every 5 mm beside the image, numbers every 10 mm, and the unit at the top."""
    style = TextStyle(layout.px(12), Weight.REGULAR, theme.SOFT, theme.GROUND)
    right = layout.gutter.right_px - layout.px(2)
    px_per_mm = layout.image.height_px / key.depth_mm
    sink = cap_height_px(style) // 2
    for depth_mm in range(0, int(key.depth_mm) + 1, TICK_MM):
        row = min(layout.image.bottom_px - 1, layout.image.top_px + round(depth_mm * px_per_mm))
        labelled = depth_mm % LABELLED_TICK_MM == 0
        length = layout.px(8 if labelled else 4)
        canvas[row : row + layout.px(1), right - length : right] = theme.SOFT
        if labelled:
            words = painter.patch("mm" if depth_mm == 0 else str(depth_mm), style)
            blit(canvas, words, right - length - layout.px(3) - words.width_px, row + sink)


def _draw_caption(canvas: Picture, layout: Layout, key: BaseKey, painter: TextPainter) -> None:
    """Scale bar at the left, name of the source at the right, both below the image."""
    style = TextStyle(layout.px(12), Weight.REGULAR, theme.SOFT, theme.GROUND)
    middle = layout.caption.top_px + layout.px(13)
    base = middle + cap_height_px(style) // 2
    left, right = layout.image.left_px, layout.image.right_px
    if key.measurable:
        px_per_mm = layout.image.width_px / key.width_mm
        bar_mm = next((b for b in SCALE_BARS_MM if b * px_per_mm <= layout.image.width_px / 3), SCALE_BARS_MM[-1])
        end = left + round(bar_mm * px_per_mm)
        canvas[middle : middle + layout.px(2), left:end] = theme.INK
        for edge in (left, end - layout.px(1.5)):
            canvas[middle - layout.px(4) : middle + layout.px(5), edge : edge + layout.px(1.5)] = theme.INK
        words = painter.patch(f"{bar_mm}{NARROW_SPACE}mm", style)
        left = blit(canvas, words, end + layout.px(6), base) + layout.px(14)
    if key.source_text:
        faint = TextStyle(layout.px(12), Weight.REGULAR, theme.FAINT, theme.GROUND)
        words = painter.fitted(key.source_text, faint, right - left)
        blit(canvas, words, right - words.width_px, base)


def _draw_chip(canvas: Picture, layout: Layout, key: BaseKey, painter: TextPainter) -> None:
    """The state: its shape and its word on a plate with the state's colour as edge."""
    rect = chip_rect(layout)
    colour = theme.STATE[key.state]
    severe = key.state is DisplayState.STALE or key.state in WITHOUT_PICTURE
    ground, ink = (colour, theme.INK) if severe else (theme.RAISED, colour)
    canvas[rect.slices] = ground
    canvas[rect.top_px : rect.bottom_px, rect.left_px : rect.left_px + layout.px(4)] = colour
    centre = (rect.left_px + layout.px(24), rect.top_px + rect.height_px / 2 - 0.5)
    state_icon(Pen(canvas, centre, layout.px(10), ink), key.state)
    style = TextStyle(layout.px(20), Weight.BOLD, ink, ground)
    words = texts_in(key.language)(f"state-{key.state.value}")
    left = rect.left_px + layout.px(44)
    patch = painter.fitted(words, style, rect.right_px - layout.px(6) - left)
    blit(canvas, patch, left, rect.top_px + (rect.height_px + cap_height_px(style)) // 2)


def chip_rect(layout: Layout) -> Rect:
    """The plate of the state."""
    left, right = layout.panel.left_px + layout.px(PAD), layout.panel.right_px - layout.px(PAD)
    return Rect(left, layout.px(CHIP_TOP), right - left, layout.px(CHIP_HEIGHT))
