"""Where the touch targets of a picture lie, and which one a finger hit. Pure: the same view and layout give the same targets."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from barbotage_device.bedside.keypad import SIGN, SPACE, rows
from barbotage_device.bedside.layout import Layout, Rect
from barbotage_device.bedside.procedure_signs import (
    BACKSPACE,
    DIGITS,
    ENTER,
    MOST_BUTTONS,
    SHIFT,
    Button,
    Layer,
    ProcedureSigns,
    Question,
    Typing,
)
from barbotage_device.bedside.setup import RegionSetup, Setup, Wish
from barbotage_device.bedside.texts import MINUS, Texts, texts_in
from barbotage_device.bedside.view import BedsideView
from barbotage_models.contract.geometry import PointPx

# In units of the 800x480 screen, of which one is 0.19 mm on a 7 inch panel: 48 units are 9.1 mm.
BUTTONS_HEIGHT = 124
KEYPAD_MARGIN = 4
NUMBER_ROW, TEXT_ROW = 56, 48
ENTER_WIDTH, DIGITS_WIDTH = 150, 70
ARROW_ROW = 72
ARROWS = ((None, Wish.UP, None), (Wish.LEFT, Wish.OTHER, Wish.RIGHT), (None, Wish.DOWN, None))


class Form(StrEnum):
    """What a target looks like."""

    BUTTON = "button"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Target:
    """One touch target: what it gives back, where it is felt (it is drawn a little smaller), and what stands on it."""

    sign: str
    rect: Rect
    words: str
    form: Form
    main: bool = False
    enabled: bool = True


def targets(layout: Layout, view: BedsideView) -> tuple[Target, ...]:
    """All targets of the picture of ``view``; none overlaps another, and none lies on the image."""
    texts = texts_in(view.language)
    if view.setup is not None:
        return _setup_targets(layout, view.setup, texts)
    signs = view.procedure
    if signs is None:
        return ()
    if signs.question is not None and signs.question.typing is not None:
        return _typing_targets(layout, signs, signs.question, signs.question.typing, texts)
    return tuple(_button(button, rect, texts) for button, rect in _places(buttons_area(layout), signs.buttons[:MOST_BUTTONS]))


def hit(layout: Layout, view: BedsideView, x_px: float, y_px: float) -> str | None:
    """The wish, character or sign of the keypad that lies at a point of the picture; None beside every target and on a disabled one."""
    for target in targets(layout, view):
        if target.enabled and _holds(target.rect, x_px, y_px):
            return target.sign
    return None


def region_point(layout: Layout, view: BedsideView, x_px: float, y_px: float) -> PointPx | None:
    """The point of ``view.pixels`` at a point of the picture; None outside the image."""
    return unbounded_point(layout, view, x_px, y_px) if _holds(layout.image, x_px, y_px) else None


def unbounded_point(layout: Layout, view: BedsideView, x_px: float, y_px: float) -> PointPx:
    """The same, also for a finger that left the image while it dragged."""
    image, (height, width) = layout.image, view.pixels.shape
    across, down = (x_px - image.left_px + 0.5) / image.width_px, (y_px - image.top_px + 0.5) / image.height_px
    return PointPx(across * width - 0.5, down * height - 0.5)


def region_length_px(layout: Layout, view: BedsideView, units: float) -> float:
    """How many pixels of ``view.pixels`` a length in units of the 800x480 screen covers: the reach of a finger, for calipers."""
    return float(units * layout.unit * view.pixels.shape[1] / layout.image.width_px)


def buttons_area(layout: Layout) -> Rect:
    """The foot of the panel, where the buttons of a procedure stand."""
    height, aside = layout.px(BUTTONS_HEIGHT), layout.px(8)
    return Rect(layout.panel.left_px + aside, layout.panel.bottom_px - height, layout.panel.width_px - 2 * aside, height)


def keypad_area(layout: Layout, row_count: int, row_height: float) -> Rect:
    """The foot of the panel that a keypad takes."""
    height, aside = row_count * layout.px(row_height), layout.px(KEYPAD_MARGIN)
    return Rect(layout.panel.left_px + aside, layout.panel.bottom_px - height, layout.panel.width_px - 2 * aside, height)


def split(rect: Rect, columns: int, row_count: int) -> list[list[Rect]]:
    """The rectangle cut into cells without gaps, row by row."""
    across = [rect.left_px + round(rect.width_px * i / columns) for i in range(columns + 1)]
    down = [rect.top_px + round(rect.height_px * i / row_count) for i in range(row_count + 1)]
    return [[Rect(left, top, right - left, bottom - top) for left, right in pairwise(across)] for top, bottom in pairwise(down)]


def _holds(rect: Rect, x_px: float, y_px: float) -> bool:
    return rect.left_px <= x_px < rect.right_px and rect.top_px <= y_px < rect.bottom_px


def _button(button: Button, rect: Rect, texts: Texts) -> Target:
    return Target(button.wish, rect, texts.said(button.said), Form.BUTTON, button.main, button.enabled)


def _places(area: Rect, buttons: tuple[Button, ...]) -> list[tuple[Button, Rect]]:
    """Two columns; an odd last one takes its row, one row takes the whole height."""
    pairs = [buttons[begin : begin + 2] for begin in range(0, len(buttons), 2)]
    placed: list[tuple[Button, Rect]] = []
    for row, pair in enumerate(pairs):
        line = split(area, 1, len(pairs))[row][0]
        placed += zip(pair, split(line, len(pair), 1)[0], strict=True)
    return placed


def _typing_targets(
    layout: Layout, signs: ProcedureSigns, question: Question, typing: Typing, texts: Texts
) -> tuple[Target, ...]:
    """The keypad in the panel; in the strip the turn to the digits, the buttons, and enter."""
    strip, enter = layout.strip, layout.px(ENTER_WIDTH)
    digits = layout.px(DIGITS_WIDTH) if typing is Typing.TEXT else 0
    found = list(_keypad(layout, rows(typing, question.layer, texts.language), typing))
    if digits:
        words = "abc" if question.layer is Layer.DIGITS else "123"
        found.append(Target(DIGITS, Rect(0, strip.top_px, digits, strip.height_px), words, Form.KEY))
    middle = Rect(digits, strip.top_px, strip.width_px - digits - enter, strip.height_px)
    buttons = signs.buttons[:MOST_BUTTONS]
    if buttons:
        found += [_button(one, rect, texts) for one, rect in zip(buttons, split(middle, len(buttons), 1)[0], strict=True)]
    last = Rect(strip.right_px - enter, strip.top_px, enter, strip.height_px)
    return (*found, Target(ENTER, last, texts("button-enter"), Form.BUTTON, main=not any(one.main for one in buttons)))


def _keypad(layout: Layout, lines: tuple[tuple[str, ...], ...], typing: Typing) -> tuple[Target, ...]:
    area = keypad_area(layout, len(lines), NUMBER_ROW if typing is Typing.NUMBER else TEXT_ROW)
    cells = split(area, 1, len(lines))
    found: list[Target] = []
    for line, (whole,) in zip(lines, cells, strict=True):
        for key, rect in zip(line, split(whole, len(line), 1)[0], strict=True):
            found.append(Target(key, rect, _key_words(key), Form.KEY))
    return tuple(found)


def _key_words(key: str) -> str:
    """What stands on a key; empty where a shape does."""
    if key in (SHIFT, BACKSPACE, SPACE):
        return ""
    return MINUS if key == SIGN else key


def _setup_targets(layout: Layout, setup: Setup, texts: Texts) -> tuple[Target, ...]:
    strip = layout.strip
    if isinstance(setup, RegionSetup):
        cells = split(keypad_area(layout, len(ARROWS), ARROW_ROW), 3, 3)
        pad = [
            Target(wish, rect, texts("setup-corner") if wish is Wish.OTHER else "", Form.KEY)
            for line, row in zip(ARROWS, cells, strict=True)
            for wish, rect in zip(line, row, strict=True)
            if wish is not None
        ]
        cancel, done = split(strip, 2, 1)[0]
    else:
        pad = list(_keypad(layout, rows(Typing.NUMBER, Layer.LOWER, texts.language), Typing.NUMBER))
        up, down, other, cancel, done = split(strip, 5, 1)[0]
        pad += [Target(Wish.UP, up, "", Form.KEY), Target(Wish.DOWN, down, "", Form.KEY)]
        pad.append(Target(Wish.OTHER, other, texts("setup-tick"), Form.BUTTON))
    ready = isinstance(setup, RegionSetup) or setup.mm_per_px is not None
    return (
        *pad,
        Target(Wish.CANCEL, cancel, texts("button-cancel"), Form.BUTTON),
        Target(Wish.DONE, done, texts("button-done"), Form.BUTTON, main=True, enabled=ready),
    )
