"""Runs a .tflite model on canonical frames through LiteRT; only for measuring, the device has its own interpreter."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_SIZE_PX
from barbotage_models.contract.geometry import GreyImage
from barbotage_models.contract.output import CLASSES_NAME, INPUT_NAME, TIP_NAME, ModelOutput, decode
from barbotage_models.contract.planes import PLANES, stacked
from barbotage_models.errors import InvalidInputError, NotFoundError

_INPUT_SHAPES = tuple((1, CANONICAL_SIZE_PX, CANONICAL_SIZE_PX, planes) for planes in PLANES)


class Runner(Protocol):
    """Anything that turns a canonical frame into a model output."""

    def run(self, frame: GreyImage, previous: GreyImage | None = None) -> ModelOutput:
        """The output for a frame uint8 (256, 256); ``previous`` is the one before, by default the frame itself."""
        ...


class TfliteRunner:
    """One loaded model; tensors are bound by signature name, never by index (converters reorder outputs)."""

    def __init__(self, model: Path | bytes, threads: int = 1) -> None:
        content = model if isinstance(model, bytes) else _content(model)
        self._interpreter = _interpreter_class()(model_content=content, num_threads=threads)
        try:
            self._interpreter.allocate_tensors()
            signature = self._interpreter.get_signature_runner()
            self._input = signature.get_input_details()[INPUT_NAME]
            outputs = signature.get_output_details()
            self._classes, self._tip = int(outputs[CLASSES_NAME]["index"]), int(outputs[TIP_NAME]["index"])
        except (ValueError, KeyError, RuntimeError) as error:
            raise InvalidInputError(
                f"the model does not have the tensors {INPUT_NAME}, {CLASSES_NAME}, {TIP_NAME}: {error!r}"
            ) from error
        shape = tuple(int(n) for n in self._input["shape"])
        if shape not in _INPUT_SHAPES:
            raise InvalidInputError(f"the model's input has shape {shape}; {_INPUT_SHAPES} are known")

    @property
    def planes(self) -> int:
        """How many planes the model takes."""
        return int(self._input["shape"][3])

    def run(self, frame: GreyImage, previous: GreyImage | None = None) -> ModelOutput:
        """The output for a frame uint8 (256, 256); ``previous`` is the one before, by default the frame itself."""
        values = as_input(stacked(frame, previous, self.planes), self._input["dtype"])
        self._interpreter.set_tensor(int(self._input["index"]), values)
        self._interpreter.invoke()
        return decode(self._interpreter.get_tensor(self._classes), self._interpreter.get_tensor(self._tip))

    def tensor_types(self) -> dict[str, int]:
        """How many tensors of each type the graph holds, e.g. ``{"int8": 61, "int32": 38}``."""
        counts: dict[str, int] = {}
        for tensor in self._interpreter.get_tensor_details():
            name = np.dtype(tensor["dtype"]).name
            counts[name] = counts.get(name, 0) + 1
        return counts


def as_input(planes: GreyImage, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Grey levels 0 to 255 (any shape) as the input tensor: int8 is offset by 128, the other types hold the level itself."""
    if np.dtype(dtype) == np.int8:
        return np.asarray(np.bitwise_xor(planes, np.uint8(0x80)).view(np.int8))
    return np.asarray(planes.astype(dtype))


def _content(model: Path) -> bytes:
    if not model.is_file():
        raise NotFoundError(f"no model at {model}; run 'barbotage-models export' or name another with --model")
    return model.read_bytes()


def _interpreter_class() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise NotFoundError("LiteRT is not installed; install the extra: pip install 'barbotage[device]'") from error
    return Interpreter
