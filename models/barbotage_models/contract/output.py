"""What the network says, decoded to one form whatever the number format of the model.

The graph ends in a softmax over classes and a sigmoid for the tip, so an int8 output has scale 1/256 and
zero point -128 and a float output lies in [0, 1]; both become uint8 here: 0 is certainly not, 255 certainly.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_SIZE_PX
from barbotage_models.contract.geometry import FloatArray, PointPx
from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.errors import InvalidInputError

OUTPUT_SIZE_PX = 64
"""Side of the output maps, in cells."""
STRIDE_PX = CANONICAL_SIZE_PX // OUTPUT_SIZE_PX
"""Canonical pixels per output cell."""

INPUT_NAME = "frame"
CLASSES_NAME = "classes"
TIP_NAME = "tip"


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """Probabilities in 1/256.

    ``classes`` is uint8 (64, 64, 4), channels as ``Tissue``; ``tip`` is uint8 (64, 64). Cell (row, column) covers 4 x 4
    canonical pixels, its centre lies at canonical pixel ``4 * index + 1.5``.
    """

    classes: npt.NDArray[np.uint8]
    tip: npt.NDArray[np.uint8]

    def probability(self, tissue: Tissue) -> npt.NDArray[np.uint8]:
        """The (64, 64) map of one class."""
        return self.classes[:, :, tissue]


@dataclass(frozen=True, slots=True)
class Peak:
    """A maximum of the tip map: canonical pixel position and height in [0, 1]."""

    position: PointPx
    height: float


def decode(classes: npt.NDArray[np.generic], tip: npt.NDArray[np.generic]) -> ModelOutput:
    """Raw tensors (1, 64, 64, 4) and (1, 64, 64, 1), int8, uint8 or float32, as a ModelOutput.

    Raises InvalidInputError for another shape or type.
    """
    expected = ((1, OUTPUT_SIZE_PX, OUTPUT_SIZE_PX, len(Tissue)), (1, OUTPUT_SIZE_PX, OUTPUT_SIZE_PX, 1))
    if (classes.shape, tip.shape) != expected:
        raise InvalidInputError(f"model outputs have shapes {classes.shape} and {tip.shape}, expected {expected}")
    return ModelOutput(_as_uint8(classes)[0], _as_uint8(tip)[0, :, :, 0])


def _as_uint8(raw: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    if raw.dtype == np.uint8:
        return np.asarray(raw, dtype=np.uint8)
    if raw.dtype == np.int8:
        return np.asarray(np.bitwise_xor(raw.view(np.uint8), np.uint8(0x80)), dtype=np.uint8)
    if raw.dtype == np.float32:
        return np.asarray(np.clip(np.rint(np.asarray(raw, dtype=np.float32) * 256.0), 0, 255), dtype=np.uint8)
    raise InvalidInputError(f"model output has type {raw.dtype}; int8, uint8 and float32 are known")


def canonical_from_cell(cells: FloatArray) -> FloatArray:
    """Canonical pixel coordinates of cell coordinates (any shape)."""
    return np.asarray(cells * STRIDE_PX + (STRIDE_PX - 1) / 2, dtype=np.float64)


def tip_peak(tip: npt.NDArray[np.uint8], radius_cells: int = 2) -> Peak:
    """The highest point of a tip map with sub-cell position: the centroid within ``radius_cells`` of the maximum.

    An int8 map often has several equal maxima, so the bare argmax is biased up to a cell (0.6 mm).
    """
    index = int(tip.argmax())
    row, column = divmod(index, tip.shape[1])
    top, left = max(0, row - radius_cells), max(0, column - radius_cells)
    window = tip[top : row + radius_cells + 1, left : column + radius_cells + 1].astype(np.float64)
    total = window.sum()
    if total <= 0:
        return Peak(PointPx(float(canonical_from_cell(np.array(column))), float(canonical_from_cell(np.array(row)))), 0.0)
    y = top + float(window.sum(axis=1) @ np.arange(window.shape[0])) / total
    x = left + float(window.sum(axis=0) @ np.arange(window.shape[1])) / total
    position = PointPx(float(canonical_from_cell(np.array(x))), float(canonical_from_cell(np.array(y))))
    return Peak(position, int(tip[row, column]) / 256.0)
