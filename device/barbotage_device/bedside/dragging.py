"""What touches do to calipers and to a set-up that stands on the screen: from positions on the picture to the next state. Pure."""

from collections.abc import Iterable

from barbotage_device.bedside.calipers import Calipers, dragged, released, taken
from barbotage_device.bedside.layout import Layout
from barbotage_device.bedside.procedure_signs import ENTER
from barbotage_device.bedside.setup import (
    RegionSetup,
    Setup,
    Wish,
    drag_corner,
    drag_tick,
    let_go,
    step_region,
    step_scale,
    take_corner,
    take_tick,
)
from barbotage_device.bedside.targets import hit, region_length_px, region_point, unbounded_point
from barbotage_device.bedside.view import BedsideView
from barbotage_device.bedside.window import Stage, Touch
from barbotage_models.contract.geometry import PointPx

FINGER = 24
"""Reach of a finger, in units of the 800x480 screen: half of a touch target of 9 mm."""


def calipers_after(layout: Layout, view: BedsideView, touches: Iterable[Touch]) -> Calipers:
    """The calipers of ``view`` (none is as good as no pair) after some touches."""
    calipers = view.calipers or Calipers()
    reach, (height, width) = region_length_px(layout, view, FINGER), view.pixels.shape
    for touch in touches:
        if touch.stage is Stage.DOWN:
            at = region_point(layout, view, touch.x_px, touch.y_px)
            calipers = calipers if at is None else taken(calipers, at, reach)
        elif touch.stage is Stage.MOVE:
            calipers = dragged(calipers, unbounded_point(layout, view, touch.x_px, touch.y_px), width, height)
        elif calipers.grip is not None:
            to = unbounded_point(layout, view, touch.x_px, touch.y_px)
            calipers = released(dragged(calipers, to, width, height), reach)
    return calipers


def setup_after(
    layout: Layout, view: BedsideView, setup: Setup, touches: Iterable[Touch], typed: Iterable[str] = ()
) -> tuple[Setup, Wish | None]:
    """The set-up after some touches and typed signs, and DONE or CANCEL as soon as one of them was asked for.

    ``view`` is the one that was shown; DONE is given only where its target is enabled. ENTER counts as DONE under the same condition.
    """
    for touch in touches:
        sign = hit(layout, view, touch.x_px, touch.y_px) if touch.stage is Stage.DOWN else None
        if sign in (Wish.DONE, Wish.CANCEL):
            return setup, Wish(sign)
        setup = _stepped(setup, sign) if sign is not None else _dragged(setup, touch, layout, view)
    for sign in typed:
        if sign == ENTER and (isinstance(setup, RegionSetup) or setup.mm_per_px is not None):
            return setup, Wish.DONE
        setup = _stepped(setup, sign)
    return setup, None


def _stepped(setup: Setup, sign: str) -> Setup:
    return step_region(setup, sign) if isinstance(setup, RegionSetup) else step_scale(setup, sign)


def _dragged(setup: Setup, touch: Touch, layout: Layout, view: BedsideView) -> Setup:
    at = unbounded_point(layout, view, touch.x_px, touch.y_px)
    if touch.stage is Stage.DOWN:
        inside = region_point(layout, view, touch.x_px, touch.y_px)
        return setup if inside is None else _taken(setup, inside)
    moved = drag_corner(setup, at) if isinstance(setup, RegionSetup) else drag_tick(setup, at)
    return moved if touch.stage is Stage.MOVE else let_go(moved)


def _taken(setup: Setup, at: PointPx) -> Setup:
    return take_corner(setup, at) if isinstance(setup, RegionSetup) else take_tick(setup, at)
