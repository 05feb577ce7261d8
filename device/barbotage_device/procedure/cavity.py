"""The cavity's size over time, relative to itself: how much the picture of the target has dilated.

The region around the accepted target is registered on a slowly renewed memory of itself: shift, dilatation, and a change of gain and offset,
by weighted Gauss-Newton steps (Lucas and Kanade 1981; Baker and Matthews 2004). A cavity that distends moves its border outwards, whatever
is bright or dark in it, so this needs neither the network's outline in every frame nor a scale, and it stays where it was when the
needle splits the target. The needle's own pixels are left out.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_device.errors import InvalidInputError
from barbotage_device.perception.plane import Plane, plane_of
from barbotage_device.perception.tracks import NeedleTrack, Tracks, TrackState
from barbotage_device.procedure.lavage_settings import CavitySettings
from barbotage_models.contract.canonical import CanonicalFrame
from barbotage_models.contract.geometry import FloatArray, GreyImage, PointMm

NS_PER_S = 1_000_000_000
GRID_PX = 2
"""Canonical pixels per grid step (0.3 mm): as fine as the lateral resolution of the probes, and a quarter of the work."""
BLUR_STEPS = 0.8
"""Standard deviation of the smoothing, in grid steps: a border must stay wider than what it moves by in one iteration."""
ITERATIONS = 4
ENOUGH_SHIFT_STEPS, ENOUGH_DILATATION = 0.02, 0.0005
"""Smaller changes end the iteration."""
ROBUST_SPREADS = 2.5
"""Residuals beyond so many standard deviations count less (Cauchy weights)."""
LEAST_GREY = 0.5
"""Smallest spread of residuals, in grey levels: rounding to whole levels alone gives 0.3."""
DAMPING = 1e-6
DILATATION_LIMIT = 0.4
MIN_SIDE_STEPS = 6
"""A region smaller than this (1.8 mm) has no border to follow."""
MIN_USED = 0.2
"""Share of the region that must be left when the needle is taken out."""
SPREAD_OF_MEDIAN = 1.4826
"""Standard deviation over median absolute deviation, of a normal distribution."""

Grid = npt.NDArray[np.float32]


class Unknown(StrEnum):
    """Why the cavity's size is not known."""

    NO_TARGET = "no-target"
    LOST = "lost"
    """What is seen there does not look like the target any more."""
    MOVING = "moving"
    """The picture moves too fast."""
    FLAT = "flat"
    """Nothing is to be seen there that could dilate."""


@dataclass(frozen=True, slots=True)
class Cavity:
    """The target's region in one frame.

    ``dilatation`` is the change of its diameter relative to the memory (0.05: 5 % wider), with its standard error ``error``; both
    are None, and ``unknown`` says why, when they cannot be known. ``likeness`` is the correlation with the memory. ``place`` is the
    middle of the region now (plane coordinates, nominal without a scale), ``inner_grey`` the mean grey of its inner half.
    """

    capture_ns: int
    dilatation: float | None
    error: float | None
    likeness: float
    place: PointMm | None
    inner_grey: float | None
    unknown: Unknown | None


@dataclass(slots=True)
class _Pose:
    """Where the region is: shift in grid steps and dilatation, against where it was remembered."""

    x: float = 0.0
    z: float = 0.0
    dilatation: float = 0.0


class _Region:
    """The grid of samples around the target, the band along its border that moves when it dilates, and the remembered picture."""

    def __init__(self, outline: FloatArray, margin: float, shape: tuple[int, int]) -> None:
        low, high = outline.min(axis=0), outline.max(axis=0)
        self.centre_x, self.centre_z = ((low + high) / 2).tolist()
        first, last = np.floor(np.maximum(low - margin, 0)), np.ceil(high + margin)
        xs = np.arange(first[0], min(last[0], shape[1] - 1) + 1, dtype=np.float32)
        zs = np.arange(first[1], min(last[1], shape[0] - 1) + 1, dtype=np.float32)
        self.across, self.down = np.meshgrid(xs - np.float32(self.centre_x), zs - np.float32(self.centre_z))
        self.too_small = min(self.across.shape, default=0) < MIN_SIDE_STEPS
        """Whether there is nothing to register."""
        outside = _signed_distance(outline - first, (len(zs), len(xs)))
        self.inner = outside < 0
        self.band = np.asarray(1 / (1 + (outside / (0.75 * margin)) ** 4), dtype=np.float32)
        """1 along the border, 0 far from it on both sides: the tissue around does not dilate, what is within may swirl."""
        self.memory: Grid | None = None

    def columns(self, pose: _Pose) -> Grid:
        """Grid columns at which a pose samples the picture."""
        return np.asarray(self.centre_x + pose.x + (1 + pose.dilatation * self.band) * self.across, dtype=np.float32)

    def rows(self, pose: _Pose) -> Grid:
        """Grid rows at which a pose samples the picture."""
        return np.asarray(self.centre_z + pose.z + (1 + pose.dilatation * self.band) * self.down, dtype=np.float32)

    def sampled(self, picture: Grid, pose: _Pose) -> Grid:
        """The picture as the pose sees it (bilinear), in the shape of the memory."""
        i, fz = _between(self.rows(pose), picture.shape[0])
        j, fx = _between(self.columns(pose), picture.shape[1])
        upper = picture[i, j] * (1 - fx) + picture[i, j + 1] * fx
        lower = picture[i + 1, j] * (1 - fx) + picture[i + 1, j + 1] * fx
        return np.asarray(upper * (1 - fz) + lower * fz, dtype=np.float32)


def _signed_distance(outline: FloatArray, shape: tuple[int, int]) -> Grid:
    """Distance from an outline on a grid, in steps: negative inside, positive outside."""
    mask = np.zeros(shape, dtype=np.uint8)
    cv2.fillPoly(mask, [np.asarray(np.rint(outline), dtype=np.int32)], 255)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(255 - mask, cv2.DIST_L2, 5)
    return np.asarray(outside - inside, dtype=np.float32)


class CavityGauge:
    """Follows one target from its acceptance on. Not for use from several threads at once."""

    def __init__(self, settings: CavitySettings | None = None) -> None:
        self._settings = settings or CavitySettings()
        self._outline: FloatArray | None = None
        self._region: _Region | None = None
        self._pose = _Pose()
        self._plane: Plane | None = None
        self._needle: tuple[PointMm, PointMm] | None = None
        self._last_ns = 0
        self._alike_ns = 0

    def accept(self, outline: FloatArray) -> None:
        """The target's outline (n, 2) in plane mm, as seen in the next frame that comes. Raises InvalidInputError for another shape."""
        if outline.ndim != 2 or outline.shape[1] != 2 or len(outline) < 3:
            raise InvalidInputError(f"the outline of a target must be (n, 2) with at least 3 points; got shape {outline.shape}")
        self._outline, self._region = outline, None

    def release(self) -> None:
        """There is no target any more."""
        self._outline, self._region = None, None

    def update(self, canonical: CanonicalFrame, tracks: Tracks) -> Cavity:
        """The cavity in a frame, given what is tracked in it. A frame of another geometry ends the following, until ``accept``."""
        now_ns, plane = tracks.capture_ns, plane_of(canonical.view)
        if self._region is not None and self._plane is not None and _geometry(plane) != _geometry(self._plane):
            self.release()
        self._plane = plane
        self._needle = _shaft(tracks.needle) or self._needle if tracks.needle.state is not TrackState.SEARCHING else None
        if self._outline is None:
            return Cavity(now_ns, None, None, 0.0, None, None, Unknown.NO_TARGET)
        picture = _smoothed(canonical.pixels)
        region, shift = self._region, tracks.image_shift_mm
        if region is None:
            region, shift = self._remembered(picture, _grid_points(self._outline, plane), now_ns), None
        if region.too_small:
            return Cavity(now_ns, None, None, 0.0, None, None, Unknown.FLAT)
        return self._measured(region, picture, shift, plane, now_ns)

    def _remembered(self, picture: Grid, outline: FloatArray, now_ns: int) -> _Region:
        margin = self._settings.margin_mm / self._step_mm
        region = _Region(outline, margin, (picture.shape[0], picture.shape[1]))
        self._region, self._pose = region, _Pose()
        region.memory = region.sampled(picture, self._pose)
        self._last_ns = self._alike_ns = now_ns
        return region

    @property
    def _step_mm(self) -> float:
        return GRID_PX * (self._plane.x_mm_per_px if self._plane is not None else 1.0)

    def _measured(self, region: _Region, picture: Grid, shift: PointMm | None, plane: Plane, now_ns: int) -> Cavity:
        dt_s = (now_ns - self._last_ns) / NS_PER_S
        if shift is not None:
            self._pose.x += shift.x_mm / (GRID_PX * plane.x_mm_per_px)
            self._pose.z += shift.z_mm / (GRID_PX * plane.z_mm_per_px)
        weights = self._free_of_needle(region, plane)
        error = self._register(region, picture, weights)
        seen = region.sampled(picture, self._pose)
        likeness = _correlation(seen, region.memory, weights)
        unknown = self._doubt(shift, dt_s, likeness, error, float(weights.mean()))
        inner = region.inner & (weights > 0)
        grey = float(seen[inner].mean()) if inner.any() else None
        self._renew(region, picture, seen, likeness, dt_s, now_ns)
        self._last_ns = now_ns
        place = self._place(region, plane)
        if unknown is not None:
            return Cavity(now_ns, None, None, likeness, place, grey, unknown)
        return Cavity(now_ns, self._pose.dilatation, error, likeness, place, grey, None)

    def _register(self, region: _Region, picture: Grid, free: Grid) -> float:
        """Moves the pose to where the picture looks like the memory; the standard error of the dilatation."""
        memory = region.memory
        assert memory is not None  # noqa: S101  set with the region
        pose, weights, error = self._pose, free.ravel(), np.inf
        contrast = (memory - memory.mean()).ravel()
        for _ in range(ITERATIONS):
            seen = region.sampled(picture, pose)
            down, across = np.gradient((seen + memory) / 2)
            radial = ((across * region.across + down * region.down) * region.band).ravel()
            slopes = np.stack([across.ravel(), down.ravel(), radial, np.ones(contrast.size, np.float32), contrast], axis=1)
            residual = (seen - memory).ravel()
            normal = (slopes * weights[:, None]).T @ slopes
            normal += DAMPING * float(np.trace(normal)) * np.eye(5, dtype=np.float32)
            change = np.linalg.solve(normal, (slopes * weights[:, None]).T @ residual)
            left = residual - slopes @ change
            spread = max(LEAST_GREY, SPREAD_OF_MEDIAN * float(np.median(np.abs(left[free.ravel() > 0]))) if free.any() else 0.0)
            error = spread * float(np.sqrt(np.linalg.inv(normal)[2, 2]))
            weights = np.asarray(free.ravel() / (1 + (left / (ROBUST_SPREADS * spread)) ** 2), dtype=np.float32)
            pose.x, pose.z = pose.x - float(change[0]), pose.z - float(change[1])
            pose.dilatation = float(np.clip(pose.dilatation - change[2], -DILATATION_LIMIT, DILATATION_LIMIT))
            if max(abs(change[0]), abs(change[1])) < ENOUGH_SHIFT_STEPS and abs(change[2]) < ENOUGH_DILATATION:
                break
        return error

    def _doubt(self, shift: PointMm | None, dt_s: float, likeness: float, error: float, used: float) -> Unknown | None:
        settings = self._settings
        if shift is not None and dt_s > 0 and np.hypot(shift.x_mm, shift.z_mm) / dt_s > settings.max_shift_mm_s:
            return Unknown.MOVING
        if likeness < settings.min_likeness:
            return Unknown.LOST
        return Unknown.FLAT if error > settings.max_error or used < MIN_USED else None

    def _renew(self, region: _Region, picture: Grid, seen: Grid, likeness: float, dt_s: float, now_ns: int) -> None:
        """Renews the memory with what is seen; remembers afresh, at the last place, what has not been recognised for long."""
        if likeness >= self._settings.min_likeness:
            self._alike_ns = now_ns
        elif now_ns - self._alike_ns > self._settings.lost_s * NS_PER_S:
            self._pose.dilatation, self._alike_ns = 0.0, now_ns
            region.memory = region.sampled(picture, self._pose)
            return
        share = min(1.0, dt_s / self._settings.memory_s)
        assert region.memory is not None  # noqa: S101  set with the region
        region.memory = np.asarray((1 - share) * region.memory + share * seen, dtype=np.float32)

    def _free_of_needle(self, region: _Region, plane: Plane) -> Grid:
        """1 where the picture is tissue, 0 near the needle's shaft."""
        x, z = region.columns(self._pose), region.rows(self._pose)
        if self._needle is None:
            return np.ones(x.shape, dtype=np.float32)
        (ax, az), (bx, bz) = _grid_points(np.array([[p.x_mm, p.z_mm] for p in self._needle]), plane)
        length2 = max((bx - ax) ** 2 + (bz - az) ** 2, 1e-9)
        along = np.clip(((x - ax) * (bx - ax) + (z - az) * (bz - az)) / length2, 0, 1)
        distance = np.hypot(x - ax - along * (bx - ax), z - az - along * (bz - az))
        return np.asarray(distance > self._settings.needle_mm / self._step_mm, dtype=np.float32)

    def _place(self, region: _Region, plane: Plane) -> PointMm:
        x_px = GRID_PX * (region.centre_x + self._pose.x + 0.5) - 0.5
        z_px = GRID_PX * (region.centre_z + self._pose.z + 0.5) - 0.5
        return PointMm(plane.x0_mm + plane.x_mm_per_px * x_px, plane.z0_mm + plane.z_mm_per_px * z_px)


def _smoothed(pixels: GreyImage) -> Grid:
    """The canonical picture on the grid."""
    size = (pixels.shape[1] // GRID_PX, pixels.shape[0] // GRID_PX)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), BLUR_STEPS), dtype=np.float32)


def _between(at: Grid, size: int) -> tuple[npt.NDArray[np.intp], Grid]:
    """The index before each place and how far it is to the next; places outside are moved to the edge."""
    inside = np.clip(at, 0, size - 1.001)
    index = inside.astype(np.intp)
    return index, np.asarray(inside - index, dtype=np.float32)


def _grid_points(points_mm: FloatArray, plane: Plane) -> FloatArray:
    """Grid coordinates (n, 2) of plane coordinates."""
    return np.asarray(((points_mm - plane.origin_mm) / plane.mm_per_px + 0.5) / GRID_PX - 0.5, dtype=np.float64)


def _geometry(plane: Plane) -> tuple[float, ...]:
    return plane.x0_mm, plane.z0_mm, plane.x_mm_per_px, plane.z_mm_per_px, plane.width_mm, plane.depth_mm


def _correlation(seen: Grid, memory: Grid | None, weights: Grid) -> float:
    """Correlation of what is seen with the memory, in [-1, 1]; 0 when either is flat."""
    if memory is None or not weights.any():
        return 0.0
    a, b = seen[weights > 0], memory[weights > 0]
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def _shaft(needle: NeedleTrack) -> tuple[PointMm, PointMm] | None:
    """The two ends of the shaft to leave out: to the tip, or along the whole axis where the tip is not seen."""
    if needle.entry is None or needle.angle_deg is None or needle.side is None:
        return None
    if needle.tip is not None:
        return needle.entry, needle.tip
    far_mm, angle = 60.0, np.deg2rad(needle.angle_deg)
    sign = 1.0 if needle.side.value == "left" else -1.0
    entry = needle.entry
    return entry, PointMm(entry.x_mm + sign * far_mm * float(np.cos(angle)), entry.z_mm + far_mm * float(np.sin(angle)))
