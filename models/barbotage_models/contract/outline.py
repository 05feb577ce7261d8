"""The outline of a component of a probability map, below cell size: measured at the bedside and in evaluation by the same lines."""

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.output import STRIDE_PX

_SQUARE = np.ones((2, 2), dtype=np.uint8)
_DILATION_SHIFT_PX = 0.5
"""With its anchor at its first element the kernel grows a mask to the left and up, so the traced border lies half a pixel too far there."""


def iso_outline(cells: npt.NDArray[np.uint8], least: int) -> npt.NDArray[np.float32] | None:
    """The outer border (n, 1, 2), in canonical pixels from the corner of ``cells``, of the largest area that reaches ``least``.

    ``cells`` is one component with a margin of a cell all round, so that the iso-line closes. The 2 x 2 dilation and
    half-pixel shift trace the edges of the pixels, not their centres, so nothing is lost all round. None when no fine pixel reaches
    the threshold (a few cells that only just did).
    """
    fine = cv2.resize(cells, None, fx=STRIDE_PX, fy=STRIDE_PX, interpolation=cv2.INTER_LINEAR_EXACT)
    mask = cv2.threshold(fine, least - 1, 255, cv2.THRESH_BINARY)[1]
    grown = cv2.dilate(mask, _SQUARE, anchor=(0, 0), borderValue=0)
    contours, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    largest = max(contours, key=cv2.contourArea) if len(contours) > 1 else contours[0]
    return np.asarray(largest + np.float32(_DILATION_SHIFT_PX), dtype=np.float32)
