"""How far the tissue moved between two frames: phase correlation of small pictures (Kuglin and Hines 1975)."""

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_device.perception.plane import Plane
from barbotage_models.contract.geometry import GreyImage, PointMm

SIDE_PX = 64
"""Side of the compared pictures: a pixel is 0.6 mm, and the peak is found to a tenth of that."""
MIN_DEVIATION_GREY = 2.0
"""A picture flatter than this has nothing to follow. Unpublished default."""

Small = npt.NDArray[np.float32]


class ImageShift:
    """Compares each canonical picture with the one before."""

    def __init__(self, min_response: float) -> None:
        self._min_response = min_response
        self._window = np.asarray(cv2.createHanningWindow((SIDE_PX, SIDE_PX), cv2.CV_32F), dtype=np.float32)
        self._before: Small | None = None
        self._size_mm = (0.0, 0.0)

    def update(self, pixels: GreyImage, plane: Plane) -> PointMm | None:
        """Movement of the picture's content since the last picture, in mm, x to the right and z down.

        None for the first picture, when the geometry changed, or when the two do not correlate.
        """
        used = pixels[: plane.used_h_px, : plane.used_w_px]
        # Two halvings are four times as fast as one step by four, and give the same means.
        half = cv2.resize(used, (2 * SIDE_PX, 2 * SIDE_PX), interpolation=cv2.INTER_AREA)
        small = cv2.resize(half, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
        mean, deviation = cv2.meanStdDev(small)
        now = None if float(deviation[0, 0]) < MIN_DEVIATION_GREY else small.astype(np.float32) - np.float32(mean[0, 0])
        size_mm = (plane.used_w_px * plane.x_mm_per_px, plane.used_h_px * plane.z_mm_per_px)
        before, same_size = self._before, size_mm == self._size_mm
        self._before, self._size_mm = now, size_mm
        if before is None or now is None or not same_size:
            return None
        # Copies: phaseCorrelate multiplies the window into its arguments, and the next call would see the picture windowed twice.
        (x_px, y_px), response = cv2.phaseCorrelate(before.copy(), now.copy(), self._window)
        if response < self._min_response:
            return None
        return PointMm(x_px * size_mm[0] / SIDE_PX, y_px * size_mm[1] / SIDE_PX)

    def reset(self) -> None:
        """Forgets the last picture."""
        self._before = None
