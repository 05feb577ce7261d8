"""Pictures of a shaft in tissue, with spots that slide along it as it goes in."""

import math

import numpy as np
from tests.support.drawing import speckle

from barbotage_models.contract.canonical import CanonicalFrame, to_canonical
from barbotage_models.contract.geometry import Scale

MM_PER_PX = 0.15
ENTRY_Z_MM = 4.0
LENGTH_MM = 31.0


def shaft_picture(slid_mm: float, angle_deg: float, texture: bool = True, tissue_mm: float = 0.0) -> CanonicalFrame:
    """A shaft that enters at the left, 4 mm deep, and went in by ``slid_mm``; without texture it is evenly white.

    ``tissue_mm`` moves everything, shaft and tissue, along the axis.
    """
    rows, columns = np.mgrid[0:256, 0:256]
    dx, dz = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    x_mm, z_mm = (columns + 0.5) * MM_PER_PX, (rows + 0.5) * MM_PER_PX - ENTRY_Z_MM
    along_mm, across_mm = x_mm * dx + z_mm * dz, z_mm * dx - x_mm * dz
    spots = np.random.default_rng(8).uniform(70, 210, 160)
    places_mm = np.arange(160) * 0.6 - 30.0
    grey = np.interp(along_mm - slid_mm - tissue_mm, places_mm, spots) if texture else np.full(along_mm.shape, 255.0)
    tissue = speckle((400, 400), seed=5)
    top, left = 60 - round(tissue_mm * dz / MM_PER_PX), 60 - round(tissue_mm * dx / MM_PER_PX)
    on_shaft = (np.abs(across_mm) <= 0.5) & (along_mm <= LENGTH_MM)
    picture = np.where(on_shaft, grey, tissue[top : top + 256, left : left + 256])
    return to_canonical(np.asarray(picture, dtype=np.uint8), Scale.isotropic(MM_PER_PX))
