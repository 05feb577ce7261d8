"""Running the network: from a canonical frame's pixels to its decoded output."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from barbotage_device.errors import InvalidInputError, UsageError
from barbotage_device.runtime.runtimes import TFLITE_RUNTIME, ModelError, Runtime, construct, load_runtime
from barbotage_models.contract.canonical import CANONICAL_SIZE_PX
from barbotage_models.contract.card import ModelCard, card_path, load_card
from barbotage_models.contract.geometry import GreyImage
from barbotage_models.contract.output import CLASSES_NAME, INPUT_NAME, TIP_NAME, ModelOutput, decode
from barbotage_models.contract.planes import stacked

MAX_THREADS = 16
TIMED_RUNS = 5
"""Runs per model when the faster of two is chosen at start-up; the median of five is steady within 10 % on a busy board."""
_OUTPUT_SCALE = 1.0 / 256.0


class Interpreter(Protocol):
    """Runs one model. Not thread safe: one thread runs it."""

    @property
    def name(self) -> str:
        """Model, runtime and threads, for people."""
        ...

    @property
    def number_format(self) -> str:
        """``int8`` or ``float32``."""
        ...

    def run(self, pixels: GreyImage, previous: GreyImage | None = None) -> ModelOutput:
        """The output for pixels uint8 (256, 256).

        ``previous`` is the frame before; a model of one plane does not look at it, one of two takes the frame itself where it is None.
        Raises InvalidInputError for another array, ModelError when the runtime fails.
        """
        ...


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A verified, warmed-up model and its card."""

    interpreter: Interpreter
    card: ModelCard
    card_sha256: str = ""
    """Digest of the card's file, for the record; empty for a model that did not come from a file."""


class TfliteInterpreter:
    """A TensorFlow Lite model behind the Interpreter protocol.

    Tensors are bound by the names of the model's signature, never by position: converters reorder them. Raises
    ModelError when the file is no model or has another signature, shape or quantisation than the contract's.
    """

    def __init__(self, model: Path, card: ModelCard, runtime: Runtime, threads: int) -> None:
        if not 1 <= threads <= MAX_THREADS:
            raise UsageError(f"threads is {threads}; it must lie between 1 and {MAX_THREADS}")
        self._native = construct(runtime, model, threads)
        inputs, outputs = _signature(self._native, model)
        self._planes = card.planes
        self._input = _bound(inputs, INPUT_NAME, model)
        _check_input_shape(self._input, card.planes, model)
        self._classes = _output_index(outputs, CLASSES_NAME, model)
        self._tip = _output_index(outputs, TIP_NAME, model)
        self._feed = _feeder(self._input, model)
        self._name = f"{card.name} {card.version} ({card.number_format}) on {runtime.name} {runtime.version}, {threads} thread(s)"
        self._number_format = card.number_format
        self.run(np.zeros((CANONICAL_SIZE_PX, CANONICAL_SIZE_PX), dtype=np.uint8))

    @property
    def name(self) -> str:
        """Model, runtime and threads, for people."""
        return self._name

    @property
    def number_format(self) -> str:
        """``int8`` or ``float32``, as the card says."""
        return self._number_format

    def run(self, pixels: GreyImage, previous: GreyImage | None = None) -> ModelOutput:
        """The output for pixels uint8 (256, 256) and the frame before (for two planes; None: the frame itself); it owns its memory.

        Raises InvalidInputError for another array, ModelError when the runtime fails.
        """
        for one in (pixels,) if previous is None else (pixels, previous):
            if one.dtype != np.uint8 or one.shape != (CANONICAL_SIZE_PX, CANONICAL_SIZE_PX):
                raise InvalidInputError(
                    f"the model takes uint8 ({CANONICAL_SIZE_PX}, {CANONICAL_SIZE_PX}); got {one.dtype} with shape {one.shape}"
                )
        try:
            self._native.set_tensor(self._input["index"], self._feed(stacked(pixels, previous, self._planes)))
            self._native.invoke()
            return decode(self._native.get_tensor(self._classes), self._native.get_tensor(self._tip))
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"the model failed on a frame: {error}; run 'barbotage-device check'") from error


def open_model(model: Path, threads: int) -> LoadedModel:
    """The verified model: card first, then the runtime. Raises NotFoundError, CardError, ModelError, UsageError."""
    card = load_card(model)
    return _loaded(model, card, load_runtime(model), threads)


def open_fastest(models: Sequence[Path], threads: int, clock: Callable[[], int] = time.perf_counter_ns) -> LoadedModel:
    """The model that runs fastest here of several that are equally good; the first one is preferred.

    LiteRT runs int8 fastest everywhere, so only the first is opened there. tflite-runtime 2.14 does not give int8 to its fast
    kernels (14 times slower than its own float on x86), so there each is timed. Raises as ``open_model``.
    """
    card = load_card(models[0])
    runtime = load_runtime(models[0])
    first = _loaded(models[0], card, runtime, threads)
    if runtime.name != TFLITE_RUNTIME or len(models) == 1:
        return first
    others = [_loaded(model, load_card(model), runtime, threads) for model in models[1:]]
    return min([first, *others], key=lambda one: median_run_ns(one.interpreter, clock))


def _loaded(model: Path, card: ModelCard, runtime: Runtime, threads: int) -> LoadedModel:
    digest = hashlib.sha256(card_path(model).read_bytes()).hexdigest()
    return LoadedModel(TfliteInterpreter(model, card, runtime, threads), card, digest)


def median_run_ns(interpreter: Interpreter, clock: Callable[[], int], runs: int = TIMED_RUNS) -> int:
    """Median time of a run on a grey frame, in ns."""
    pixels = np.full((CANONICAL_SIZE_PX, CANONICAL_SIZE_PX), 64, dtype=np.uint8)
    durations: list[int] = []
    for _ in range(runs):
        started = clock()
        interpreter.run(pixels)
        durations.append(clock() - started)
    return sorted(durations)[runs // 2]


def _signature(native: Any, model: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and outputs by name. The signature runner is let go: while one lives, the interpreter refuses to be invoked."""
    names = list(native.get_signature_list())
    if not names:
        raise ModelError(f"{model.name} has no signature; export it with 'barbotage-models export'")
    runner = native.get_signature_runner(names[0])
    return dict(runner.get_input_details()), dict(runner.get_output_details())


def _bound(details: dict[str, Any], name: str, model: Path) -> dict[str, Any]:
    if name not in details:
        raise ModelError(
            f"{model.name} has no tensor named {name!r} (it has {', '.join(sorted(details))}); export the model again"
        )
    found: dict[str, Any] = details[name]
    return found


def _check_input_shape(details: dict[str, Any], planes: int, model: Path) -> None:
    shape, expected = tuple(int(n) for n in details["shape"]), (1, CANONICAL_SIZE_PX, CANONICAL_SIZE_PX, planes)
    if shape != expected:
        raise ModelError(f"{model.name}: {INPUT_NAME} has shape {shape}, its card needs {expected}; export the model again")


def _output_index(details: dict[str, Any], name: str, model: Path) -> int:
    found = _bound(details, name, model)
    expected = {np.int8: (_OUTPUT_SCALE, -128), np.uint8: (_OUTPUT_SCALE, 0), np.float32: (0.0, 0)}.get(found["dtype"])
    if expected is None or tuple(found["quantization"]) != expected:
        raise ModelError(
            f"{model.name}: {name} is {found['dtype'].__name__} with quantisation {found['quantization']}; "
            "probabilities in 1/256 are needed, export the model again"
        )
    return int(found["index"])


def _feeder(details: dict[str, Any], model: Path) -> Callable[[GreyImage], npt.NDArray[np.generic]]:
    """How grey bytes (1, 256, 256, planes) become the input tensor: as they are where the input is uint8."""
    dtype, zero_point = details["dtype"], int(details["quantization"][1])
    if dtype == np.uint8 and zero_point == 0:
        return lambda planes: planes
    if dtype == np.int8 and zero_point == -128:
        return lambda planes: np.bitwise_xor(planes, np.uint8(0x80)).view(np.int8)
    if dtype == np.float32:
        return lambda planes: planes.astype(np.float32)
    raise ModelError(f"{model.name}: the input is {dtype.__name__} with zero point {zero_point}; grey bytes 0 to 255 are needed")
