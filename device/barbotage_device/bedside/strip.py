"""The strip as pixels: a prompt in its colour and shape, what waits for the pedal, what was just answered, or the plain sentence."""

from itertools import pairwise

import numpy as np

from barbotage_device.bedside import theme
from barbotage_device.bedside.base import PAD
from barbotage_device.bedside.icons import Pen, answer_icon, pedal_icon, prompt_icon
from barbotage_device.bedside.layout import Layout
from barbotage_device.bedside.marks import dashes
from barbotage_device.bedside.reading import StripForm, StripLine
from barbotage_device.bedside.text import LINE_EM, Look, Patch, Picture, TextPainter, Weight, blit, block, cap_height_px
from barbotage_device.bedside.theme import Colour

ICON_SHARE = 0.44
"""Radius of an icon, of the height of its line, where that is lower than the strip."""
FRAME_ROOM = 4
"""Rows that the words leave to the frame."""
PROPOSAL_ICON_SHARE = 0.36
"""Its frame needs room."""
MOST_ICON = 19
STATE_TYPE = 20
TYPES = (32, 28, 25, 22, 20, 19, 18, 17, 16, 15, 14, 13, 12)
"""Type sizes of what is said to be acted on: the largest in which the words fit. At 32, a capital has 25 px: 4.8 mm on a 7 inch panel."""
TYPE_SHARE = 0.68
"""No type is larger than this share of the height: the frame and the accents need the rest."""


def draw_strip(canvas: Picture, lines: tuple[StripLine, ...], layout: Layout, painter: TextPainter, taken_px: int = 0) -> None:
    """One line over the whole width, or up to three side by side. ``taken_px``: rows below them that are another's."""
    height, top = layout.strip.height_px - 1 - taken_px, layout.strip.top_px + 1
    edges = [round(layout.strip.width_px * place / len(lines)) for place in range(len(lines) + 1)]
    for line, (left, right) in zip(lines, pairwise(edges), strict=True):
        if line.text:
            blit(canvas, line_patch(line, layout, painter, (right - left, height), TYPES), left, top)


def line_patch(line: StripLine, layout: Layout, painter: TextPainter, size_px: tuple[int, int], types: tuple[int, ...]) -> Patch:
    """A line as a plate of (width, height)."""
    return painter.shape(("strip", line, layout, size_px, types), lambda: _plate(line, layout, painter, size_px, types))


def _plate(line: StripLine, layout: Layout, painter: TextPainter, size_px: tuple[int, int], types: tuple[int, ...]) -> Patch:
    width, height = size_px
    plain = line.priority is None and line.form is StripForm.PLAIN
    look = _look(line)
    plate = np.empty((height, width, 3), np.uint8)
    plate[:] = look.ground
    left = layout.px(PAD)
    if not plain:
        share = ICON_SHARE if line.form is not StripForm.PROPOSAL else PROPOSAL_ICON_SHARE
        radius = min(layout.px(MOST_ICON), int(height * share))
        _icon(plate, line, (left + radius, height / 2 - 0.5), radius, look)
        left += 2 * radius + layout.px(PAD)
    if line.priority is None and line.form is StripForm.PROPOSAL:
        _dashed_frame(plate, layout, look.ink)
    low = tuple(size for size in types if layout.px(size) <= TYPE_SHARE * height) or types[-1:]
    sizes = (STATE_TYPE,) if plain else low
    room = width - layout.px(PAD) - left
    lines, style = block(
        painter, line.text, look, tuple(layout.px(size) for size in sizes), (room, height - layout.px(FRAME_ROOM))
    )
    step = round(LINE_EM * style.size_px)
    base = (height - (len(lines) - 1) * step + cap_height_px(style)) // 2
    for words in lines:
        blit(plate, words, left, base)
        base += step
    return Patch(plate, 0)


def _look(line: StripLine) -> Look:
    if line.priority is not None:
        return Look(Weight.BOLD, theme.PROMPT_INK[line.priority], theme.PROMPT_GROUND[line.priority])
    if line.form is StripForm.PROPOSAL:
        return Look(Weight.BOLD, theme.PROPOSAL_INK, theme.PROPOSAL_GROUND)
    if line.form is StripForm.ANSWER:
        return Look(Weight.BOLD, theme.INK, theme.RAISED)
    return Look(Weight.REGULAR, theme.SOFT, theme.GROUND)


def _icon(plate: Picture, line: StripLine, centre_px: tuple[float, float], radius: float, look: Look) -> None:
    pen = Pen(plate, centre_px, radius, look.ink)
    if line.priority is not None:
        prompt_icon(pen, line.priority, look.ground)
    elif line.form is StripForm.PROPOSAL:
        pedal_icon(pen)
    else:
        answer_icon(pen)


def _dashed_frame(plate: Picture, layout: Layout, colour: Colour) -> None:
    """What waits has a broken frame: nothing was done yet."""
    height, width = plate.shape[:2]
    thick, inset = layout.px(2), layout.px(1)
    for (begin, _), (end, _) in dashes((inset, 0.0), (width - inset, 0.0), layout.px(18), layout.px(10)):
        columns = slice(round(begin), round(end))
        plate[inset : inset + thick, columns] = colour
        plate[height - inset - thick : height - inset, columns] = colour
    plate[inset : height - inset, inset : inset + thick] = colour
    plate[inset : height - inset, width - inset - thick : width - inset] = colour
