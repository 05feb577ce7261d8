"""Several pictures with their captions on one sheet."""

from dataclasses import dataclass

import numpy as np

from barbotage_device.bedside import theme
from barbotage_device.bedside.text import Picture, TextPainter, TextStyle, Weight, blit, cap_height_px
from barbotage_device.errors import InvalidInputError

GAP_PX = 16
CAPTION_HEIGHT_PX = 34
CAPTION_TYPE_PX = 18


@dataclass(frozen=True, slots=True)
class Moment:
    """One picture, BGR uint8 (h, w, 3), and one line on what it shows."""

    caption: str
    picture: Picture


def contact_sheet(moments: list[Moment], columns: int) -> Picture:
    """All moments in reading order, each under its caption: BGR uint8. The cells are as large as the largest picture.

    Raises InvalidInputError without moments or with fewer than one column.
    """
    if not moments or columns < 1:
        raise InvalidInputError(f"a contact sheet needs moments and columns; got {len(moments)} moments in {columns} columns")
    columns = min(columns, len(moments))
    rows = -(-len(moments) // columns)
    cell_width = max(m.picture.shape[1] for m in moments)
    cell_height = max(m.picture.shape[0] for m in moments) + CAPTION_HEIGHT_PX
    sheet = np.empty((GAP_PX + rows * (cell_height + GAP_PX), GAP_PX + columns * (cell_width + GAP_PX), 3), np.uint8)
    sheet[:] = theme.GROUND
    style = TextStyle(CAPTION_TYPE_PX, Weight.BOLD, theme.INK, theme.GROUND)
    painter = TextPainter()
    for index, moment in enumerate(moments):
        left = GAP_PX + index % columns * (cell_width + GAP_PX)
        top = GAP_PX + index // columns * (cell_height + GAP_PX)
        words = painter.fitted(moment.caption, style, cell_width)
        blit(sheet, words, left, top + (CAPTION_HEIGHT_PX + cap_height_px(style)) // 2)
        height, width = moment.picture.shape[:2]
        sheet[top + CAPTION_HEIGHT_PX : top + CAPTION_HEIGHT_PX + height, left : left + width] = moment.picture
    return sheet
