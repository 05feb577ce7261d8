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


def needle_score(probability: npt.NDArray[np.uint8], start_cells: tuple[float, float], end_cells: tuple[float, float]) -> float:
    """Mean needle probability along the shaft's axis, gaps included, at steps of about a cell.

    ``probability`` (64, 64) is the whole map; ``start_cells`` and ``end_cells`` are (x, y) of the two visible ends, 0 at the centre of the
    first cell. Gaps count: on held-out frames, at two frames with a false needle in a hundred, this found 73 % of the simulated and 63 % of the
    composited needles; the mean of the claimed cells alone, 63 % and 54 %.
    """
    (x0, y0), (x1, y1) = start_cells, end_cells
    share = np.linspace(0.0, 1.0, max(2, math.ceil(math.hypot(x1 - x0, y1 - y0)) + 1))
    columns = np.rint(x0 + (x1 - x0) * share).clip(0, probability.shape[1] - 1).astype(np.intp)
    rows = np.rint(y0 + (y1 - y0) * share).clip(0, probability.shape[0] - 1).astype(np.intp)
    return float(probability[rows, columns].mean()) / 256.0


def tip_score(peak: Peak) -> float:
    """Height of the tip map's highest peak, as ``output.tip_peak`` gives it."""
    return peak.height
