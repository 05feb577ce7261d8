"""The touch targets as pixels: plates in words and form, never told apart by colour only."""

import cv2
import numpy as np

from barbotage_device.bedside import theme
from barbotage_device.bedside.icons import Pen, arrow_icon, backspace_icon, shift_icon, space_icon
from barbotage_device.bedside.keypad import SPACE
from barbotage_device.bedside.layout import Layout
from barbotage_device.bedside.marks import dashes
from barbotage_device.bedside.procedure_signs import BACKSPACE, SHIFT
from barbotage_device.bedside.setup import Wish
from barbotage_device.bedside.targets import Form, Target
from barbotage_device.bedside.text import LINE_EM, Look, Patch, Picture, TextPainter, Weight, blit, block, cap_height_px
from barbotage_device.bedside.theme import Colour

BUTTON_INSET, KEY_INSET = 3, 2
"""A target is felt over its whole cell and drawn a little smaller."""
BUTTON_TYPES = (22, 20, 18, 16, 15, 14, 13, 12)
KEY_TYPES = (27, 22, 18, 15, 13, 12)
PAD, MAIN_PAD = 6, 9
"""Free around the words; the second frame of the main one takes more."""
ICON_RADIUS = 14
_ARROWS = {Wish.LEFT: (-1, 0), Wish.RIGHT: (1, 0), Wish.UP: (0, -1), Wish.DOWN: (0, 1)}


def draw_targets(canvas: Picture, found: tuple[Target, ...], layout: Layout, painter: TextPainter) -> None:
    """Draws every target in its place."""
    for target in found:
        _draw(canvas, target, layout, painter)


def _draw(canvas: Picture, target: Target, layout: Layout, painter: TextPainter) -> None:
    rect = target.rect.grown(-layout.px(BUTTON_INSET if target.form is Form.BUTTON else KEY_INSET))
    size = rect.width_px, rect.height_px
    key = ("target", target.sign, target.words, target.form, target.main, target.enabled, size, layout.unit)
    blit(canvas, painter.shape(key, lambda: _plate(target, size, layout, painter)), rect.left_px, rect.top_px)


def _plate(target: Target, size_px: tuple[int, int], layout: Layout, painter: TextPainter) -> Patch:
    width, height = size_px
    look = _look(target)
    plate = np.empty((height, width, 3), np.uint8)
    plate[:] = look.ground
    _frame(plate, target, layout, look)
    if target.words:
        _words(plate, target, layout, painter, look)
    else:
        _shape(Pen(plate, (width / 2 - 0.5, height / 2 - 0.5), min(layout.px(ICON_RADIUS), height * 0.32), look.ink), target.sign)
    return Patch(plate, 0)


def _look(target: Target) -> Look:
    if not target.enabled:
        return Look(Weight.REGULAR, theme.FAINT, theme.PANEL)
    if target.main:
        return Look(Weight.BOLD, theme.DARK_INK, theme.INK)
    return Look(Weight.BOLD, theme.INK, theme.RAISED)


def _frame(plate: Picture, target: Target, layout: Layout, look: Look) -> None:
    """A broken frame on what is disabled, a second frame inside the main one, a plain one on all else."""
    height, width = plate.shape[:2]
    if not target.enabled:
        _dashed(plate, theme.FAINT, layout)
    elif target.main:
        inset = layout.px(2)
        cv2.rectangle(plate, (inset, inset), (width - 1 - inset, height - 1 - inset), look.ink, layout.px(1.5))
    elif target.form is Form.BUTTON:
        cv2.rectangle(plate, (0, 0), (width - 1, height - 1), theme.SOFT, 1)


def _dashed(plate: Picture, colour: Colour, layout: Layout) -> None:
    height, width = plate.shape[:2]
    for (begin, _), (end, _) in dashes((0.0, 0.0), (float(width), 0.0), layout.px(6), layout.px(6)):
        plate[0, round(begin) : round(end)] = plate[-1, round(begin) : round(end)] = colour
    for (_, begin), (_, end) in dashes((0.0, 0.0), (0.0, float(height)), layout.px(6), layout.px(6)):
        plate[round(begin) : round(end), 0] = plate[round(begin) : round(end), -1] = colour


def _words(plate: Picture, target: Target, layout: Layout, painter: TextPainter, look: Look) -> None:
    height, width = plate.shape[:2]
    types = BUTTON_TYPES if target.form is Form.BUTTON else KEY_TYPES
    room = width - 2 * layout.px(PAD), height - layout.px(MAIN_PAD if target.main else PAD)
    lines, style = block(painter, target.words, look, tuple(layout.px(size) for size in types), room)
    step = round(LINE_EM * style.size_px)
    base = (height - (len(lines) - 1) * step + cap_height_px(style)) // 2
    for line in lines:
        blit(plate, line, (width - line.width_px) // 2, base)
        base += step


def _shape(pen: Pen, sign: str) -> None:
    if sign in _ARROWS:
        arrow_icon(pen, *_ARROWS[Wish(sign)])
    elif sign == BACKSPACE:
        backspace_icon(pen)
    elif sign == SHIFT:
        shift_icon(pen)
    elif sign == SPACE:
        space_icon(pen)
