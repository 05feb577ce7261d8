"""The one plot: every condition's first-pass share and distance to the target with their intervals, beside the published anchors."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from barbotage_models.contract.geometry import GreyImage
from barbotage_models.evaluation.intervals import Estimate
from barbotage_models.evaluation.virtual_procedure.conditions import Told
from barbotage_models.evaluation.virtual_procedure.summary import Row

WIDTH, ROW, HEAD, FOOT, GROUP = 1500, 34, 120, 110, 44
LABEL_X, LABEL_SIZE, FONT = 24, 0.56, cv2.FONT_HERSHEY_SIMPLEX
INK, FAINT, PAPER = (40, 40, 40), (205, 205, 205), (255, 255, 255)
COLOURS = {Told.IMAGE: (60, 110, 200), Told.ORACLE: (70, 140, 60), Told.GUIDANCE: (170, 90, 30)}
"""Blue, green, red and so on in OpenCV's order; each row also carries its name."""
WRONG = (60, 40, 200)
SUBPIXEL = 4
"""Bits of OpenCV's fractional coordinates."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One column of the plot: from ``low`` to ``high`` between two x positions; ``anchors`` are published values with their name."""

    title: str
    name: str
    low: float
    high: float
    left: int
    right: int
    ticks: tuple[float, ...]
    anchors: tuple[tuple[float, str], ...]

    def x(self, value: float) -> float:
        """Where a value lies; values outside lie on the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.left + share * (self.right - self.left)


AXES = (
    Axis(
        "first pass, share of procedures",
        "first_pass",
        0.0,
        1.0,
        360,
        900,
        (0.0, 0.25, 0.5, 0.75, 1.0),
        ((0.764, "76 %"), (0.889, "89 %")),
    ),
    Axis(
        "mean distance of tip to target, mm",
        "distance",
        0.0,
        8.0,
        960,
        1460,
        (0.0, 2.0, 4.0, 6.0, 8.0),
        ((1.6, "1.6"), (2.6, "2.6")),
    ),
)
"""Anchors: 35 clinicians, porcine, with and without needle guidance."""


def plot(rows: Sequence[Row], runs: int) -> GreyImage:
    """A picture (h, w, 3), BGR, uint8."""
    groups = list(dict.fromkeys(row.condition.group for row in rows))
    height = HEAD + FOOT + ROW * len(rows) + GROUP * len(groups)
    picture = np.full((height, WIDTH, 3), 255, dtype=np.uint8)
    _text(picture, f"Virtual procedure: {runs} procedures a condition, 95 % intervals", (LABEL_X, 36), 0.8)
    _text(picture, "The operator is a model: this ranks designs and proves nothing clinical.", (LABEL_X, 64), LABEL_SIZE)
    for axis in AXES:
        _axis(picture, axis, HEAD, height - FOOT)
    y = HEAD
    for group in groups:
        _text(picture, group, (LABEL_X, y + 30), 0.62, bold=True)
        y += GROUP
        for row in (one for one in rows if one.condition.group == group):
            _row(picture, row, y + ROW // 2)
            y += ROW
    _text(
        picture,
        "Dashed: 35 clinicians, porcine tissue: 76 % and 2.6 mm with the image only, 89 % and 1.6 mm with needle guidance.",
        (LABEL_X, height - 42),
        LABEL_SIZE,
    )
    _text(picture, "An arrow: the value lies further out.", (LABEL_X, height - 18), LABEL_SIZE)
    return picture


def _axis(picture: GreyImage, axis: Axis, top: int, bottom: int) -> None:
    _text(picture, axis.title, (axis.left, top - 28), 0.6, bold=True)
    for tick in axis.ticks:
        x = round(axis.x(tick))
        cv2.line(picture, (x, top), (x, bottom), FAINT, 1)
        label = f"{100 * tick:.0f} %" if axis.high <= 1.0 else f"{tick:g}"
        _text(picture, label, (x - 12, bottom + 22), 0.5)
    for number, (value, label) in enumerate(axis.anchors):
        x = round(axis.x(value))
        for y in range(top, bottom, 12):
            cv2.line(picture, (x, y), (x, y + 6), INK, 1)
        _text(picture, label, (x - 42 if number == 0 else x + 6, top - 6), 0.46)


def _row(picture: GreyImage, row: Row, y: int) -> None:
    condition = row.condition
    colour = WRONG if condition.fault is not None else COLOURS[condition.told]
    _text(picture, condition.name, (LABEL_X + 18, y + 5), LABEL_SIZE)
    for axis in AXES:
        _estimate(picture, axis, row.figures[axis.name], y, colour)


def _estimate(picture: GreyImage, axis: Axis, estimate: Estimate, y: int, colour: tuple[int, int, int]) -> None:
    if estimate.value > axis.high:
        cv2.arrowedLine(picture, (axis.right - 26, y), (axis.right + 6, y), colour, 2, cv2.LINE_AA, tipLength=0.4)
        _text(picture, f"{estimate.value:.0f}", (axis.right - 60, y + 5), 0.5)
        return
    low, middle, high = (round(axis.x(v) * 2**SUBPIXEL) for v in (estimate.low, estimate.value, estimate.high))
    row = y * 2**SUBPIXEL
    cv2.line(picture, (low, row), (high, row), colour, 2, cv2.LINE_AA, SUBPIXEL)
    cv2.circle(picture, (middle, row), 6 * 2**SUBPIXEL, PAPER, cv2.FILLED, cv2.LINE_AA, SUBPIXEL)
    cv2.circle(picture, (middle, row), 5 * 2**SUBPIXEL, colour, cv2.FILLED, cv2.LINE_AA, SUBPIXEL)


def _text(picture: GreyImage, text: str, at: tuple[int, int], size: float, *, bold: bool = False) -> None:
    cv2.putText(picture, text, at, FONT, size, INK, 2 if bold else 1, cv2.LINE_AA)
