"""The command ``bench``: time per stage on simulated frames that were rendered beforehand."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from barbotage_device.bedside.view import ScreenSize
from barbotage_device.capture.frame import Frame
from barbotage_device.console import EXIT_DONE, Console
from barbotage_device.runtime.budget import BUDGET, TOTAL_MS, Stage, over_budget
from barbotage_device.runtime.health import read_health
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.pipeline import Clock, Guidance, Pipeline
from barbotage_device.runtime.scenery import approach, to_and_fro
from barbotage_device.runtime.status import percentiles_record
from barbotage_device.runtime.timing import Percentiles, StageTimes
from barbotage_models.simulator.probe import SimulatedFrame

RENDERED = 60
"""Distinct frames; played to and fro. Rendering one takes some 0.1 s, measuring one some ms."""
WARM_UP_FRAMES = 10
"""Not counted: caches of glyphs and buffers fill, the tracker finds the needle."""


class Drawing(Protocol):
    """Draws guidance, without a window."""

    def draw(self, guidance: Guidance) -> object:
        """Draws one bedside picture."""
        ...


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """How much to measure."""

    frames: int
    screen_size: ScreenSize
    as_json: bool


@dataclass(frozen=True, slots=True)
class BenchResult:
    """Times of the stages that ran, of their sum, and of a live run at 25 Hz what would be dropped."""

    stages: dict[Stage, Percentiles]
    total: Percentiles
    drops: int
    over: tuple[Stage, ...]


def rendered_approach(progress: Callable[[str], None]) -> list[SimulatedFrame]:
    """The frames of the bench, rendered; ``progress`` hears how far it is."""
    frames: list[SimulatedFrame] = []
    for frame in approach(RENDERED):
        frames.append(frame)
        progress(f"rendering simulated frames: {len(frames)} of {RENDERED}")
    return frames


def measure(pipeline: Pipeline, drawing: Drawing, frames: Sequence[Frame], clock: Clock = time.perf_counter_ns) -> BenchResult:
    """Times over ``frames`` (more than the 10 of the warm-up). A frame that takes longer than a period costs the next one."""
    times = StageTimes(capacity=len(frames))
    period_ns = frames[1].capture_ns - frames[0].capture_ns
    drops = 0
    for number, frame in enumerate(frames):
        guidance = pipeline.step(frame)
        if number == 0 or pipeline.accepted is None:
            pipeline.accept_target()
        started_ns = clock()
        drawing.draw(guidance)
        stages = {**guidance.stages_ns, Stage.DRAW: clock() - started_ns}
        if number >= WARM_UP_FRAMES:
            times.add(stages)
            drops += sum(stages.values()) // period_ns
    table, total = times.table(), times.total()
    if total is None:
        raise ValueError(f"measure needs more than {WARM_UP_FRAMES} frames, got {len(frames)}")
    return BenchResult(table, total, int(drops), over_budget({stage: value.p95_ms for stage, value in table.items()}))


def bench(request: BenchRequest, model: LoadedModel, console: Console) -> int:
    """Measures and says the result; stages over their budget are marked."""
    # Only here: drawing loads fonts.
    from barbotage_device.runtime.screen import Offscreen

    rendered = rendered_approach(console.progress)
    frames = list(to_and_fro(rendered, request.frames + WARM_UP_FRAMES))
    pipeline = Pipeline(model.interpreter, model.card)
    result = measure(pipeline, Offscreen(request.screen_size), frames)
    if request.as_json:
        console.result_json(as_record(result, model, request))
    else:
        for line in as_lines(result, model, request):
            console.result(line)
    return EXIT_DONE


def as_record(result: BenchResult, model: LoadedModel, request: BenchRequest) -> dict[str, Any]:
    """The JSON object of a bench."""
    stages = {
        str(stage): {**(percentiles_record(value) or {}), "budget_p95": BUDGET[stage].p95_ms}
        for stage, value in result.stages.items()
    }
    return {
        "model": model.interpreter.name,
        "number_format": model.interpreter.number_format,
        "frames": request.frames,
        "screen_px": [request.screen_size.width_px, request.screen_size.height_px],
        "stages_ms": stages,
        "total_ms": percentiles_record(result.total),
        "drops": result.drops,
        "over_budget": [str(stage) for stage in result.over],
        "health": read_health().as_dict(),
    }


def as_lines(result: BenchResult, model: LoadedModel, request: BenchRequest) -> list[str]:
    """The table for people."""
    lines = [
        f"{request.frames} frames, screen {request.screen_size.width_px}x{request.screen_size.height_px}, {model.interpreter.name}",
        f"{'stage':<12}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'budget':>9}",
    ]
    for stage, value in result.stages.items():
        mark = "  over" if stage in result.over else ""
        lines.append(f"{stage:<12}{_row(value)}{BUDGET[stage].p95_ms:>9.0f}{mark}")
    without_capture = TOTAL_MS - BUDGET[Stage.CAPTURE].p95_ms
    lines.append(f"{'all':<12}{_row(result.total)}{without_capture:>9.0f}")
    health = read_health()
    lines.append(f"drops at 25 frames/s: {result.drops}; peak memory {health.peak_rss_mb:.0f} MB (with the simulator)")
    return lines


def _row(value: Percentiles) -> str:
    return f"{value.p50_ms:>9.2f}{value.p95_ms:>9.2f}{value.p99_ms:>9.2f}"
