"""The plane of one canonical frame: plain numbers between canonical pixels, cells and mm.

``CanonicalView`` converts arrays; the per-frame path converts thousands of single numbers, so it takes the two affine
maps out once.
"""

from dataclasses import dataclass

import numpy as np

from barbotage_models.contract.canonical import CANONICAL_SIDE_MM, CANONICAL_SIZE_PX, CanonicalView
from barbotage_models.contract.geometry import FloatArray
from barbotage_models.contract.output import STRIDE_PX

CELL_CENTRE_PX = (STRIDE_PX - 1) / 2
"""Canonical pixel of the centre of cell 0."""


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in canonical pixels, from ``left``, ``top`` to ``right``, ``bottom``."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """``x_mm = x0_mm + x_mm_per_px * x_px`` for canonical pixels, and the same down; ``used_*_px`` is the part that holds picture."""

    x0_mm: float
    z0_mm: float
    x_mm_per_px: float
    z_mm_per_px: float
    used_w_px: int
    used_h_px: int
    width_mm: float
    """Width of the whole region, which may be wider than the part used."""
    depth_mm: float
    mm_per_px: FloatArray
    """The two scales, (x, z), once more as an array."""
    origin_mm: FloatArray
    """The plane coordinates of canonical pixel (0, 0)."""

    def mm_from_px(self, xy_px: FloatArray) -> FloatArray:
        """Plane coordinates (n, 2) of canonical pixel coordinates (n, 2)."""
        return np.asarray(xy_px * self.mm_per_px + self.origin_mm, dtype=np.float64)

    def x_px(self, x_mm: float) -> float:
        """Canonical column of a plane coordinate."""
        return (x_mm - self.x0_mm) / self.x_mm_per_px

    def y_px(self, z_mm: float) -> float:
        """Canonical row of a plane coordinate."""
        return (z_mm - self.z0_mm) / self.z_mm_per_px

    @property
    def left_mm(self) -> float:
        """Left edge of the part used."""
        return self.x0_mm - 0.5 * self.x_mm_per_px

    @property
    def right_mm(self) -> float:
        """Right edge of the part used."""
        return self.left_mm + self.used_w_px * self.x_mm_per_px

    @property
    def used_cells(self) -> tuple[int, int]:
        """Rows and columns of the output maps that hold picture; beyond them the network saw only padding."""
        return -(-self.used_h_px // STRIDE_PX), -(-self.used_w_px // STRIDE_PX)


def plane_of(view: CanonicalView) -> Plane:
    """The plane of a view; the crop is that of ``to_canonical``."""
    crop_w = min(view.width_px, max(1, round(CANONICAL_SIDE_MM / view.mm_per_px_x)))
    crop_h = min(view.height_px, max(1, round(CANONICAL_SIDE_MM / view.mm_per_px_z)))
    x_step, z_step = view.step_x_px * view.mm_per_px_x, view.step_y_px * view.mm_per_px_z
    x0_mm, z0_mm = view.x0_px * view.mm_per_px_x + 0.5 * x_step, 0.5 * z_step
    return Plane(
        x0_mm=x0_mm,
        z0_mm=z0_mm,
        x_mm_per_px=x_step,
        z_mm_per_px=z_step,
        used_w_px=min(CANONICAL_SIZE_PX, round(crop_w / view.step_x_px)),
        used_h_px=min(CANONICAL_SIZE_PX, round(crop_h / view.step_y_px)),
        width_mm=view.width_mm,
        depth_mm=view.depth_mm,
        mm_per_px=np.array([x_step, z_step]),
        origin_mm=np.array([x0_mm, z0_mm]),
    )
