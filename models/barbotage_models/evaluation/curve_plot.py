"""One picture of how far the confidences can be believed: a reliability diagram per sort of claim."""

from typing import Any

import cv2
import numpy as np

from barbotage_models.contract.geometry import GreyImage

SIDE, MARGIN, HEAD, FOOT = 380, 60, 48, 56
INK, FAINT, PAPER, MARK = (40, 40, 40), (205, 205, 205), 255, (170, 90, 30)
FONT, TITLE_SIZE, SMALL_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.62, 0.44
LEAST_RADIUS, MOST_RADIUS = 3.0, 13.0
TICKS = (0.0, 0.5, 1.0)


def reliability_plot(curves: dict[str, Any]) -> GreyImage:
    """The ``reliability`` of a measurement as a picture, BGR uint8: confidence to the right, share that is right upwards.

    A point per bin of ten, its area that of the claims in it; on the slanting line a confidence means what it says.
    """
    width = len(curves) * (SIDE + MARGIN) + MARGIN
    plot = np.full((HEAD + SIDE + FOOT, width, 3), PAPER, dtype=np.uint8)
    for index, (name, curve) in enumerate(curves.items()):
        _panel(plot, MARGIN + index * (SIDE + MARGIN), name, curve)
    return plot


def _panel(plot: GreyImage, left: int, name: str, curve: dict[str, Any]) -> None:
    def at(x: float, y: float) -> tuple[int, int]:
        return left + round(x * SIDE), HEAD + round((1.0 - y) * SIDE)

    ece = "" if curve["ece"] is None else f", calibration error {curve['ece']:.3f}"
    _text(plot, f"{name}: {curve['n']} claims{ece}", (left, HEAD - 18), TITLE_SIZE * 0.8)
    for tick in TICKS:
        cv2.line(plot, at(tick, 0.0), at(tick, 1.0), FAINT, 1)
        cv2.line(plot, at(0.0, tick), at(1.0, tick), FAINT, 1)
        _text(plot, f"{tick:.1f}", (at(tick, 0.0)[0] - 10, HEAD + SIDE + 18), SMALL_SIZE)
        _text(plot, f"{tick:.1f}", (left - 32, at(0.0, tick)[1] + 5), SMALL_SIZE)
    cv2.line(plot, at(0.0, 0.0), at(1.0, 1.0), INK, 1, cv2.LINE_AA)
    _text(plot, "confidence", (left + SIDE // 2 - 36, HEAD + SIDE + 38), SMALL_SIZE)
    most = max((one["n"] for one in curve["bins"]), default=1)
    for one in curve["bins"]:
        radius = LEAST_RADIUS + (MOST_RADIUS - LEAST_RADIUS) * (one["n"] / most) ** 0.5
        cv2.circle(plot, at(one["confidence"], one["right"]), round(radius), MARK, -1, cv2.LINE_AA)


def _text(plot: GreyImage, text: str, where: tuple[int, int], size: float) -> None:
    cv2.putText(plot, text, where, FONT, size, INK, 1, cv2.LINE_AA)
