"""A number drawn into a frame as black and white squares, and read back from a picture of it: shows which frame is really seen."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

BITS = 20
CELL_PX = 12
"""Wide enough to survive JPEG and a page that shows the frame smaller."""
TOP_PX = 4
LEFT_PX = 4
BLACK, WHITE = 8, 248

Grey = npt.NDArray[np.uint8]


def draw_barcode(pixels: Grey, number: int) -> None:
    """Draws ``number`` (below 2**20) into the top left corner, with a parity square at the end; needs 256 x 20 pixels."""
    for position, bit in enumerate(_squares(number)):
        x0 = LEFT_PX + position * CELL_PX
        pixels[TOP_PX : TOP_PX + CELL_PX, x0 : x0 + CELL_PX] = WHITE if bit else BLACK


def read_barcode(picture: Grey, place: Callable[[float, float], tuple[float, float]] | None = None) -> int | None:
    """The number in a grey picture, None when there is none to be read.

    ``place`` gives the picture's pixel of a frame's pixel (x, y); the same pixel without it.
    """
    values = []
    for position in range(BITS + 1):
        x, y = LEFT_PX + (position + 0.5) * CELL_PX - 0.5, TOP_PX + CELL_PX / 2 - 0.5
        column, row = place(x, y) if place is not None else (x, y)
        value = int(picture[round(row), round(column)])
        if abs(value - BLACK) > 60 and abs(value - WHITE) > 60:
            return None
        values.append(value > 128)
    number = sum(int(bit) << index for index, bit in enumerate(values[:BITS]))
    return number if _squares(number) == values else None


def _squares(number: int) -> list[bool]:
    bits = [bool(number >> index & 1) for index in range(BITS)]
    return [*bits, sum(bits) % 2 == 0]
