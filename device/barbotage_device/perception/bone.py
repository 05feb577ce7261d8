"""The bone surface of one frame: the longest continuous line of the bone map."""

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_device.perception.plane import CELL_CENTRE_PX, Plane
from barbotage_models.contract.geometry import FloatArray
from barbotage_models.contract.output import STRIDE_PX
from barbotage_models.contract.scores import level

MIN_LENGTH_MM = 5.0
"""A shorter line is not taken for bone; the humeral head spans most of the picture. Unpublished default."""
MAX_STEP_CELLS = 1.5
"""Most that the line may rise or fall per column (56 deg); a perpendicular beam sees no steeper bone. Unpublished default."""
MAX_GAP_CELLS = 12
"""Columns that may be missing within one line (7.2 mm), as under a deposit's shadow; a straight bridge over a humeral head of 25 mm radius
is then at most 0.3 mm off. Unpublished default."""
MAX_GAP_JUMP_CELLS = 8.0
"""Most that the line may rise or fall over a gap (4.8 mm). Unpublished default."""

_THREE = np.arange(3)[:, None]
_SMOOTHING = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0


def bone_surface(probability: npt.NDArray[np.uint8], threshold: float, plane: Plane) -> FloatArray | None:
    """The bone line (n, 2) in (x_mm, z_mm), sorted by x, a point a column; None when none is at least ``MIN_LENGTH_MM`` long.

    ``probability`` (rows, columns) in 1/256. Missing columns within the line are interpolated.
    """
    floor = level(threshold)
    if int(probability.max()) < floor:
        return None
    peak_rows = probability.argmax(axis=0)
    heights = probability[peak_rows, np.arange(probability.shape[1])]
    columns = np.flatnonzero(heights >= floor)
    if len(columns) < 2:
        return None
    rows = _sub_cell(probability, peak_rows[columns], columns)
    keep = _longest_chain(columns, rows)
    columns, rows = columns[keep], rows[keep]
    if (columns[-1] - columns[0]) * STRIDE_PX * plane.x_mm_per_px < MIN_LENGTH_MM:
        return None
    every = np.arange(columns[0], columns[-1] + 1)
    smooth = _smoothed(np.interp(every, columns, rows))
    cells = np.stack([every, smooth], axis=1) * STRIDE_PX + CELL_CENTRE_PX
    return plane.mm_from_px(cells)


def _sub_cell(probability: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> FloatArray:
    """Rows refined to the centroid of three cells."""
    padded = cv2.copyMakeBorder(probability, 1, 1, 0, 0, cv2.BORDER_CONSTANT, value=0)
    above, middle, below = padded[rows + _THREE, columns].astype(np.float64)
    return np.asarray(rows + (below - above) / (above + middle + below), dtype=np.float64)


def _longest_chain(columns: npt.NDArray[np.int64], rows: FloatArray) -> npt.NDArray[np.int64]:
    """Indices of the longest chain of runs that follow each other without a jump; runs off the chain are skipped."""
    steps = np.diff(columns)
    breaks = np.flatnonzero((steps > 1) | (np.abs(np.diff(rows)) > MAX_STEP_CELLS))
    if len(breaks) == 0:
        return np.arange(len(columns))
    starts = [0, *(breaks + 1).tolist()]
    ends = [*(breaks + 1).tolist(), len(columns)]
    lengths = [end - start for start, end in zip(starts, ends, strict=True)]
    before = [-1] * len(starts)
    for later in range(1, len(starts)):
        best = 0
        for earlier in range(later):
            if lengths[earlier] > best and _follows(columns, rows, ends[earlier] - 1, starts[later]):
                best, before[later] = lengths[earlier], earlier
        lengths[later] += best
    chain = [int(np.argmax(lengths))]
    while before[chain[-1]] >= 0:
        chain.append(before[chain[-1]])
    return np.concatenate([np.arange(starts[run], ends[run]) for run in reversed(chain)])


def _follows(columns: npt.NDArray[np.int64], rows: FloatArray, last: int, first: int) -> bool:
    step = int(columns[first] - columns[last])
    return step <= MAX_GAP_CELLS + 1 and abs(float(rows[first] - rows[last])) <= min(MAX_STEP_CELLS * step, MAX_GAP_JUMP_CELLS)


def _smoothed(rows: FloatArray) -> FloatArray:
    """A five-point average; the ends are continued by point reflection so that a slope is kept."""
    reach = len(_SMOOTHING) // 2
    before = 2 * rows[0] - rows[reach:0:-1]
    after = 2 * rows[-1] - rows[-2 : -2 - reach : -1]
    return np.convolve(np.concatenate([before, rows, after]), _SMOOTHING, mode="valid")
