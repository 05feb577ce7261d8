"""Files of a training run: checkpoint and averaged weights, each written atomically."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from barbotage_models.errors import InvalidInputError, NotFoundError
from barbotage_models.training.shape import NetworkShape, Weights, shape_from_document

CHECKPOINT_NAME = "checkpoint.npz"
WEIGHTS_NAME = "weights.npz"
_SHAPE_KEY = "network"

Arrays = dict[str, npt.NDArray[Any]]


def save_weights(path: Path, shape: NetworkShape, weights: Weights) -> None:
    """Writes weights in the order of the network, and the network's shape."""
    arrays: Arrays = {f"weight_{i:04d}": w for i, w in enumerate(weights)}
    write_arrays(path, arrays | {_SHAPE_KEY: np.array(json.dumps(shape.document()))})


def load_weights(path: Path) -> tuple[NetworkShape, Weights]:
    """Shape and weights as ``save_weights`` wrote them. Raises NotFoundError or InvalidInputError."""
    arrays = read_arrays(path)
    if _SHAPE_KEY not in arrays:
        raise InvalidInputError(f"{path} does not say of which network it is; train again")
    shape = shape_from_document(json.loads(str(arrays.pop(_SHAPE_KEY))))
    return shape, [arrays[key] for key in sorted(arrays)]


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Writes an .npz file that is either the old or the new one whatever happens."""
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
    temporary.replace(path)


def read_arrays(path: Path) -> Arrays:
    """The arrays of an .npz file. Raises NotFoundError or InvalidInputError."""
    if not path.is_file():
        raise NotFoundError(f"no file {path}; train first with 'barbotage-models train'")
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}; train again") from error
