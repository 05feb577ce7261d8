"""The shapes of the panel and the strip, each drawn inside a square; no two mean things by colour only."""

import math

import cv2
import numpy as np

from barbotage_device.bedside import theme
from barbotage_device.bedside.text import Picture
from barbotage_device.bedside.theme import Colour
from barbotage_device.bedside.view import DisplayState
from barbotage_device.guidance.aim import Turn
from barbotage_device.guidance.prompt import Priority
from barbotage_models.contract.taxonomy import EntrySide

SHIFT = 4
"""Sub-pixel bits of cv2's drawing functions."""
ONE = 1 << SHIFT


class Pen:
    """Draws in a square of side 2 (from -1 to 1 on both axes) placed on a canvas."""

    def __init__(self, canvas: Picture, centre_px: tuple[float, float], radius_px: float, colour: Colour) -> None:
        self.canvas, self.centre, self.radius, self.colour = canvas, centre_px, radius_px, colour
        self.width = max(1, round(radius_px * 0.2))

    def at(self, x: float, y: float) -> tuple[int, int]:
        """Fixed-point canvas position of a point of the square."""
        return round((self.centre[0] + x * self.radius) * ONE), round((self.centre[1] + y * self.radius) * ONE)

    def path(self, *points: tuple[float, float], closed: bool = False) -> None:
        """A line through the points."""
        array = np.array([self.at(*p) for p in points], np.int32)
        cv2.polylines(self.canvas, [array], closed, self.colour, self.width, cv2.LINE_AA, SHIFT)

    def area(self, *points: tuple[float, float], colour: Colour | None = None) -> None:
        """A filled polygon."""
        array = np.array([self.at(*p) for p in points], np.int32)
        cv2.fillPoly(self.canvas, [array], colour or self.colour, cv2.LINE_AA, SHIFT)

    def ring(self, x: float, y: float, radius: float) -> None:
        """A circle line."""
        cv2.circle(self.canvas, self.at(x, y), round(radius * self.radius * ONE), self.colour, self.width, cv2.LINE_AA, SHIFT)

    def dot(self, x: float, y: float, radius: float, colour: Colour | None = None) -> None:
        """A filled circle."""
        size = round(radius * self.radius * ONE)
        cv2.circle(self.canvas, self.at(x, y), size, colour or self.colour, cv2.FILLED, cv2.LINE_AA, SHIFT)


def state_icon(pen: Pen, state: DisplayState) -> None:
    """The shape of a state."""
    _STATE_SHAPES[state](pen)


def prompt_icon(pen: Pen, priority: Priority, mark: Colour) -> None:
    """Triangle (high), diamond (medium) or circle (low), with a mark inside."""
    if priority is Priority.HIGH:
        pen.area((0, -0.95), (1.0, 0.8), (-1.0, 0.8))
        pen.area((-0.11, -0.38), (0.11, -0.38), (0.07, 0.3), (-0.07, 0.3), colour=mark)
        pen.dot(0, 0.52, 0.11, mark)
    elif priority is Priority.MEDIUM:
        pen.area((0, -1.0), (1.0, 0), (0, 1.0), (-1.0, 0))
        pen.area((-0.11, -0.5), (0.11, -0.5), (0.07, 0.2), (-0.07, 0.2), colour=mark)
        pen.dot(0, 0.45, 0.11, mark)
    else:
        pen.ring(0, 0, 0.85)
        pen.dot(0, -0.42, 0.13)
        pen.path((0, -0.08), (0, 0.5))


def pedal_icon(pen: Pen) -> None:
    """A foot pedal from the side: a tread on a hinge above its base."""
    pen.path((-0.95, 0.75), (0.95, 0.75))
    pen.area((-0.95, 0.5), (0.8, -0.45), (0.9, -0.2), (-0.85, 0.72))
    pen.dot(-0.85, 0.55, 0.2)


def answer_icon(pen: Pen) -> None:
    """A plate with a tail: something was said back."""
    pen.path((-0.85, -0.7), (0.85, -0.7), (0.85, 0.3), (-0.1, 0.3), (-0.5, 0.85), (-0.5, 0.3), (-0.85, 0.3), closed=True)


def arrow_icon(pen: Pen, across: int, down: int) -> None:
    """A solid triangle that points along (across, down)."""
    pen.area(*[(across * x - down * y, down * x + across * y) for x, y in ((0.85, 0.0), (-0.6, 0.8), (-0.6, -0.8))])


def backspace_icon(pen: Pen) -> None:
    """A tag that points to the left, with a cross."""
    pen.path((-0.95, 0.0), (-0.35, -0.65), (0.95, -0.65), (0.95, 0.65), (-0.35, 0.65), closed=True)
    pen.path((0.0, -0.28), (0.56, 0.28))
    pen.path((0.0, 0.28), (0.56, -0.28))


def space_icon(pen: Pen) -> None:
    """A low bracket that opens upwards."""
    pen.path((-0.9, -0.1), (-0.9, 0.4), (0.9, 0.4), (0.9, -0.1))


def shift_icon(pen: Pen) -> None:
    """A hollow arrow upwards."""
    pen.path((0.0, -0.9), (0.9, 0.05), (0.4, 0.05), (0.4, 0.8), (-0.4, 0.8), (-0.4, 0.05), (-0.9, 0.05), closed=True)


def turn_icon(pen: Pen, turn: Turn, side: EntrySide | None) -> None:
    """How the needle's line should swing, seen from its side of entry: an arc arrow down or up; two parallels for hold."""
    mirror = -1.0 if side is EntrySide.RIGHT else 1.0
    if turn is Turn.HOLD:
        pen.path((-0.9 * mirror, -0.65), (0.9 * mirror, 0.25))
        pen.path((-0.9 * mirror, -0.2), (0.9 * mirror, 0.7))
        return
    reach = 1.45
    sense = 1.0 if turn is Turn.STEEPER else -1.0
    start, neck, point = (2.0, 50.0, 88.0) if turn is Turn.STEEPER else (84.0, 36.0, -2.0)

    def at(angle_deg: float, radius: float) -> tuple[float, float]:
        angle = math.radians(angle_deg)
        return mirror * (radius * math.cos(angle) - 0.75), radius * math.sin(angle) - 0.75

    pen.width = max(2, round(pen.radius * 0.26))
    pen.path(*[at(start + (neck - start) * i / 8, reach) for i in range(9)])
    pen.area(at(point, reach), at(neck - sense * 4, reach + 0.55), at(neck - sense * 4, reach - 0.55))


def heartbeat_icon(pen: Pen, step: int, steps: int, dot: Colour) -> None:
    """A ring with a dot that goes round: it stands still when the pictures do."""
    pen.colour = theme.HAIRLINE
    pen.ring(0, 0, 0.75)
    angle = math.tau * (step % steps) / steps
    pen.dot(0.75 * math.sin(angle), -0.75 * math.cos(angle), 0.36, dot)


def _confirmed(pen: Pen) -> None:
    pen.ring(0, 0, 0.55)
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        pen.path((0.55 * x, 0.55 * y), (x, y))


def _shaft_only(pen: Pen) -> None:
    for a, b in ((-1.0, -0.5), (-0.2, 0.3), (0.6, 1.0)):
        pen.path((a, a * 0.75), (b, b * 0.75))


def _searching(pen: Pen) -> None:
    for i in range(8):
        angle = i * math.pi / 4
        pen.dot(0.8 * math.cos(angle), 0.8 * math.sin(angle), 0.16)


def _lost(pen: Pen) -> None:
    pen.path((-0.75, -0.75), (0.75, 0.75))
    pen.path((-0.75, 0.75), (0.75, -0.75))


def _stale(pen: Pen) -> None:
    pen.path((-0.7, -0.9), (0.7, -0.9), (-0.7, 0.9), (0.7, 0.9), closed=True)
    pen.area((-0.38, 0.75), (0.38, 0.75), (0, 0.25))


def _frozen(pen: Pen) -> None:
    pen.area((-0.7, -0.8), (-0.2, -0.8), (-0.2, 0.8), (-0.7, 0.8))
    pen.area((0.2, -0.8), (0.7, -0.8), (0.7, 0.8), (0.2, 0.8))


def _overlay_off(pen: Pen) -> None:
    pen.path((-0.85, -0.65), (0.85, -0.65), (0.85, 0.65), (-0.85, 0.65), closed=True)
    pen.path((-0.95, 0.95), (0.95, -0.95))


def _source_lost(pen: Pen) -> None:
    pen.path((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85), closed=True)
    pen.path((-0.45, -0.45), (0.45, 0.45))
    pen.path((-0.45, 0.45), (0.45, -0.45))


def _model_error(pen: Pen) -> None:
    pen.path((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85), closed=True)
    pen.path((0, -0.55), (0, 0.15))
    pen.path((0, 0.5), (0, 0.55))


_STATE_SHAPES = {
    DisplayState.CONFIRMED: _confirmed,
    DisplayState.SHAFT_ONLY: _shaft_only,
    DisplayState.SEARCHING: _searching,
    DisplayState.LOST: _lost,
    DisplayState.STALE: _stale,
    DisplayState.FROZEN: _frozen,
    DisplayState.OVERLAY_OFF: _overlay_off,
    DisplayState.SOURCE_LOST: _source_lost,
    DisplayState.MODEL_ERROR: _model_error,
}
