"""Distances to the bone line: along a ray, and from a point or a way to its nearest part."""

import math

import numpy as np

from barbotage_models.contract.geometry import FloatArray, PointMm


def hit_mm(start: PointMm, direction: tuple[float, float], bone: FloatArray) -> float | None:
    """Distance from a point along a unit direction to the bone line (n, 2); None when it is not met."""
    dx, dz = direction
    x, z = bone[:, 0] - start.x_mm, bone[:, 1] - start.z_mm
    across = z * dx - x * dz
    at = np.flatnonzero((across[:-1] > 0) != (across[1:] > 0))
    if len(at) == 0:
        return None
    along = x * dx + z * dz
    share = across[at] / (across[at] - across[at + 1])
    hits = along[at] + share * (along[at + 1] - along[at])
    ahead = hits[hits >= 0.0]
    return float(ahead.min()) if len(ahead) else None


def point_distance_mm(point: PointMm, bone: FloatArray) -> float:
    """Smallest distance of a point to the bone line (n, 2), n at least 1."""
    x, z = bone[:, 0] - point.x_mm, bone[:, 1] - point.z_mm
    if len(bone) == 1:
        return math.hypot(float(x[0]), float(z[0]))
    ex, ez = np.diff(x), np.diff(z)
    squares = np.maximum(ex * ex + ez * ez, np.finfo(np.float64).tiny)
    share = np.clip(-(x[:-1] * ex + z[:-1] * ez) / squares, 0.0, 1.0)
    near_x, near_z = x[:-1] + share * ex, z[:-1] + share * ez
    return math.sqrt(float((near_x * near_x + near_z * near_z).min()))


def way_distance_mm(
    start: PointMm, direction: tuple[float, float], reach_mm: float, bone: FloatArray, hit: float | None
) -> float:
    """Smallest distance between the bone line (n, 2) and the way from a point along a unit direction; 0 when they cross.

    ``hit`` is what ``hit_mm`` gives for that point and direction.
    """
    dx, dz = direction
    if hit is not None and hit <= reach_mm:
        return 0.0
    x, z = bone[:, 0] - start.x_mm, bone[:, 1] - start.z_mm
    foot = np.clip(x * dx + z * dz, 0.0, reach_mm)
    corners = math.sqrt(float(((x - foot * dx) ** 2 + (z - foot * dz) ** 2).min()))
    end = PointMm(start.x_mm + reach_mm * dx, start.z_mm + reach_mm * dz)
    return min(corners, point_distance_mm(start, bone), point_distance_mm(end, bone))
