"""The canonical frame: a region resampled to the fixed physical pixel that the network was trained on.

One module serves training and device. Only ``INTER_AREA`` and ``INTER_LINEAR_EXACT`` are used: they give
the same bytes on x86-64 and arm64.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from barbotage_models.contract.geometry import FloatArray, GreyImage, PointMm, PointPx, Scale
from barbotage_models.errors import InvalidInputError

CANONICAL_SIZE_PX = 256
CANONICAL_MM_PER_PX = 0.15
CANONICAL_SIDE_MM = CANONICAL_SIZE_PX * CANONICAL_MM_PER_PX
MIN_REGION_PX = 32


@dataclass(frozen=True, slots=True)
class CanonicalView:
    """Where a canonical frame lies in its region, and the way between their coordinates.

    With a known scale, plane coordinates are true mm of the region. Without one the longer side of the
    region is taken as 38.4 mm so that the geometry still has a working unit; ``measurable`` is then False and no
    number in mm may be shown.
    """

    x0_px: float
    """Left edge of the used crop in the region, in region pixels from the region's left edge."""
    step_x_px: float
    """Region pixels per canonical pixel, horizontally."""
    step_y_px: float
    mm_per_px_x: float
    """mm per region pixel, true or nominal."""
    mm_per_px_z: float
    measurable: bool
    width_px: int
    """Width of the region, in region pixels."""
    height_px: int

    def plane_from_canonical(self, xy: FloatArray) -> FloatArray:
        """Plane coordinates in mm (n, 2) of canonical pixel coordinates (n, 2), order (x, y)."""
        step = np.array([self.step_x_px, self.step_y_px])
        origin = np.array([self.x0_px, 0.0])
        mm = np.array([self.mm_per_px_x, self.mm_per_px_z])
        return np.asarray(((xy + 0.5) * step + origin) * mm, dtype=np.float64)

    def px_from_plane(self, xz_mm: FloatArray) -> FloatArray:
        """Region pixel coordinates (n, 2) of plane coordinates in mm (n, 2)."""
        mm = np.array([self.mm_per_px_x, self.mm_per_px_z])
        return np.asarray(xz_mm / mm - 0.5, dtype=np.float64)

    def canonical_from_plane(self, xz_mm: FloatArray) -> FloatArray:
        """Canonical pixel coordinates (n, 2) of plane coordinates in mm (n, 2)."""
        step = np.array([self.step_x_px, self.step_y_px])
        origin = np.array([self.x0_px, 0.0])
        mm = np.array([self.mm_per_px_x, self.mm_per_px_z])
        return np.asarray((xz_mm / mm - origin) / step - 0.5, dtype=np.float64)

    def point_px(self, point: PointMm) -> PointPx:
        """Region pixel of a plane point."""
        return PointPx(point.x_mm / self.mm_per_px_x - 0.5, point.z_mm / self.mm_per_px_z - 0.5)

    @property
    def width_mm(self) -> float:
        """Width of the region in plane mm (true or nominal)."""
        return self.width_px * self.mm_per_px_x

    @property
    def depth_mm(self) -> float:
        """Height of the region in plane mm (true or nominal)."""
        return self.height_px * self.mm_per_px_z


@dataclass(frozen=True, slots=True)
class CanonicalFrame:
    """Pixels uint8 (256, 256) and where they come from. Outside the region they are 0."""

    pixels: GreyImage
    view: CanonicalView


def to_canonical(region: GreyImage, scale: Scale | None) -> CanonicalFrame:
    """The canonical frame of a region.

    ``region`` is uint8 (h, w), h and w at least 32. With a scale the top 38.4 mm, centred laterally, are used and a
    smaller region is padded with 0 on the right and below; without one the whole region is fitted, its
    longer side to 256 pixels. Raises InvalidInputError for another type, shape or size.
    """
    _check(region)
    height, width = region.shape
    if scale is None:
        nominal = CANONICAL_SIDE_MM / max(height, width)
        mm_x, mm_z = nominal, nominal
    else:
        mm_x, mm_z = scale.x_mm_per_px, scale.z_mm_per_px
    crop_w = min(width, max(1, round(CANONICAL_SIDE_MM / mm_x)))
    crop_h = min(height, max(1, round(CANONICAL_SIDE_MM / mm_z)))
    x0 = (width - crop_w) // 2
    out_w = min(CANONICAL_SIZE_PX, max(1, round(crop_w * mm_x / CANONICAL_MM_PER_PX)))
    out_h = min(CANONICAL_SIZE_PX, max(1, round(crop_h * mm_z / CANONICAL_MM_PER_PX)))
    crop = region[:crop_h, x0 : x0 + crop_w]
    resized = _resampled(crop, out_w, out_h)
    if (out_h, out_w) == (CANONICAL_SIZE_PX, CANONICAL_SIZE_PX):
        pixels = resized
    else:
        pixels = np.zeros((CANONICAL_SIZE_PX, CANONICAL_SIZE_PX), dtype=np.uint8)
        pixels[:out_h, :out_w] = resized
    view = CanonicalView(
        x0_px=float(x0),
        step_x_px=crop_w / out_w,
        step_y_px=crop_h / out_h,
        mm_per_px_x=mm_x,
        mm_per_px_z=mm_z,
        measurable=scale is not None,
        width_px=width,
        height_px=height,
    )
    return CanonicalFrame(np.asarray(pixels, dtype=np.uint8), view)


def _resampled(crop: GreyImage, out_w: int, out_h: int) -> GreyImage:
    """The crop in another size: directions that shrink first, then those that grow. INTER_AREA averages only when neither grows."""
    height, width = crop.shape
    between = (min(width, out_w), min(height, out_h))
    if between != (width, height):
        crop = np.asarray(cv2.resize(crop, between, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if between != (out_w, out_h):
        crop = np.asarray(cv2.resize(crop, (out_w, out_h), interpolation=cv2.INTER_LINEAR_EXACT), dtype=np.uint8)
    return crop


def _check(region: GreyImage) -> None:
    if region.dtype != np.uint8 or region.ndim != 2:
        raise InvalidInputError(f"a frame must be 8-bit grey (height, width); got {region.dtype} with shape {region.shape}")
    if min(region.shape) < MIN_REGION_PX:
        raise InvalidInputError(
            f"a frame of {region.shape[1]}x{region.shape[0]} pixels is too small; both sides must have at least {MIN_REGION_PX}"
        )
