"""The region: which part of a delivered picture is ultrasound, and its conversion to 8-bit grey."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_device.errors import InvalidInputError
from barbotage_models.contract.canonical import MIN_REGION_PX
from barbotage_models.contract.geometry import GreyImage


class ColourOrder(StrEnum):
    """In which order the channels of a decoded colour picture lie."""

    RGB = "rgb"
    BGR = "bgr"


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of whole pixels of a picture; ``x_px``, ``y_px`` is its top left pixel.

    Raises InvalidInputError for a negative corner or a side under 32 pixels.
    """

    x_px: int
    y_px: int
    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if min(self.x_px, self.y_px) < 0:
            raise InvalidInputError(f"{self} begins outside the picture; its corner must be at (0, 0) or further in")
        if min(self.width_px, self.height_px) < MIN_REGION_PX:
            raise InvalidInputError(f"{self} is too small; both sides must have at least {MIN_REGION_PX} pixels")

    def __str__(self) -> str:
        """For messages: size and place."""
        return f"region {self.width_px}x{self.height_px} at ({self.x_px}, {self.y_px})"

    @property
    def area_px(self) -> int:
        """Number of pixels in it."""
        return self.width_px * self.height_px

    def fits(self, width_px: int, height_px: int) -> bool:
        """Whether it lies wholly inside a picture of this size."""
        return self.x_px + self.width_px <= width_px and self.y_px + self.height_px <= height_px

    def contains(self, other: "Region") -> bool:
        """Whether another region lies wholly inside this one."""
        return (
            self.x_px <= other.x_px
            and self.y_px <= other.y_px
            and other.x_px + other.width_px <= self.x_px + self.width_px
            and other.y_px + other.height_px <= self.y_px + self.height_px
        )

    def crop(self, picture: GreyImage) -> GreyImage:
        """The region's own copy of its pixels, uint8 (height_px, width_px).

        Raises InvalidInputError when the region does not lie inside the picture.
        """
        height_px, width_px = picture.shape
        if not self.fits(width_px, height_px):
            raise InvalidInputError(
                f"{self} does not lie inside the picture of {width_px}x{height_px} pixels; correct the region in the configuration"
            )
        part = picture[self.y_px : self.y_px + self.height_px, self.x_px : self.x_px + self.width_px]
        return part.copy()


_GREY_CODES: dict[ColourOrder, tuple[int, int]] = {
    ColourOrder.RGB: (cv2.COLOR_RGB2GRAY, cv2.COLOR_RGBA2GRAY),
    ColourOrder.BGR: (cv2.COLOR_BGR2GRAY, cv2.COLOR_BGRA2GRAY),
}


def to_grey(pixels: npt.NDArray[Any], order: ColourOrder) -> GreyImage:
    """8-bit luma (ITU-R BT.601 weights) of a grey, colour or colour-with-alpha picture; alpha is ignored.

    ``pixels`` is uint8 (h, w), (h, w, 1), (h, w, 3) or (h, w, 4). Raises InvalidInputError for another type or shape.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.size == 0:
        raise InvalidInputError(f"a picture must be 8-bit grey or colour; got {pixels.dtype} with shape {pixels.shape}")
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    channels = pixels.shape[2]
    if channels == 1:
        return np.ascontiguousarray(pixels[:, :, 0])
    if channels not in (3, 4):
        raise InvalidInputError(f"a picture must have 1, 3 or 4 channels; got {channels}")
    code = _GREY_CODES[order][channels - 3]
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), code), dtype=np.uint8)
