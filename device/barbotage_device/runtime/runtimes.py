"""Which TensorFlow Lite runtime runs the model: LiteRT where there is one, else tflite-runtime."""

import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from barbotage_device.errors import BarbotageError, NotFoundError, UsageError

RUNTIME_VARIABLE = "BARBOTAGE_RUNTIME"
LITERT = "ai_edge_litert"
TFLITE_RUNTIME = "tflite_runtime"
RUNTIMES = (LITERT, TFLITE_RUNTIME)
"""In order of preference: LiteRT runs int8 many times faster than tflite-runtime 2.14, the last ever published."""

_BROKEN = (ImportError, AttributeError, SystemError)
"""What a runtime raises when it does not fit this Python or numpy; a bad model raises ValueError or RuntimeError instead."""


class ModelError(BarbotageError):
    """The model file cannot be run, or it failed while running."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """An importable runtime. ``make`` is its ``Interpreter`` class."""

    name: str
    version: str
    make: Callable[..., Any]


def wanted_runtimes(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Runtime names in the order to try. BARBOTAGE_RUNTIME names the only one. Raises UsageError for an unknown name."""
    wanted = environ.get(RUNTIME_VARIABLE, "")
    if not wanted:
        return RUNTIMES
    if wanted not in RUNTIMES:
        raise UsageError(f"{RUNTIME_VARIABLE} is {wanted!r}; known runtimes are {' and '.join(RUNTIMES)}")
    return (wanted,)


def load_runtime(model: Path, candidates: Sequence[str] | None = None) -> Runtime:
    """The first runtime that can construct an interpreter of ``model``.

    Importing proves nothing: tflite-runtime imports under numpy 2 and dies in the constructor. Raises NotFoundError when no runtime
    works, with what is wrong with each; ModelError when a runtime works and the file is no model.
    """
    names = wanted_runtimes(os.environ) if candidates is None else tuple(candidates)
    problems: list[str] = []
    for name in names:
        try:
            runtime = _import(name)
            construct(runtime, model, threads=1)
        except _BROKEN as error:
            problems.append(_problem(name, error))
        else:
            return runtime
    raise NotFoundError(
        f"no TensorFlow Lite runtime works: {'; '.join(problems)}. Install one with: pip install 'barbotage[device]' (ai-edge-litert)"
    )


def construct(runtime: Runtime, model: Path, threads: int) -> Any:
    """An interpreter with its tensors allocated. Raises ModelError when the file is not a usable model."""
    try:
        with quiet_stderr():
            interpreter = runtime.make(model_path=str(model), num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{model.name} cannot be loaded by {runtime.name} {runtime.version}: {first}; export the model again"
        ) from error
    return interpreter


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hides what native code writes to file descriptor 2 (XNNPACK announces itself there).

    Failures are not lost: the runtimes raise them. Does nothing where there is no descriptor 2.
    """
    try:
        saved = os.dup(2)
    except OSError:
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


def _import(name: str) -> Runtime:
    module = importlib.import_module(f"{name}.interpreter")
    package = importlib.import_module(name)
    return Runtime(name, str(getattr(package, "__version__", "")) or _installed_version(name), module.Interpreter)


def _installed_version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name.replace("_", "-"))
    except PackageNotFoundError:
        return "unknown"


def _problem(name: str, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == name:
        return f"{name} is not installed"
    if name == TFLITE_RUNTIME and int(np.__version__.split(".")[0]) >= 2:
        return f"{name} does not work with numpy {np.__version__}, numpy<2 needed"
    return f"{name} is broken ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})"
