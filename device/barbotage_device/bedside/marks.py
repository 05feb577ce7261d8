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
TARGET_GAP = 3.0
TARGET_ARM = 8.0
PREDICTED_DASH, PREDICTED_GAP = 5.0, 5.0
SHAFT_DASH, SHAFT_GAP = 14.0, 7.0
BONE_DOT_STEP = 6.0

PointsPx = npt.NDArray[np.float64]
_UPRIGHT = np.array([(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)])
_DIAGONAL = np.array([(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)]) / math.sqrt(2)


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
        return np.asarray(np.clip(np.nan_to_num(xz_mm * factor - 0.5), -FAR_PX, FAR_PX), dtype=np.float64)

    def point_px(self, point: PointMm) -> PointsPx:
        """Pixel (2,) of a plane point."""
        return np.asarray(self.px(np.array([[point.x_mm, point.z_mm]]))[0], dtype=np.float64)

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
        _draw_target_point(easel, easel.point_px(view.aim.target.point))
    if state in GUIDING:
        _draw_needle(easel, view, state)


def dashes(start: PointsPx, end: PointsPx, dash_px: float, gap_px: float) -> npt.NDArray[np.float64]:
    """The pieces (n, 2, 2) of a dashed line from ``start`` to ``end``; the first dash begins at ``start``."""
    along = end - start
    length = float(np.hypot(along[0], along[1]))
    if length < 1e-6:
        return np.empty((0, 2, 2))
    begins = np.arange(0.0, length, dash_px + gap_px)
    ends = np.minimum(begins + dash_px, length)
    return np.asarray(start + np.stack([begins, ends], axis=1)[:, :, None] * (along / length), dtype=np.float64)


def _draw_needle(easel: Easel, view: BedsideView, state: DisplayState) -> None:
    aim = view.aim
    if aim.entry is None:
        return
    entry = easel.point_px(aim.entry)
    if state is DisplayState.SHAFT_ONLY or aim.tip is None:
        end = _shaft_only_end(easel, view, aim.entry)
        if end is not None:
            pieces = dashes(entry, end, SHAFT_DASH * easel.unit, SHAFT_GAP * easel.unit)
            _lines(easel, pieces, theme.SHAFT, easel.passes(1.7))
        return
    tip = easel.point_px(aim.tip)
    reach = TIP_RADIUS * easel.unit
    if aim.predicted_end is not None:
        ahead = _from(tip, easel.point_px(aim.predicted_end), reach + 2 * easel.unit)
        if ahead is not None:
            pieces = dashes(*ahead, PREDICTED_DASH * easel.unit, PREDICTED_GAP * easel.unit)
            _lines(easel, pieces, theme.TIP, easel.passes(1.7))
    behind = _from(tip, entry, reach)
    if behind is not None:
        _lines(easel, np.stack(behind)[None], theme.SHAFT, easel.passes(1.7))
    _draw_tip(easel, tip)


def _shaft_only_end(easel: Easel, view: BedsideView, entry: PointMm) -> PointsPx | None:
    """Where the shaft's line ends when no tip is known: the predicted end, or by its angle out of the picture."""
    needle = view.tracks.needle
    if view.aim.predicted_end is not None:
        return easel.point_px(view.aim.predicted_end)
    angle = view.aim.angle_deg if view.aim.angle_deg is not None else needle.angle_deg
    if angle is None or needle.side is None:
        return None
    reach_mm = math.hypot(easel.width_mm, easel.depth_mm)
    sideways = -1.0 if needle.side is EntrySide.RIGHT else 1.0
    far = PointMm(
        entry.x_mm + sideways * reach_mm * math.cos(math.radians(angle)),
        entry.z_mm + reach_mm * math.sin(math.radians(angle)),
    )
    return easel.point_px(far)


def _draw_tip(easel: Easel, tip: PointsPx) -> None:
    """An open circle with four short ticks inwards; the tip's own pixels stay free."""
    reach, free = TIP_RADIUS * easel.unit, TIP_CENTRE_GAP * easel.unit
    centre = (round(tip[0] * ONE), round(tip[1] * ONE))
    rings = easel.passes(1.7)
    for radius, colour in (
        (reach - 1.0, theme.HALO),
        (reach + rings, theme.HALO),
        *((reach + i * 0.9, theme.TIP) for i in range(rings)),
    ):
        cv2.circle(easel.image, centre, round(radius * ONE), colour, 1, cv2.LINE_AA, SHIFT)
    _lines(easel, tip + np.stack([_UPRIGHT * free, _UPRIGHT * reach], axis=1), theme.TIP, easel.passes(1.0))


def _draw_target_point(easel: Easel, point: PointsPx) -> None:
    """A diagonal cross with a free middle: another shape than the tip's upright one."""
    pieces = point + np.stack([_DIAGONAL * (TARGET_GAP * easel.unit), _DIAGONAL * (TARGET_ARM * easel.unit)], axis=1)
    _lines(easel, pieces, theme.TARGET, easel.passes(1.7))


def _draw_deposit(easel: Easel, deposit: Deposit, is_target: bool) -> None:
    """The target's contour is a solid line; another deposit's is thinner and broken."""
    if len(deposit.outline) < 3:
        return
    points = easel.px(deposit.outline)
    if is_target:
        centre = easel.point_px(deposit.centre)
        radius = (deposit.longest_mm + deposit.perpendicular_mm) / 4.0 * easel.image.shape[1] / easel.width_mm
        for step in range(easel.passes(1.7)):
            grown = centre + (points - centre) * (1.0 + 0.9 * step / max(radius, 1.0))
            cv2.polylines(easel.image, [np.rint(grown * ONE).astype(np.int32)], True, theme.TARGET, 1, cv2.LINE_AA, SHIFT)
        return
    closed = np.concatenate([points, points[:1]])
    _lines(easel, _broken(closed, 7.0 * easel.unit, 4.0 * easel.unit), theme.DEPOSIT, easel.passes(1.0))


def _broken(path: PointsPx, dash_px: float, gap_px: float) -> npt.NDArray[np.float64]:
    """Straight dashes (n, 2, 2) along a path, by arc length."""
    run = _arc_length(path)
    begins = np.arange(0.0, run[-1], dash_px + gap_px)
    ends = np.minimum(begins + dash_px, run[-1])
    stops = np.stack([begins, ends], axis=1)
    return np.stack([np.interp(stops, run, path[:, 0]), np.interp(stops, run, path[:, 1])], axis=2)


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
    steps = np.hypot(np.diff(path[:, 0]), np.diff(path[:, 1]))
    return np.concatenate([np.zeros(1), np.cumsum(steps)])


def _from(start: PointsPx, end: PointsPx, skip_px: float) -> tuple[PointsPx, PointsPx] | None:
    """The line from ``start`` to ``end`` without its first ``skip_px``; None when nothing is left."""
    along = end - start
    length = float(np.hypot(along[0], along[1]))
    if length <= skip_px:
        return None
    return start + along * (skip_px / length), end


def _lines(easel: Easel, pieces: npt.NDArray[np.float64], colour: Colour, passes: int) -> None:
    """Draws straight pieces (n, 2, 2). Several one-pixel lines side by side: five times faster than cv2's own thick lines."""
    if not len(pieces):
        return
    along = pieces[:, 1] - pieces[:, 0]
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    for step in range(passes):
        moved = pieces + (normal * (0.9 * (step - (passes - 1) / 2)))[:, None] if passes > 1 else pieces
        cv2.polylines(easel.image, list(np.rint(moved * ONE).astype(np.int32)), False, colour, 1, cv2.LINE_AA, SHIFT)
