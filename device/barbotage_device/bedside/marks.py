"""What is drawn on the image itself: thin lines only, so that every structure under them stays visible."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_device.bedside import theme
from barbotage_device.bedside.reading import GUIDING, MARKING
from barbotage_device.bedside.text import Picture
from barbotage_device.bedside.theme import Colour
from barbotage_device.bedside.view import BedsideView, DisplayState
from barbotage_device.perception.scene import Deposit
from barbotage_models.contract.geometry import FloatArray, PointMm
from barbotage_models.contract.taxonomy import EntrySide

SHIFT = 4
ONE = 1 << SHIFT
FAR_PX = 8192.0
"""Coordinates are cut here: beyond it cv2's fixed-point numbers would overflow, and no screen is that large."""
TIP_RADIUS = 10.0
TIP_CENTRE_GAP = 5.0
TARGET_GAP = 4.0
TARGET_ARM = 9.0
PREDICTED_DASH, PREDICTED_GAP = 7.0, 6.0
SHAFT_DASH, SHAFT_GAP = 14.0, 7.0
BONE_DOT_STEP = 6.0
PASS_STEP_PX = 0.9
"""Distance of one-pixel lines side by side: a little less than a pixel leaves no gap."""

PointsPx = npt.NDArray[np.float64]
Spot = tuple[float, float]
"""A pixel (x, y) of the image."""
_UPRIGHT: tuple[Spot, ...] = ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0))
_DIAGONAL: tuple[Spot, ...] = ((0.7071, 0.7071), (-0.7071, 0.7071), (0.7071, -0.7071), (-0.7071, -0.7071))


@dataclass(frozen=True, slots=True)
class Easel:
    """The image rectangle of the canvas, and the way from the plane to its pixels. ``unit`` scales lengths and line widths."""

    image: Picture
    width_mm: float
    depth_mm: float
    unit: float

    def px(self, xz_mm: FloatArray) -> PointsPx:
        """Pixels (n, 2), order (x, y), of plane points (n, 2) in mm; pixel centres at integers."""
        height, width = self.image.shape[:2]
        factor = np.array([width / self.width_mm, height / self.depth_mm])
        return np.asarray(np.fmin(np.fmax(xz_mm * factor - 0.5, -FAR_PX), FAR_PX), dtype=np.float64)

    def spot(self, point: PointMm) -> Spot:
        """Pixel (x, y) of a plane point, as plain floats: numpy's own scalars would make the drawing three times slower."""
        x_px = point.x_mm * self.image.shape[1] / self.width_mm - 0.5
        y_px = point.z_mm * self.image.shape[0] / self.depth_mm - 0.5
        return float(max(-FAR_PX, min(FAR_PX, x_px))), float(max(-FAR_PX, min(FAR_PX, y_px)))

    def passes(self, weight: float) -> int:
        """How many one-pixel lines side by side make a line of a weight."""
        return max(1, round(weight * self.unit))


def draw_marks(easel: Easel, view: BedsideView, state: DisplayState) -> None:
    """Draws all that ``state`` allows onto the image; nothing for a stale, lost or switched-off picture."""
    if state not in MARKING:
        return
    if view.tracks.bone is not None and len(view.tracks.bone) > 1:
        _draw_bone(easel, view.tracks.bone)
    target = view.aim.target.identity if view.aim.target is not None else None
    for track in view.tracks.deposits:
        _draw_deposit(easel, track.deposit, track.identity == target)
    if view.aim.target is not None:
        _draw_target_point(easel, easel.spot(view.aim.target.point))
    if state in GUIDING:
        _draw_needle(easel, view, state)


def dashes(start: Spot, end: Spot, dash_px: float, gap_px: float) -> list[tuple[Spot, Spot]]:
    """The pieces of a dashed line from ``start`` to ``end``; the first dash begins at ``start``."""
    length = math.dist(start, end)
    if length < 1e-6:
        return []
    x, y = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    pieces, begin = [], 0.0
    while begin < length:
        stop = min(begin + dash_px, length)
        pieces.append(((start[0] + x * begin, start[1] + y * begin), (start[0] + x * stop, start[1] + y * stop)))
        begin += dash_px + gap_px
    return pieces


def _draw_needle(easel: Easel, view: BedsideView, state: DisplayState) -> None:
    aim, unit = view.aim, easel.unit
    if aim.entry is None:
        return
    entry, width = easel.spot(aim.entry), easel.passes(1.7)
    if state is DisplayState.SHAFT_ONLY or aim.tip is None:
        end = _shaft_only_end(easel, view, aim.entry)
        if end is not None:
            _lines(easel, dashes(entry, end, SHAFT_DASH * unit, SHAFT_GAP * unit), theme.SHAFT, width)
        return
    tip = easel.spot(aim.tip)
    if aim.predicted_end is not None:
        end = easel.spot(aim.predicted_end)
        begin = _beyond(tip, end, (TIP_RADIUS + 2.0) * unit)
        if begin is not None:
            _lines(easel, dashes(begin, end, PREDICTED_DASH * unit, PREDICTED_GAP * unit), theme.TIP, width)
    begin = _beyond(tip, entry, TIP_RADIUS * unit)
    if begin is not None:
        _lines(easel, [(begin, entry)], theme.SHAFT, width)
    _draw_tip(easel, tip)


def _shaft_only_end(easel: Easel, view: BedsideView, entry: PointMm) -> Spot | None:
    """Where the shaft's line ends when no tip is known: the predicted end, or by its angle out of the picture."""
    needle = view.tracks.needle
    if view.aim.predicted_end is not None:
        return easel.spot(view.aim.predicted_end)
    angle = view.aim.angle_deg if view.aim.angle_deg is not None else needle.angle_deg
    if angle is None or needle.side is None:
        return None
    reach_mm = math.hypot(easel.width_mm, easel.depth_mm)
    sideways = -1.0 if needle.side is EntrySide.RIGHT else 1.0
    far = PointMm(
        entry.x_mm + sideways * reach_mm * math.cos(math.radians(angle)),
        entry.z_mm + reach_mm * math.sin(math.radians(angle)),
    )
    return easel.spot(far)


def _draw_tip(easel: Easel, tip: Spot) -> None:
    """An open circle with four short ticks inwards; the tip's own pixels stay free."""
    reach, rings = TIP_RADIUS * easel.unit, easel.passes(1.7)
    centre = (round(tip[0] * ONE), round(tip[1] * ONE))
    halo = ((reach - 1.0, theme.HALO), (reach + rings, theme.HALO))
    for radius, colour in (*halo, *((reach + i * PASS_STEP_PX, theme.TIP) for i in range(rings))):
        cv2.circle(easel.image, centre, round(radius * ONE), colour, 1, cv2.LINE_AA, SHIFT)
    _lines(easel, _cross(tip, _UPRIGHT, TIP_CENTRE_GAP * easel.unit, reach), theme.TIP, easel.passes(1.0))


def _draw_target_point(easel: Easel, point: Spot) -> None:
    """A diagonal cross with a free middle: another shape than the tip's upright one."""
    pieces = _cross(point, _DIAGONAL, TARGET_GAP * easel.unit, TARGET_ARM * easel.unit)
    halo = list(np.rint(np.array(pieces) * ONE).astype(np.int32))
    cv2.polylines(easel.image, halo, False, theme.HALO, easel.passes(1.7) + 1, cv2.LINE_AA, SHIFT)
    _lines(easel, pieces, theme.TARGET, easel.passes(1.7))


def _cross(centre: Spot, arms: tuple[Spot, ...], free_px: float, arm_px: float) -> list[tuple[Spot, Spot]]:
    """Four arms from ``free_px`` to ``arm_px`` away from the centre."""
    x, y = centre
    return [((x + ax * free_px, y + ay * free_px), (x + ax * arm_px, y + ay * arm_px)) for ax, ay in arms]


def _draw_deposit(easel: Easel, deposit: Deposit, is_target: bool) -> None:
    """The target's contour is a solid line; another deposit's is thinner and broken."""
    if len(deposit.outline) < 3:
        return
    points = easel.px(deposit.outline)
    if is_target:
        centre = easel.spot(deposit.centre)
        radius = (deposit.longest_mm + deposit.perpendicular_mm) / 4.0 * easel.image.shape[1] / easel.width_mm
        for step in range(easel.passes(1.7)):
            grown = centre + (points - centre) * (1.0 + PASS_STEP_PX * step / max(radius, 1.0))
            cv2.polylines(easel.image, [np.rint(grown * ONE).astype(np.int32)], True, theme.TARGET, 1, cv2.LINE_AA, SHIFT)
        return
    pieces = _broken(np.concatenate([points, points[:1]]), 7.0 * easel.unit, 4.0 * easel.unit)
    fixed = list(np.rint(pieces * ONE).astype(np.int32))
    cv2.polylines(easel.image, fixed, False, theme.DEPOSIT, easel.passes(1.0), cv2.LINE_AA, SHIFT)


def _broken(path: PointsPx, dash_px: float, gap_px: float) -> npt.NDArray[np.float64]:
    """Straight dashes (n, 2, 2) along a path, by arc length."""
    run = _arc_length(path)
    begins = np.arange(0.0, run[-1], dash_px + gap_px)
    pieces = np.empty((len(begins), 2, 2))
    for end, stops in enumerate((begins, np.minimum(begins + dash_px, run[-1]))):
        pieces[:, end, 0] = np.interp(stops, run, path[:, 0])
        pieces[:, end, 1] = np.interp(stops, run, path[:, 1])
    return pieces


def _draw_bone(easel: Easel, bone: FloatArray) -> None:
    """Dots along the surface, as single squares: the echo between them stays as it is."""
    path = easel.px(bone)
    run = _arc_length(path)
    stops = np.arange(0.0, run[-1], BONE_DOT_STEP * easel.unit)
    size = max(2, round(1.6 * easel.unit))
    columns = np.rint(np.interp(stops, run, path[:, 0]) - (size - 1) / 2).astype(np.intp)
    rows = np.rint(np.interp(stops, run, path[:, 1]) - (size - 1) / 2).astype(np.intp)
    height, width = easel.image.shape[:2]
    inside = (columns >= 0) & (rows >= 0) & (columns <= width - size) & (rows <= height - size)
    square = np.arange(size)
    down, across = np.repeat(square, size), np.tile(square, size)
    easel.image[rows[inside][:, None] + down, columns[inside][:, None] + across] = theme.BONE


def _arc_length(path: PointsPx) -> npt.NDArray[np.float64]:
    """Length along the path up to each of its points, in pixels."""
    run = np.zeros(len(path))
    steps = path[1:] - path[:-1]
    np.cumsum(np.sqrt(np.einsum("ij,ij->i", steps, steps)), out=run[1:])
    return run


def _beyond(start: Spot, end: Spot, skip_px: float) -> Spot | None:
    """The point ``skip_px`` from ``start`` towards ``end``; None when the end is nearer than that."""
    length = math.dist(start, end)
    if length <= skip_px:
        return None
    share = skip_px / length
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _lines(easel: Easel, pieces: list[tuple[Spot, Spot]], colour: Colour, passes: int) -> None:
    """Draws straight pieces. Several one-pixel lines side by side take a fifth of the time of cv2's own thick lines."""
    fixed: list[int] = []
    for (ax, ay), (bx, by) in pieces:
        length = math.hypot(bx - ax, by - ay) or 1.0
        for step in range(passes):
            aside = PASS_STEP_PX * (step - (passes - 1) / 2) / length
            dx, dy = (ay - by) * aside, (bx - ax) * aside
            fixed += (round((ax + dx) * ONE), round((ay + dy) * ONE), round((bx + dx) * ONE), round((by + dy) * ONE))
    if fixed:
        lines = list(np.array(fixed, np.int32).reshape(-1, 2, 2))
        cv2.polylines(easel.image, lines, False, colour, 1, cv2.LINE_AA, SHIFT)
