"""Setting up a source at the screen: which part of its picture is ultrasound, and how many mm a pixel is deep. Pure values."""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

from barbotage_device.bedside.keypad import Typed, number_of, pressed
from barbotage_device.bedside.procedure_signs import Typing
from barbotage_models.contract.canonical import MIN_REGION_PX
from barbotage_models.contract.geometry import SCALE_MAX_MM_PER_PX, SCALE_MIN_MM_PER_PX, PointPx

LEAST_TICK_DISTANCE_PX = 20.0
"""Two ticks nearer than this give a scale that is wrong by more than 5 % for each pixel by which one is misplaced."""
INSET = 0.1
"""Share of the picture left free at each side by a box that nobody proposed."""


class Wish(StrEnum):
    """What the touch targets of a set-up ask for."""

    LEFT = "setup:left"
    RIGHT = "setup:right"
    UP = "setup:up"
    DOWN = "setup:down"
    OTHER = "setup:other"
    """The other corner, the other tick."""
    CANCEL = "setup:cancel"
    DONE = "setup:done"


_STEPS = {Wish.LEFT: (-1, 0), Wish.RIGHT: (1, 0), Wish.UP: (0, -1), Wish.DOWN: (0, 1)}


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole pixels of the delivered picture; ``right_px`` and ``bottom_px`` are the first outside."""

    left_px: int
    top_px: int
    right_px: int
    bottom_px: int


@dataclass(frozen=True, slots=True)
class RegionSetup:
    """Choosing the region on a picture of ``width_px`` by ``height_px``.

    ``second``: the lower right corner is chosen, else the upper left one. ``grip_px`` is where the corner lies from the finger that drags it.
    """

    width_px: int
    height_px: int
    box: Box
    second: bool = False
    proposed: bool = False
    grip_px: tuple[float, float] | None = None

    @property
    def corner(self) -> PointPx:
        """The chosen corner."""
        if self.second:
            return PointPx(self.box.right_px - 1, self.box.bottom_px - 1)
        return PointPx(self.box.left_px, self.box.top_px)


@dataclass(frozen=True, slots=True)
class ScaleSetup:
    """Marking two depths whose distance is typed. Rows are of the picture shown, ``height_px`` high; ``second``: the lower tick is chosen."""

    height_px: int
    first_row_px: float
    second_row_px: float
    second: bool = False
    typed: Typed = field(default_factory=Typed)
    proposed: bool = False
    grip_px: float | None = None

    @property
    def mm_per_px(self) -> float | None:
        """The scale; None until the ticks and the number make a possible one."""
        number, distance_px = number_of(self.typed.text), abs(self.second_row_px - self.first_row_px)
        if number is None or number <= 0 or distance_px < LEAST_TICK_DISTANCE_PX:
            return None
        scale = number / distance_px
        return scale if SCALE_MIN_MM_PER_PX <= scale <= SCALE_MAX_MM_PER_PX else None


Setup = RegionSetup | ScaleSetup
"""A set-up that stands on the screen."""
SetupT = TypeVar("SetupT", bound=RegionSetup | ScaleSetup)


def begin_region(width_px: int, height_px: int, proposal: Box | None) -> RegionSetup:
    """The set-up with the box proposed, or with one that leaves a tenth free at each side."""
    if proposal is not None:
        return RegionSetup(width_px, height_px, proposal, proposed=True)
    across, down = round(INSET * width_px), round(INSET * height_px)
    return RegionSetup(width_px, height_px, Box(across, down, width_px - across, height_px - down))


def begin_scale(height_px: int, rows_px: tuple[float, float] | None) -> ScaleSetup:
    """The set-up with two ticks proposed, or with ticks at a quarter and three quarters of the depth. The distance is never filled in."""
    if rows_px is not None:
        return ScaleSetup(height_px, rows_px[0], rows_px[1], proposed=True)
    return ScaleSetup(height_px, round(height_px / 4), round(3 * height_px / 4))


def take_corner(state: RegionSetup, at: PointPx) -> RegionSetup:
    """A finger comes down on the picture: it takes the nearer corner."""
    first, second = replace(state, second=False), replace(state, second=True)
    near = min((first, second), key=lambda one: math.hypot(one.corner.x_px - at.x_px, one.corner.y_px - at.y_px))
    return replace(near, grip_px=(near.corner.x_px - at.x_px, near.corner.y_px - at.y_px))


def drag_corner(state: RegionSetup, to: PointPx) -> RegionSetup:
    """The finger moves: the corner follows."""
    if state.grip_px is None:
        return state
    return _corner_at(state, to.x_px + state.grip_px[0], to.y_px + state.grip_px[1])


def step_region(state: RegionSetup, wish: str) -> RegionSetup:
    """An arrow moves the chosen corner by one pixel; OTHER chooses the other corner. Other wishes change nothing."""
    if wish == Wish.OTHER:
        return replace(state, second=not state.second, grip_px=None)
    across, down = _STEPS.get(Wish(wish), (0, 0)) if wish in set(Wish) else (0, 0)
    if (across, down) == (0, 0):
        return state
    return _corner_at(state, state.corner.x_px + across, state.corner.y_px + down)


def take_tick(state: ScaleSetup, at: PointPx) -> ScaleSetup:
    """A finger comes down on the picture: it takes the nearer tick."""
    second = abs(state.second_row_px - at.y_px) < abs(state.first_row_px - at.y_px)
    return replace(state, second=second, grip_px=_row(state, second) - at.y_px)


def drag_tick(state: ScaleSetup, to: PointPx) -> ScaleSetup:
    """The finger moves: the tick follows."""
    return state if state.grip_px is None else _tick_at(state, to.y_px + state.grip_px)


def step_scale(state: ScaleSetup, sign: str) -> ScaleSetup:
    """Up and down move the chosen tick by one pixel, OTHER chooses the other, a sign of the keypad is typed."""
    if sign == Wish.OTHER:
        return replace(state, second=not state.second, grip_px=None)
    if sign in (Wish.UP, Wish.DOWN):
        return _tick_at(state, _row(state, state.second) + _STEPS[Wish(sign)][1])
    return replace(state, typed=pressed(state.typed, sign, Typing.NUMBER))


def let_go(state: SetupT) -> SetupT:
    """The finger goes: nothing is held."""
    return replace(state, grip_px=None)


def _corner_at(state: RegionSetup, x_px: float, y_px: float) -> RegionSetup:
    """The chosen corner moved; the box stays inside the picture and large enough to be a region."""
    box, x, y = state.box, round(x_px), round(y_px)
    if state.second:
        right = min(max(x + 1, box.left_px + MIN_REGION_PX), state.width_px)
        bottom = min(max(y + 1, box.top_px + MIN_REGION_PX), state.height_px)
        return replace(state, box=replace(box, right_px=right, bottom_px=bottom), proposed=False)
    left = max(0, min(x, box.right_px - MIN_REGION_PX))
    top = max(0, min(y, box.bottom_px - MIN_REGION_PX))
    return replace(state, box=replace(box, left_px=left, top_px=top), proposed=False)


def _row(state: ScaleSetup, second: bool) -> float:
    return state.second_row_px if second else state.first_row_px


def _tick_at(state: ScaleSetup, row_px: float) -> ScaleSetup:
    row = min(max(row_px, 0.0), state.height_px - 1.0)
    moved = replace(state, second_row_px=row) if state.second else replace(state, first_row_px=row)
    return replace(moved, proposed=False)
