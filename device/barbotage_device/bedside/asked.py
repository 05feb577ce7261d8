"""What a procedure puts in the panel's place as pixels: a question, what is typed to it, and the names of the picture's two ends above it."""

import cv2

from barbotage_device.bedside import theme
from barbotage_device.bedside.base import PAD, chip_rect
from barbotage_device.bedside.icons import Pen, arrow_icon
from barbotage_device.bedside.keypad import SIGN
from barbotage_device.bedside.layout import Layout, Rect
from barbotage_device.bedside.procedure_signs import ProcedureSigns, Question, Typing
from barbotage_device.bedside.reading import StripForm, StripLine
from barbotage_device.bedside.strip import TYPES, line_patch
from barbotage_device.bedside.targets import NUMBER_ROW, TEXT_ROW, buttons_area, keypad_area
from barbotage_device.bedside.text import (
    ELLIPSIS,
    LINE_EM,
    Look,
    Patch,
    Picture,
    TextPainter,
    TextStyle,
    Weight,
    blit,
    block,
    cap_height_px,
    fit,
    width_px,
)
from barbotage_device.bedside.texts import MINUS, Texts

# In units of the 800x480 screen.
HEADER_HEIGHT = 29
QUESTION_TOP, QUESTION_FOOT = 78, 8
TITLE_TYPES = (30, 27, 24, 22, 20, 18, 16)
ANSWERED_TYPES = (24, 22, 20, 18, 16, 15)
ANSWERED_HEIGHT = 60
PLACE_TYPE = 17
TYPED_TITLE_TYPES = (24, 22, 20, 18, 16, 15, 14, 13, 12)
FIELD_HEIGHT = {Typing.NUMBER: 52, Typing.TEXT: 30}
FIELD_TYPE = {Typing.NUMBER: 38, Typing.TEXT: 20}
KEYPAD_ROWS = {Typing.NUMBER: (5, NUMBER_ROW), Typing.TEXT: (7, TEXT_ROW)}
END_TYPE = 14
UNIT_WORDS = {"degC": "°C"}
"""Units of the records that are written otherwise for a person."""
ON_PANEL = Look(Weight.BOLD, theme.INK, theme.PANEL)


def draw_question(canvas: Picture, question: Question, texts: Texts, layout: Layout, painter: TextPainter) -> None:
    """A question that the buttons answer: its place in the list, its words, and below them what stands recorded."""
    panel, pad = layout.panel, layout.px(PAD)
    left, width = panel.left_px + pad, panel.width_px - 2 * pad
    bottom = buttons_area(layout).top_px - layout.px(QUESTION_FOOT)
    plate = Rect(left, bottom - layout.px(ANSWERED_HEIGHT), width, layout.px(ANSWERED_HEIGHT))
    top = layout.px(QUESTION_TOP)
    if question.place:
        style = TextStyle(layout.px(PLACE_TYPE), Weight.BOLD, theme.SOFT, theme.PANEL)
        blit(canvas, painter.patch(question.place, style), left, top + cap_height_px(style))
        top += layout.px(PLACE_TYPE + 8)
    room = Rect(left, top, width, plate.top_px - layout.px(6) - top)
    draw_lines(canvas, texts.said(question.title), room, (ON_PANEL, TITLE_TYPES), layout, painter)
    _draw_answered(canvas, question, texts, plate, layout, painter)


def draw_typing(canvas: Picture, question: Question, texts: Texts, layout: Layout, painter: TextPainter) -> Rect:
    """The title and the field of a question whose answer is typed, above its keypad; gives the rectangle of the title, where a prompt may stand."""
    typing = question.typing or Typing.NUMBER
    field = field_rect(layout, typing)
    top = layout.px(HEADER_HEIGHT)
    title = Rect(field.left_px, top, field.width_px, field.top_px - layout.px(3) - top)
    words = f"{question.place}   {texts.said(question.title)}" if question.place else texts.said(question.title)
    draw_lines(canvas, words, title, (ON_PANEL, TYPED_TITLE_TYPES), layout, painter)
    draw_field(canvas, question, field, layout, painter)
    return Rect(layout.panel.left_px, 0, layout.panel.width_px, field.top_px)


def draw_banner(canvas: Picture, lines: tuple[StripLine, ...], rect: Rect, layout: Layout, painter: TextPainter) -> None:
    """What the strip would say, over the title, while the strip holds keys. The first line only: there is no room for more."""
    if lines and lines[0].text and (lines[0].priority is not None or lines[0].form is not StripForm.PLAIN):
        patch = line_patch(lines[0], layout, painter, (rect.width_px, rect.height_px), TYPES)
        blit(canvas, patch, rect.left_px, rect.top_px)


def draw_pairing_line(canvas: Picture, text: str, layout: Layout, painter: TextPainter) -> None:
    """A pairing code in the place of the state's plate, while a question takes the panel."""
    rect = chip_rect(layout)
    patch = line_patch(StripLine(text, None, StripForm.ANSWER), layout, painter, (rect.width_px, rect.height_px), TYPES)
    blit(canvas, patch, rect.left_px, rect.top_px)


def field_rect(layout: Layout, typing: Typing) -> Rect:
    """Where the typed words stand, above the keypad."""
    rows, row_height = KEYPAD_ROWS[typing]
    keypad, height, pad = keypad_area(layout, rows, row_height), layout.px(FIELD_HEIGHT[typing]), layout.px(PAD)
    return Rect(layout.panel.left_px + pad, keypad.top_px - layout.px(3) - height, layout.panel.width_px - 2 * pad, height)


def draw_field(canvas: Picture, question: Question, field: Rect, layout: Layout, painter: TextPainter) -> None:
    """The typed words with a caret, their end in view, and the unit."""
    typing = question.typing or Typing.NUMBER
    canvas[field.slices] = theme.GROUND
    cv2.rectangle(canvas, (field.left_px, field.top_px), (field.right_px - 1, field.bottom_px - 1), theme.INK, 1)
    style = TextStyle(layout.px(FIELD_TYPE[typing]), Weight.BOLD, theme.INK, theme.GROUND)
    base = field.top_px + (field.height_px + cap_height_px(style)) // 2
    right = field.right_px - layout.px(8)
    if question.unit:
        soft = TextStyle(layout.px(min(22, FIELD_TYPE[typing])), Weight.REGULAR, theme.SOFT, theme.GROUND)
        unit = painter.patch(UNIT_WORDS.get(question.unit, question.unit), soft)
        right = right - unit.width_px - layout.px(6)
        blit(canvas, unit, right + layout.px(6), base)
    left = field.left_px + layout.px(8)
    typed = question.typed.replace(SIGN, MINUS) if typing is Typing.NUMBER else question.typed
    end = left
    if typed:
        end = blit(canvas, _tail(painter, typed, style, right - layout.px(5) - left), left, base)
    canvas[field.top_px + layout.px(5) : field.bottom_px - layout.px(5), end + layout.px(2) : end + layout.px(4)] = (
        theme.PROPOSAL_INK
    )


def draw_ends(canvas: Picture, signs: ProcedureSigns, texts: Texts, layout: Layout, painter: TextPainter) -> None:
    """What lies at the left and at the right end of the picture, above its corners and outside it."""
    row, look = layout.ends, Look(Weight.BOLD, theme.SOFT, theme.GROUND)
    sizes, radius = (layout.px(END_TYPE), layout.px(END_TYPE - 2)), layout.px(5)
    middle, room = row.top_px + row.height_px // 2, row.width_px // 2 - 4 * radius
    for said, sense in ((signs.left_end, -1), (signs.right_end, 1)):
        if said is None:
            continue
        words, style = fit(painter, texts.said(said), look, sizes, room)
        base, edge = middle + cap_height_px(style) // 2, row.left_px if sense < 0 else row.right_px
        arrow_icon(Pen(canvas, (edge - sense * radius, middle), radius, theme.SOFT), sense, 0)
        blit(canvas, words, edge + 3 * radius if sense < 0 else edge - 3 * radius - words.width_px, base)


def _tail(painter: TextPainter, text: str, style: TextStyle, room_px: int) -> Patch:
    """The patch of the text, its beginning replaced by an ellipsis when it is wider than its room: what is typed now is in view."""
    shown = text
    while width_px(shown, style) > room_px and len(shown) > 2:
        shown = ELLIPSIS + shown.removeprefix(ELLIPSIS)[1:]
    return painter.patch(shown, style)


def _draw_answered(canvas: Picture, question: Question, texts: Texts, plate: Rect, layout: Layout, painter: TextPainter) -> None:
    recorded = bool(question.answered)
    answer = question.answered or texts("answer-not-recorded")
    canvas[plate.slices] = theme.RAISED
    if recorded:
        canvas[plate.top_px : plate.bottom_px, plate.left_px : plate.left_px + layout.px(4)] = theme.INK
    look = Look(Weight.BOLD if recorded else Weight.REGULAR, theme.INK if recorded else theme.SOFT, theme.RAISED)
    pad = layout.px(12)
    room = Rect(
        plate.left_px + pad, plate.top_px + layout.px(4), plate.width_px - pad - layout.px(6), plate.height_px - layout.px(8)
    )
    draw_lines(canvas, texts("recorded-so-far", answer=answer), room, (look, ANSWERED_TYPES), layout, painter)


def draw_lines(
    canvas: Picture, text: str, room: Rect, letters: tuple[Look, tuple[int, ...]], layout: Layout, painter: TextPainter
) -> None:
    """Words in lines, in the upper left of a room."""
    look, types = letters
    sizes = tuple(layout.px(size) for size in types)
    lines, style = block(painter, text, look, sizes, (room.width_px, room.height_px))
    base = room.top_px + round(0.95 * style.size_px)
    for line in lines:
        blit(canvas, line, room.left_px, base)
        base += round(LINE_EM * style.size_px)
