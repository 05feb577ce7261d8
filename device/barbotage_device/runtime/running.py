"""The command ``run``: a source, the pipeline, a screen when there is one, and what is said about it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import ScreenSize
from barbotage_device.capture.frame import Delivery, Source
from barbotage_device.capture.opening import SourceKind, SourceSpec, open_source
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.console import EXIT_FAILED, Console
from barbotage_device.runtime.attending import Attendant
from barbotage_device.runtime.feed import SourceWatch, feed_of
from barbotage_device.runtime.health import read_health
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.loop import LiveLoop, LoopSettings, Reports
from barbotage_device.runtime.operator import Heard, Operator, Presentation
from barbotage_device.runtime.outlets import Outlets
from barbotage_device.runtime.pipeline import Pipeline, PipelineSettings
from barbotage_device.runtime.recording.ending import close_recording, make_copies_afterwards, tell_session
from barbotage_device.runtime.recording.recording import Clocks, SessionRecording
from barbotage_device.runtime.recording.room import make_room_for
from barbotage_device.runtime.recording.starting import (
    RecordingRequest,
    Subject,
    settings_record,
    start_recording,
)
from barbotage_device.runtime.service_manager import process_age_ns, service_manager
from barbotage_device.runtime.status import Status, Summary, status_line, status_record, summary_line, summary_record
from barbotage_device.runtime.telemetry import About

if TYPE_CHECKING:
    from barbotage_device.runtime.bedside_link import BedsideLink
    from barbotage_device.runtime.bedside_pod import BedsidePod
    from barbotage_device.runtime.conduct.continuing import Unfinished
    from barbotage_device.runtime.conduct.guard import Guard
    from barbotage_device.runtime.conduct.settings import ConductSettings
    from barbotage_device.runtime.link_request import LinkRequest
    from barbotage_device.runtime.screen import BedsideScreen

AUTO = "auto"
"""In place of a pod's port: the one that is plugged in."""


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
    recording: RecordingRequest | None = None
    """Where to record the session; None records nothing."""
    link: "LinkRequest | None" = None
    """How to serve a PC meanwhile; None: not at all."""
    pod: str | None = None
    """Port of the probe pod; AUTO looks for the one that is plugged in, None does without."""
    conduct: "ConductSettings | None" = None
    """How to follow the procedure on the screen; None: watch only. Without a screen it is not followed."""


def run(request: RunRequest, model: LoadedModel, console: Console) -> int:
    """Runs until the source ends, the operator ends it or Ctrl-C; the exit code of the summary.

    1 also when the session was not recorded to its end. Raises RefusedError before anything begins when there is no room to record.
    """
    if request.recording is not None:
        _make_room(request.recording, console)
    with _link(request, console) as link:
        return _run(request, model, console, link)


def _run(request: RunRequest, model: LoadedModel, console: Console, link: "BedsideLink | None") -> int:
    watch = SourceWatch()
    source = open_source(request.spec, request.capture, on_event=watch.on_event)
    with _terminated_like_interrupt() as told, _procedure(link, request.recording is not None):
        offer = _unfinished(request, console)
        recording = None if request.recording is None else _recording(request, request.recording, source, model, link)
        try:
            summary = _loop(request, model, console, _Parts(source, watch, recording, link, offer))
        finally:
            manifest = None if recording is None else close_recording(recording, console)
    if recording is not None and manifest is not None:
        tell_session(manifest, recording.path, request.as_json, console)
    _conclude(summary, request.as_json, console)
    if recording is not None and manifest is not None and not told.terminated:
        make_copies_afterwards(recording.path, console)
    kept = recording is None or (manifest is not None and manifest.state == "closed" and recording.stopped is None)
    return summary.exit_code or (0 if kept else EXIT_FAILED)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a run is put together from."""

    source: Source
    watch: SourceWatch
    recording: SessionRecording | None
    link: "BedsideLink | None"
    offer: "Unfinished | None"


def _loop(request: RunRequest, model: LoadedModel, console: Console, parts: _Parts) -> Summary:
    recording = parts.recording
    pipeline = Pipeline(model.interpreter, model.card, request.pipeline)
    operator = Operator(pipeline, Presentation(request.language), _heard(parts))
    screen = None if request.screen_size is None else _screen(request, request.screen_size, operator, console, parts)
    settings = LoopSettings(frames=request.frames, accept_best=screen is None)
    feed = feed_of(parts.source, parts.watch, None if recording is None else recording.frame)
    reports = _reports(request.as_json, console)
    outlets = Outlets(_speaker(console), recording, None if parts.link is None else parts.link.teller)
    procedure = None if screen is None else _conductor(request, pipeline, operator, outlets, feed.live, parts.offer)
    with _pod(request, operator, outlets, procedure) as pod:
        attendant = _attendant(outlets)
        loop = LiveLoop(feed, pipeline, reports, settings, time.monotonic_ns, screen, outlets, pod, procedure, attendant)
        where = "" if recording is None else f" recording to {recording.path};"
        console.note(f"{parts.source.name}: {model.interpreter.name};{where} Ctrl-C ends")
        if parts.link is not None:
            parts.link.start(has_window=screen is not None)
        try:
            summary = loop.run()
        finally:
            attendant.ending()
            if screen is not None:
                screen.close()
    if recording is not None:
        recording.source_drops = summary.drops
    return summary


def _attendant(outlets: Outlets) -> Attendant:
    """Who looks after the computer: the disk that matters is the one recorded to."""
    folder = Path() if outlets.recording is None else outlets.recording.path
    return Attendant(service_manager(os.environ), outlets, lambda: read_health(folder), process_age_ns)


def _heard(parts: _Parts) -> Heard | None:
    """Who is told what the operator does: the session, else a listening PC."""
    if parts.recording is not None:
        return parts.recording.operator
    return None if parts.link is None else parts.link.teller.operator


def _unfinished(request: RunRequest, console: Console) -> "Unfinished | None":
    """The procedure of the session before, where it was not sealed and this run could go on with it."""
    if request.conduct is None or request.recording is None or request.screen_size is None:
        return None
    from barbotage_device.runtime.conduct.continuing import unfinished

    return unfinished(request.recording.root, time.time_ns(), _speaker(console))


def _conductor(
    request: RunRequest, pipeline: Pipeline, operator: Operator, outlets: Outlets, live: bool, offer: "Unfinished | None"
) -> "Guard | None":
    """The procedure, joined to the operator's hands; None when the run only watches."""
    if request.conduct is None:
        return None
    # Only here: what a run that only watches does not need.
    from barbotage_device.runtime.conduct.checks import Board
    from barbotage_device.runtime.conduct.conductor import Conductor, Surroundings
    from barbotage_device.runtime.conduct.guard import Guard

    clock, folder = time.monotonic_ns if live else None, Path() if outlets.recording is None else outlets.recording.path
    board = Board(lambda: read_health(folder), time.time_ns)
    around = Surroundings(pipeline, outlets, clock, board, lambda: operator.presentation.language)
    operator.procedure = guard = Guard(Conductor(around, request.conduct, offer), outlets, operator.leave_procedure)
    return guard


@contextmanager
def _pod(request: RunRequest, operator: Operator, outlets: Outlets, procedure: "Guard | None") -> Iterator["BedsidePod | None"]:
    """The probe pod, its line given back at the end; None when the run does without."""
    if request.pod is None:
        yield None
        return
    # Only here: what a run without a pod does not need.
    from barbotage_device.probe_pod.client import PodClient, PodSettings
    from barbotage_device.runtime.bedside_pod import BedsidePod

    with PodClient(PodSettings(port=None if request.pod == AUTO else request.pod)) as client:
        yield BedsidePod(client, operator, outlets, procedure)


def _make_room(request: RecordingRequest, console: Console) -> None:
    if request.room is None:
        return
    for removed in make_room_for(request.root, request.room, request.encoding):
        console.note(f"removed the synced session {removed} to make room")


@contextmanager
def _link(request: RunRequest, console: Console) -> Iterator["BedsideLink | None"]:
    """The link to a PC, ended at the end; None when there is none."""
    if request.link is None:
        yield None
        return
    # Only here: the link's cryptography costs a tenth of a second and 20 MB that a run without it does without.
    from barbotage_device.runtime.bedside_link import BedsideLink

    with BedsideLink(request.link, About(str(request.spec), request.spec.kind is SourceKind.SIM), console) as link:
        yield link


@contextmanager
def _procedure(link: "BedsideLink | None", recorded: bool) -> Iterator[None]:
    """While a session is recorded a PC may not pair, set the clock or change the configuration."""
    if link is None:
        yield
        return
    link.procedure = recorded
    try:
        yield
    finally:
        link.procedure = False


def _recording(
    request: RunRequest, recording: RecordingRequest, source: Source, model: LoadedModel, link: "BedsideLink | None"
) -> SessionRecording:
    live = source.delivery is Delivery.NEWEST_ONLY
    scale = request.capture.scale
    subject = Subject(
        source=str(request.spec),
        simulated=request.spec.kind is SourceKind.SIM,
        started_capture_ns=time.monotonic_ns() if live else getattr(source, "started_capture_ns", 0),
        scale_mm_per_px=None if scale is None else (scale.x_mm_per_px, scale.z_mm_per_px),
        link="none" if request.link is None else request.link.setting,
    )
    config = settings_record(request.pipeline) | {"source": str(request.spec), "language": str(request.language), "live": live}
    if request.conduct is not None:
        config |= {"procedure": asdict(request.conduct.procedure), "probe": asdict(request.conduct.probe)}
    told = None if link is None else link.teller.happened
    started = start_recording(recording, subject, model, Clocks(time.monotonic_ns if live else None), config, told)
    if link is not None:
        link.teller.recording = started
    return started


def _screen(request: RunRequest, size: ScreenSize, operator: Operator, console: Console, parts: _Parts) -> "BedsideScreen | None":
    # Only here: drawing and its fonts cost memory that a headless run does without.
    from barbotage_device.bedside.view import LinkSigns
    from barbotage_device.runtime.screen import open_screen

    signs = LinkSigns if parts.link is None else parts.link.signs
    screen = open_screen(operator, size, str(request.spec), signs)
    if isinstance(screen, str):
        console.warning(f"no window: {screen}; running without one")
        return None
    return screen


def _speaker(console: Console) -> Callable[[str, str], None]:
    return lambda level, text: console.note(text) if level == "info" else console.warning(text)


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


@dataclass(slots=True)
class _Told:
    """Whether SIGTERM came."""

    terminated: bool = False


@contextmanager
def _terminated_like_interrupt() -> Iterator[_Told]:
    """SIGTERM (systemd, a battery guard) ends the run as cleanly as Ctrl-C; then there is no time for more than that."""
    told = _Told()

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        told.terminated = True
        raise KeyboardInterrupt

    try:
        previous = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:
        # Not on the main thread (a test, an embedding program): whoever runs us ends us.
        yield told
        return
    try:
        yield told
    finally:
        signal.signal(signal.SIGTERM, previous)
