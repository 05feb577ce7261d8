"""The planes of the network's input: the frame and, for a model of two planes, the one before it."""

import numpy as np

from barbotage_models.contract.geometry import GreyImage

PLANES = (1, 2)
"""How many planes a model may take; a card that does not say takes one."""
PREVIOUS_FRAME_MS = 150.0
"""Oldest frame that counts as the one before: training shows 30 to 60 ms, sometimes 100; beyond 150 a needle is elsewhere."""


def stacked(frame: GreyImage, previous: GreyImage | None, planes: int) -> GreyImage:
    """The input bytes uint8 (1, h, w, planes) of canonical frames uint8 (h, w); without ``previous`` the frame stands in for it.

    With one plane this is a view of the frame, and ``previous`` is not looked at.
    """
    if planes == 1:
        return frame.reshape(1, *frame.shape, 1)
    joined = np.empty((1, *frame.shape, planes), dtype=np.uint8)
    joined[0, :, :, 0] = frame
    joined[0, :, :, 1] = frame if previous is None else previous
    return joined
