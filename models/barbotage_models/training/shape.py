"""How large the network is, as data: what a weights file says of itself. Needs no TensorFlow."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from barbotage_models.errors import InvalidInputError

Weights = list[npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """``planes`` of the input; channels per level: ``stem`` at stride 2, ``encoder`` at strides 4, 8, 16, 32; the way up mirrors it.

    ``blocks`` counts the separable convolutions per encoder level, ``kernels`` is the side of those after the first; ``decoder_blocks`` counts
    them on the way up at strides 16, 8, 4; ``tip_kernel`` is the side of the tip head's own. Low resolution costs little.
    """

    planes: int = 1
    stem: int = 16
    encoder: tuple[int, int, int, int] = (32, 64, 128, 192)
    blocks: tuple[int, int, int, int] = (2, 3, 3, 3)
    kernels: tuple[int, int, int, int] = (3, 3, 3, 3)
    decoder_blocks: tuple[int, int, int] = (1, 1, 1)
    tip_kernel: int = 3

    def document(self) -> dict[str, Any]:
        """For JSON; ``shape_from_document`` reads it."""
        return asdict(self)


PLAIN_SHAPE = NetworkShape()
"""The smallest that was shipped; what ablations start from."""


def shape_from_document(document: dict[str, Any]) -> NetworkShape:
    """The shape that ``NetworkShape.document`` described. Raises InvalidInputError for anything else."""
    try:
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else int(v) for k, v in document.items()}
        return NetworkShape(**values)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"these weights are of a network that this version does not know: {error}; train again"
        ) from error
