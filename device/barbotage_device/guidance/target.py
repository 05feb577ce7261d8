"""The target: the accepted deposit, and the point within it to reach."""

import cv2
import numpy as np

from barbotage_device.guidance.aim import Target
from barbotage_device.perception.scene import Deposit
from barbotage_device.perception.tracks import DepositTrack, Tracks
from barbotage_models.contract.geometry import FloatArray, PointMm


def propose_target(tracks: Tracks) -> int | None:
    """Identity of the deposit to offer to the operator: the most certain, the larger of equals; None when there is none.

    Only a proposal: a deposit becomes the target when the operator accepts it.
    """
    if not tracks.deposits:
        return None
    return max(tracks.deposits, key=lambda t: (t.deposit.confidence, t.deposit.area_mm2, -t.identity)).identity


def target_of(track: DepositTrack) -> Target:
    """A deposit, as it is seen, as target."""
    return Target(track.identity, target_point(track.deposit), track.deposit.outline)


def find_deposit(tracks: Tracks, identity: int | None) -> DepositTrack | None:
    """The deposit of that identity, if it is followed."""
    return next((t for t in tracks.deposits if t.identity == identity), None)


def target_point(deposit: Deposit) -> PointMm:
    """The point to reach: the centre, or for a bent deposit, whose centre lies outside it, the middle of it at the centre's depth.

    For a deposit with a shadow only the near crust is seen and outlined, so the point lies in the crust.
    """
    if is_inside(deposit.outline, deposit.centre):
        return deposit.centre
    crossings = np.sort(_crossings(deposit.outline, deposit.centre.z_mm))
    if len(crossings) < 2:
        return PointMm(float(deposit.outline[0, 0]), float(deposit.outline[0, 1]))
    pairs = crossings[: len(crossings) // 2 * 2].reshape(-1, 2)
    left, right = pairs[int((pairs[:, 1] - pairs[:, 0]).argmax())].tolist()
    return PointMm((left + right) / 2, deposit.centre.z_mm)


def is_inside(outline: FloatArray, point: PointMm) -> bool:
    """Whether a point lies inside an outline (n, 2) in mm, or on it."""
    polygon = np.asarray(outline, dtype=np.float32)
    return cv2.pointPolygonTest(polygon, (point.x_mm, point.z_mm), False) >= 0


def is_within(outline: FloatArray, point: PointMm) -> bool:
    """Whether a point lies inside the convex hull of an outline (n, 2) in mm, or on it.

    A needle hides the part of the deposit that it lies in, so the outline has a notch where the tip is.
    """
    return depth_within_mm(outline, point) >= 0


def depth_within_mm(outline: FloatArray, point: PointMm) -> float:
    """How deep a point lies within the convex hull of an outline (n, 2), in mm; negative: how far outside. Minus infinity for an empty one."""
    if len(outline) == 0:
        return float("-inf")
    return float(cv2.pointPolygonTest(cv2.convexHull(np.asarray(outline, dtype=np.float32)), (point.x_mm, point.z_mm), True))


def _crossings(outline: FloatArray, z_mm: float) -> FloatArray:
    """Where an outline crosses a depth: x in mm, an even number of them."""
    following = np.roll(outline, -1, axis=0)
    crossing = (outline[:, 1] > z_mm) != (following[:, 1] > z_mm)
    a, b = outline[crossing], following[crossing]
    return np.asarray(a[:, 0] + (z_mm - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0]), dtype=np.float64)
