"""Points and scale of the image plane.

Pixel coordinates: x to the right, y down, pixel centres at integers; the left edge of a picture is
at ``x_px = -0.5``. Plane coordinates: ``x_mm`` to the right from the left edge of the region, ``z_mm``
down from its top (the skin).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from barbotage_models.errors import InvalidInputError

FloatArray = npt.NDArray[np.float64]
GreyImage = npt.NDArray[np.uint8]

SCALE_MIN_MM_PER_PX = 0.005
SCALE_MAX_MM_PER_PX = 1.0


@dataclass(frozen=True, slots=True)
class PointMm:
    """A point of the image plane, in mm."""

    x_mm: float
    z_mm: float

    def distance_mm(self, other: "PointMm") -> float:
        """Euclidean distance to another point, in mm."""
        return math.hypot(self.x_mm - other.x_mm, self.z_mm - other.z_mm)


@dataclass(frozen=True, slots=True)
class PointPx:
    """A point of a picture, in pixels of that picture."""

    x_px: float
    y_px: float


@dataclass(frozen=True, slots=True)
class Scale:
    """Physical size of a pixel, in mm.

    Raises InvalidInputError when a value is not finite or outside 0.005 to 1 mm: no ultrasound
    picture has such pixels, so the number is a mistake (cm for mm, a zero, a NaN).
    """

    x_mm_per_px: float
    z_mm_per_px: float

    def __post_init__(self) -> None:
        for name, value in (("x", self.x_mm_per_px), ("z", self.z_mm_per_px)):
            if not (math.isfinite(value) and SCALE_MIN_MM_PER_PX <= value <= SCALE_MAX_MM_PER_PX):
                raise InvalidInputError(
                    f"scale along {name} is {value!r} mm per pixel; "
                    f"it must lie between {SCALE_MIN_MM_PER_PX} and {SCALE_MAX_MM_PER_PX}. "
                    "Leave the scale out when it is not known."
                )

    @classmethod
    def isotropic(cls, mm_per_px: float) -> "Scale":
        """Square pixels."""
        return cls(mm_per_px, mm_per_px)

    @property
    def is_isotropic(self) -> bool:
        """Whether both directions agree within 0.1 %."""
        return abs(self.x_mm_per_px / self.z_mm_per_px - 1.0) < 1e-3
