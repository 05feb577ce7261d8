"""The command ``run``: a source, the pipeline, a screen when there is one, and what is said about it."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import ScreenSize
from barbotage_device.capture.opening import SourceSpec, open_source
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.console import Console
from barbotage_device.runtime.feed import SourceWatch, feed_of
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.loop import LiveLoop, LoopSettings, Reports
from barbotage_device.runtime.pipeline import Pipeline, PipelineSettings
from barbotage_device.runtime.status import Status, Summary, status_line, status_record, summary_line, summary_record

if TYPE_CHECKING:
    from barbotage_device.runtime.screen import BedsideScreen


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the operator asked for. Without a ``screen_size`` (or a display) nothing is drawn and the best deposit is accepted without asking."""

    spec: SourceSpec
    capture: CaptureSettings
    pipeline: PipelineSettings
    language: Language
    screen_size: ScreenSize | None
    frames: int | None
    as_json: bool


def run(request: RunRequest, model: LoadedModel, console: Console) -> int:
    """Runs until the source ends, the operator ends it or Ctrl-C; the exit code of the summary."""
    watch = SourceWatch()
    source = open_source(request.spec, request.capture, on_event=watch.on_event)
    pipeline = Pipeline(model.interpreter, model.card, request.pipeline)
    screen = None if request.screen_size is None else _screen(request, request.screen_size, pipeline, console)
    settings = LoopSettings(frames=request.frames, accept_best=screen is None)
    loop = LiveLoop(feed_of(source, watch), pipeline, _reports(request.as_json, console), settings, time.monotonic_ns, screen)
    console.note(f"{source.name}: {model.interpreter.name}; Ctrl-C ends")
    try:
        with _terminated_like_interrupt():
            summary = loop.run()
    finally:
        if screen is not None:
            screen.close()
    _conclude(summary, request.as_json, console)
    return summary.exit_code


def _screen(request: RunRequest, size: ScreenSize, pipeline: Pipeline, console: Console) -> "BedsideScreen | None":
    # Only here: drawing and its fonts cost memory that a headless run does without.
    from barbotage_device.runtime.screen import open_screen

    screen = open_screen(pipeline, size, request.language, str(request.spec))
    if isinstance(screen, str):
        console.warning(f"no window: {screen}; running without one")
        return None
    return screen


def _reports(as_json: bool, console: Console) -> Reports:
    def say(status: Status) -> None:
        if as_json:
            console.result_json(status_record(status))
        else:
            console.note(status_line(status))

    return Reports(status=say, event=console.warning)


def _conclude(summary: Summary, as_json: bool, console: Console) -> None:
    if as_json:
        console.result_json(summary_record(summary))
    else:
        console.note(summary_line(summary))
    for line in summary.health.warnings:
        console.warning(line)
    if summary.error is not None:
        console.error(str(summary.error))
    elif summary.exit_code == 1:
        console.error("no frame could be used; see the lines above")


@contextmanager
def _terminated_like_interrupt() -> Iterator[None]:
    """SIGTERM (systemd, a battery guard) ends the run as cleanly as Ctrl-C."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        previous = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:
        # Not on the main thread (a test, an embedding program): whoever runs us ends us.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
