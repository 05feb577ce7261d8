"""Region, scale and calipers as pixels: thin marks on the picture, words beside it."""

import cv2
import numpy as np

from barbotage_device.bedside import theme
from barbotage_device.bedside.asked import ON_PANEL, draw_field, draw_lines, field_rect
from barbotage_device.bedside.base import PAD
from barbotage_device.bedside.calipers import Calipers
from barbotage_device.bedside.layout import Layout, Rect
from barbotage_device.bedside.procedure_signs import Question, Said, Typing
from barbotage_device.bedside.setup import RegionSetup, ScaleSetup, Setup
from barbotage_device.bedside.targets import ARROW_ROW, ARROWS, keypad_area
from barbotage_device.bedside.text import Look, Picture, TextPainter, Weight
from barbotage_device.bedside.texts import Texts
from barbotage_device.bedside.theme import Colour
from barbotage_models.contract.geometry import PointPx

HANDLE = 15
"""Half the length of a corner's arms, in units of the 800x480 screen."""
ARM = 9
TICK = 26
TITLE_TYPES = (22, 20, 18, 16)
BODY_TYPES = (17, 16, 15, 14, 13)
TITLE_TOP, TITLE_HEIGHT = 10, 30
Spot = tuple[int, int]


def draw_setup_marks(image: Picture, setup: Setup, shape: tuple[int, int], unit: float) -> None:
    """The box with its two corners, or the two depth ticks, on the picture of ``shape`` (height, width)."""
    if isinstance(setup, ScaleSetup):
        for row, chosen in ((setup.first_row_px, not setup.second), (setup.second_row_px, setup.second)):
            _tick(image, _spot(image, PointPx(0.0, row), shape)[1], chosen, unit)
        return
    box = setup.box
    first = _spot(image, PointPx(box.left_px, box.top_px), shape)
    second = _spot(image, PointPx(box.right_px - 1, box.bottom_px - 1), shape)
    for weight, colour in ((3, theme.HALO), (1, theme.TARGET)):
        cv2.rectangle(image, first, second, colour, max(1, round(weight * unit)))
    for corner, chosen, inward in ((first, not setup.second, 1), (second, setup.second, -1)):
        _corner(image, corner, inward, chosen, unit)


def draw_calipers(image: Picture, calipers: Calipers, shape: tuple[int, int], unit: float) -> None:
    """Both pairs: a thin line between two ends, upright crosses for the first pair, diagonal ones for the second. Lengths are told in the panel."""
    for index, pair in enumerate(calipers.pairs):
        ends = _spot(image, pair.first, shape), _spot(image, pair.second, shape)
        cv2.line(image, *ends, theme.SOFT, 1, cv2.LINE_AA)
        for second, end in enumerate(ends):
            held = calipers.grip is not None and (calipers.grip.pair, calipers.grip.second) == (index, bool(second))
            _cross(image, end, diagonal=index == 1, colour=theme.TIP if held else theme.TARGET, unit=unit)


def draw_setup_words(canvas: Picture, setup: Setup, texts: Texts, layout: Layout, painter: TextPainter) -> None:
    """What is set up, how, and whether it was proposed; for the scale also the field in which the distance is typed."""
    left, width = layout.panel.left_px + layout.px(PAD), layout.panel.width_px - 2 * layout.px(PAD)
    if isinstance(setup, RegionSetup):
        bottom = keypad_area(layout, len(ARROWS), ARROW_ROW).top_px
        kind, size = "region", f"{setup.box.right_px - setup.box.left_px} × {setup.box.bottom_px - setup.box.top_px}"
    else:
        field = field_rect(layout, Typing.NUMBER)
        bottom, kind, size = field.top_px, "scale", ""
        asked = Question(Said("setup-scale"), typing=Typing.NUMBER, typed=setup.typed.text, unit="mm")
        draw_field(canvas, asked, field, layout, painter)
    top = layout.px(TITLE_TOP)
    title = Rect(left, top, width, layout.px(TITLE_HEIGHT))
    draw_lines(canvas, texts(f"setup-{kind}"), title, (ON_PANEL, TITLE_TYPES), layout, painter)
    body = Rect(left, title.bottom_px, width, bottom - layout.px(4) - title.bottom_px)
    words = texts(f"setup-{kind}-{_said_of(setup)}")
    soft = Look(Weight.REGULAR, theme.INK, theme.PANEL)
    draw_lines(canvas, f"{words}. {size}" if size else words, body, (soft, BODY_TYPES), layout, painter)


def _said_of(setup: Setup) -> str:
    """The last word of the key of what is said: how it is done, that it was proposed, or that it cannot be."""
    if isinstance(setup, ScaleSetup) and setup.typed.text and setup.mm_per_px is None:
        return "refused"
    return "proposed" if setup.proposed else "how"


def _spot(image: Picture, point: PointPx, shape: tuple[int, int]) -> Spot:
    """The pixel of the canvas under a point of the picture."""
    height, width = shape
    x = (point.x_px + 0.5) * image.shape[1] / width - 0.5
    y = (point.y_px + 0.5) * image.shape[0] / height - 0.5
    return round(min(max(x, 0), image.shape[1] - 1)), round(min(max(y, 0), image.shape[0] - 1))


def _corner(image: Picture, at: Spot, inward: int, chosen: bool, unit: float) -> None:
    """A right angle on the corner; the chosen one is thick."""
    arm = round(HANDLE * unit)
    points = np.array([(at[0] + inward * arm, at[1]), at, (at[0], at[1] + inward * arm)], np.int32)
    weight = 5 if chosen else 2
    cv2.polylines(image, [points], False, theme.HALO, round((weight + 2) * unit), cv2.LINE_AA)
    cv2.polylines(image, [points], False, theme.TIP if chosen else theme.TARGET, round(weight * unit), cv2.LINE_AA)


def _tick(image: Picture, row: int, chosen: bool, unit: float) -> None:
    """A line across the picture at a depth, thin, with a thick end at the left: longer on the chosen one."""
    width = image.shape[1]
    colour = theme.TIP if chosen else theme.TARGET
    image[row, ::2] = colour
    reach, half = round((2 if chosen else 1) * TICK * unit), max(1, round((2 if chosen else 1) * unit))
    cv2.rectangle(image, (0, row - half - 1), (min(width - 1, reach + 1), row + half + 1), theme.HALO, cv2.FILLED)
    cv2.rectangle(image, (0, row - half), (min(width - 1, reach), row + half), colour, cv2.FILLED)


def _cross(image: Picture, at: Spot, *, diagonal: bool, colour: Colour, unit: float) -> None:
    reach = round(ARM * unit * (0.71 if diagonal else 1.0))
    arms = ((reach, reach), (reach, -reach)) if diagonal else ((reach, 0), (0, reach))
    for weight, ink in ((3, theme.HALO), (1, colour)):
        for across, down in arms:
            begin, end = (at[0] - across, at[1] - down), (at[0] + across, at[1] + down)
            cv2.line(image, begin, end, ink, max(1, round(weight * unit)), cv2.LINE_AA)
