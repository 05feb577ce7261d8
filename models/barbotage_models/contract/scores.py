"""The raw scores that the card's calibrations turn into probabilities; training fits them, the device applies them.

Each is deliberately trivial: what is fitted on validation frames must be exactly what runs at the bedside. All take
probabilities in 1/256 as they stand in a ``ModelOutput`` and give a score in [0, 1].
"""

import math

import numpy as np
import numpy.typing as npt

from barbotage_models.contract.output import Peak

NEEDLE_INLIER_MM = 0.9
"""Cells whose centre lies this near to the axis count as shaft: half the widest label (0.45) and three quarters of a cell (0.45)."""


def level(threshold: float) -> int:
    """The smallest cell value, 1 to 255, that reaches a threshold in [0, 1]; a cell belongs when ``cell >= level``."""
    return min(255, max(1, math.ceil(threshold * 256.0)))


def deposit_score(cells: npt.NDArray[np.uint8]) -> float:
    """Mean deposit probability of a component's cells.

    ``cells`` (any shape, not empty): the deposit probabilities of all cells of one 8-connected component of the map
    ``deposit >= level(thresholds.deposit_pixel)``.
    """
    return int(cells.sum()) / (256.0 * cells.size)


def needle_score(cells: npt.NDArray[np.uint8]) -> float:
    """Mean needle probability of the shaft's cells.

    ``cells`` (any shape, not empty): the needle probabilities of the cells of the map ``needle >= level(thresholds.needle_pixel)`` that
    lie within ``NEEDLE_INLIER_MM`` of the axis. At the bedside the axis is the fitted one. To fit a calibration, take
    the true axis for needles that are there, and the best straight line through the cells where there is none.
    """
    return int(cells.sum()) / (256.0 * cells.size)


def tip_score(peak: Peak) -> float:
    """Height of the tip map's highest peak, as ``output.tip_peak`` gives it."""
    return peak.height
