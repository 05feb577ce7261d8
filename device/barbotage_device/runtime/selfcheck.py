"""The command ``check``: is this device fit to run, part by part."""

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from barbotage_device.console import EXIT_DONE, EXIT_FAILED, Console
from barbotage_device.errors import BarbotageError
from barbotage_device.perception.scene import Scene
from barbotage_device.runtime.bench import WARM_UP_FRAMES, BenchResult, measure
from barbotage_device.runtime.budget import BUDGET, over_budget
from barbotage_device.runtime.detection import detect
from barbotage_device.runtime.health import Health, read_health
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.models import choose_model
from barbotage_device.runtime.pipeline import Pipeline
from barbotage_device.runtime.scenery import approach, as_frame, to_and_fro
from barbotage_models.contract.geometry import PointMm
from barbotage_models.simulator.truth import Truth

REQUIRED = {"numpy": "numpy", "cv2": "opencv-python-headless", "PIL": "pillow"}
"""Import name and distribution of what every command needs."""
FOR_FILES = {"av": "av", "pydicom": "pydicom"}
"""Only recorded videos and DICOM need these."""
RENDERED = 12
MEASURED_FRAMES = 40
DEPOSIT_TOLERANCE_MM = 3.0
"""Centre of an 11 mm deposit; anything seen farther away is something else."""
ANGLE_TOLERANCE_DEG = 5.0
TIP_TOLERANCE_MM = 3.0
"""On an easy frame; the accuracy of the model is in its card, not here."""


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    verdict: Verdict
    detail: str


def check(named: Path | None, threads: int, console: Console, as_json: bool) -> int:
    """Runs all checks and says each as it ends; 1 when one failed. A warning does not fail."""
    done: list[Check] = []
    for one in _checks(named, threads, console):
        done.append(one)
        if not as_json:
            console.result(f"{one.verdict:<5} {one.name}: {one.detail}")
    failed = sum(one.verdict is Verdict.FAIL for one in done)
    if as_json:
        console.result_json(
            {
                "ok": not failed,
                "checks": [{"name": one.name, "verdict": one.verdict.lower(), "detail": one.detail} for one in done],
            }
        )
    else:
        console.result("this device is fit to run" if not failed else f"not fit to run: {failed} failed")
    return EXIT_FAILED if failed else EXIT_DONE


def _checks(named: Path | None, threads: int, console: Console) -> Iterator[Check]:
    yield Check("python", Verdict.OK, sys.version.split()[0])
    yield _parts("parts", REQUIRED, Verdict.FAIL)
    yield _parts("parts for video and DICOM", FOR_FILES, Verdict.WARN)
    model, line = _attempt("model", lambda: choose_model(named, threads), _model_words)
    yield line
    if model is not None:
        yield from _picture_checks(model, console)
    yield _window()
    yield from health_checks(read_health())


def _model_words(model: LoadedModel) -> str:
    return f"{model.interpreter.name}, card and file agree"


def _attempt(
    name: str, action: Callable[[], LoadedModel], words: Callable[[LoadedModel], str]
) -> tuple[LoadedModel | None, Check]:
    try:
        result = action()
    except BarbotageError as error:
        return None, Check(name, Verdict.FAIL, str(error))
    return result, Check(name, Verdict.OK, words(result))


def _parts(name: str, parts: dict[str, str], missing: Verdict) -> Check:
    absent: list[str] = []
    present: list[str] = []
    for module, distribution in parts.items():
        try:
            importlib.import_module(module)
            present.append(f"{distribution} {version(distribution)}")
        except PackageNotFoundError:
            present.append(module)
        except ImportError as error:
            absent.append(f"{distribution} ({error})")
    if absent:
        return Check(name, missing, f"missing: {', '.join(absent)}; pip install 'barbotage[device]'")
    return Check(name, Verdict.OK, ", ".join(present))


def _picture_checks(model: LoadedModel, console: Console) -> Iterator[Check]:
    rendered = []
    for frame in approach(RENDERED):
        rendered.append(frame)
        console.progress(f"rendering simulated frames: {len(rendered)} of {RENDERED}")
    try:
        seen = detect(model, as_frame(rendered[-1], 0), "simulated").scene
        yield from compare(seen, rendered[-1].truth)
        from barbotage_device.bedside.view import ScreenSize
        from barbotage_device.runtime.screen import Offscreen

        frames = list(to_and_fro(rendered, MEASURED_FRAMES + WARM_UP_FRAMES))
        yield stage_check(measure(Pipeline(model.interpreter, model.card), Offscreen(ScreenSize(800, 480)), frames))
    except BarbotageError as error:
        yield Check("simulated frame", Verdict.FAIL, str(error))


def compare(scene: Scene, truth: Truth) -> Iterator[Check]:
    """Whether an easy frame is seen as it is: the deposit and the needle near their true places."""
    wanted = truth.deposits[0].centre
    nearest = min((one.centre.distance_mm(wanted) for one in scene.deposits), default=None)
    yield _judged("simulated deposit", nearest, DEPOSIT_TOLERANCE_MM, "mm off")
    true_needle, needle = truth.needle, scene.needle
    if true_needle is None:
        raise ValueError("the frame to compare must show a needle")
    turn = None if needle is None else abs(needle.angle_deg - true_needle.angle_deg)
    yield _judged("simulated needle", turn, ANGLE_TOLERANCE_DEG, "degrees off")
    if scene.tip is None:
        yield Check("simulated tip", Verdict.WARN, "not confirmed in this frame")
    else:
        yield _judged("simulated tip", _distance_mm(scene.tip.position, true_needle.tip), TIP_TOLERANCE_MM, "mm off")


def _distance_mm(a: PointMm, b: PointMm) -> float:
    return a.distance_mm(b)


def _judged(name: str, error: float | None, tolerance: float, unit: str) -> Check:
    if error is None:
        return Check(name, Verdict.FAIL, "not seen; is this the right model?")
    verdict = Verdict.OK if error <= tolerance else Verdict.FAIL
    return Check(name, verdict, f"{error:.1f} {unit} (at most {tolerance:g})")


def stage_check(result: BenchResult) -> Check:
    """The time per stage against the budget: over it in most frames fails, in the slowest ones warns (a neighbour may be busy)."""
    words = ", ".join(f"{stage} {value.p95_ms:.1f}/{BUDGET[stage].p95_ms:.0f}" for stage, value in result.stages.items())
    usually_over = over_budget({stage: value.p50_ms for stage, value in result.stages.items()})
    verdict = Verdict.FAIL if usually_over else Verdict.WARN if result.over else Verdict.OK
    return Check("ms per stage, p95/budget", verdict, f"{words}; all {result.total.p95_ms:.1f}")


def _window() -> Check:
    from barbotage_device.runtime.screen import window_problem

    problem = window_problem()
    if problem is None:
        return Check("window", Verdict.OK, "can be opened")
    return Check("window", Verdict.WARN, f"{problem}; run --headless works")


def health_checks(health: Health) -> Iterator[Check]:
    """Memory, temperature, throttling and disk."""
    yield Check("memory", Verdict.OK, f"peak {health.peak_rss_mb:.0f} MB in this check")
    heat = "not told by this board" if health.cpu_celsius is None else f"{health.cpu_celsius:.0f} °C"
    yield Check("temperature", Verdict.OK, heat)
    disk = "unknown" if health.disk_free_mb is None else f"{health.disk_free_mb / 1000:.1f} GB free"
    yield Check("disk", Verdict.OK, disk)
    for line in health.warnings:
        yield Check("board", Verdict.WARN, line)
