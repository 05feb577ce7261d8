"""Calipers on a frozen picture: at most two pairs of points, moved by touch, told in mm only with a scale. Pure values."""

import math
from dataclasses import dataclass, replace

from barbotage_models.contract.geometry import PointPx, Scale

MOST_PAIRS = 2
"""Longest and perpendicular extent: what a size of a deposit is made of."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two points, in pixels of the region."""

    first: PointPx
    second: PointPx


@dataclass(frozen=True, slots=True)
class Grip:
    """Which end is held, and where it lies from the finger, so that the finger need not cover it."""

    pair: int
    second: bool
    x_px: float
    y_px: float


@dataclass(frozen=True, slots=True)
class Calipers:
    """The pairs in the order in which they were set, and the end that is held."""

    pairs: tuple[Pair, ...] = ()
    grip: Grip | None = None


def taken(calipers: Calipers, at: PointPx, reach_px: float) -> Calipers:
    """A finger comes down: it takes the nearest end within reach, else begins a new pair, else (two stand already) takes the nearest end."""
    ends = [
        (_distance(at, point), Grip(index, second, point.x_px - at.x_px, point.y_px - at.y_px))
        for index, pair in enumerate(calipers.pairs)
        for second, point in ((False, pair.first), (True, pair.second))
    ]
    distance, grip = min(ends, key=lambda end: end[0], default=(math.inf, Grip(0, True, 0.0, 0.0)))
    if distance > reach_px and len(calipers.pairs) < MOST_PAIRS:
        return Calipers((*calipers.pairs, Pair(at, at)), Grip(len(calipers.pairs), True, 0.0, 0.0))
    return replace(calipers, grip=grip)


def dragged(calipers: Calipers, to: PointPx, width_px: int, height_px: int) -> Calipers:
    """The finger moves: the end that is held follows, inside the picture of ``width_px`` by ``height_px``."""
    grip = calipers.grip
    if grip is None:
        return calipers
    point = PointPx(_within(to.x_px + grip.x_px, width_px), _within(to.y_px + grip.y_px, height_px))
    held = calipers.pairs[grip.pair]
    moved = replace(held, second=point) if grip.second else replace(held, first=point)
    return replace(calipers, pairs=tuple(moved if index == grip.pair else pair for index, pair in enumerate(calipers.pairs)))


def released(calipers: Calipers, reach_px: float) -> Calipers:
    """The finger goes: nothing is held; a new pair that was only tapped, not drawn, is taken away."""
    kept = tuple(pair for pair in calipers.pairs if _distance(pair.first, pair.second) > reach_px / 4)
    return Calipers(kept)


def length_mm(pair: Pair, scale: Scale | None) -> float | None:
    """The distance between the two points; None without a scale."""
    if scale is None:
        return None
    across, down = pair.second.x_px - pair.first.x_px, pair.second.y_px - pair.first.y_px
    return math.hypot(across * scale.x_mm_per_px, down * scale.z_mm_per_px)


def _distance(one: PointPx, other: PointPx) -> float:
    return math.hypot(one.x_px - other.x_px, one.y_px - other.y_px)


def _within(value_px: float, size_px: int) -> float:
    return min(max(value_px, 0.0), size_px - 1.0)
