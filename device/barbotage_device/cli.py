"""The command ``barbotage-device``: options, help and exit codes. What the commands do is in ``runtime``."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from barbotage_device import link_cli, sessions_cli, setup_cli
from barbotage_device.console import EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, Console, guarded
from barbotage_device.options import DEFAULT_SIZE, language_of, scale_of, size_of
from barbotage_device.update import cli as update_cli
from barbotage_device.update import launcher

if TYPE_CHECKING:
    from barbotage_device.capture.opening import SourceSpec
    from barbotage_device.capture.settings import CaptureSettings
    from barbotage_device.config import DeviceConfig
    from barbotage_device.runtime.recording.starting import RecordingRequest

# Heavy parts (cv2, the runtime, decoders) are imported inside the commands: --help and --version answer at once.

app = typer.Typer(
    name="barbotage-device",
    help="Barbotage at the bedside: detection and needle guidance for ultrasound-guided lavage. Research use only.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(sessions_cli.app, name="sessions")
app.command(name="serve")(link_cli.serve_command)
app.command(name="setup")(setup_cli.setup_command)
app.add_typer(update_cli.app, name="update")
app.command(name="serial")(link_cli.serial_command)

ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="FILE",
        help="A .tflite file with its card beside it; by default that of an active update, else the bundled one.",
    ),
]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", min=1, max=16, help="Threads of the network; leave one core free for capture.")
]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="TOML", help="Configuration file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of words.")]
ScaleOption = Annotated[
    float | None,
    typer.Option("--mm-per-px", metavar="S", help="Size of a pixel in mm (0.005 to 1); overrides what the file says."),
]
SizeOption = Annotated[
    str | None, typer.Option("--size", metavar="WxH", help="Size of the screen in pixels, for example 800x480.")
]


def main() -> None:
    """Entry point of the console script; goes on as the active software update when there is one."""
    launcher.redirect(sys.argv[1:], os.environ)
    sys.exit(run_command_line(sys.argv[1:]))


def run_command_line(arguments: list[str]) -> int:
    """The exit code of a command line; everything that went wrong is said in one line on stderr."""
    console = Console()
    try:
        code = app(args=arguments or ["--help"], prog_name="barbotage-device", standalone_mode=False)
    except KeyboardInterrupt:
        console.note("interrupted")
        return EXIT_INTERRUPTED
    except Exception as error:
        # typer has carried its own copy of click since 0.16 and used the package before: their usage errors share only this method.
        message: Callable[[], str] | None = getattr(error, "format_message", None)
        if message is None:
            raise
        console.error(f"{message()} (see barbotage-device --help)")
        return EXIT_USAGE
    return code if isinstance(code, int) else EXIT_DONE


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        folder = os.environ.get(launcher.VARIABLE)
        Console().result(f"barbotage-device {version('barbotage')}" + (f" (update in {folder})" if folder else ""))
        raise typer.Exit(EXIT_DONE)


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Options that every command shares."""


@app.command(name="run")
def run_command(
    source: Annotated[
        str, typer.Option("--source", metavar="SRC", help="sim[:SCENARIO], file:, dicom:, session:PATH or v4l2:DEVICE.")
    ],
    headless: Annotated[bool, typer.Option("--headless", help="No window: one status line a second on stderr.")] = False,
    language: Annotated[str | None, typer.Option("--language", metavar="fr|en", help="Language of the screen.")] = None,
    config: ConfigOption = None,
    model: ModelOption = None,
    threads: ThreadsOption = None,
    frames: Annotated[int | None, typer.Option("--frames", min=1, help="End after this many frames.")] = None,
    mm_per_px: ScaleOption = None,
    live: Annotated[bool, typer.Option("--live", help="Play a recording at its own speed; the newest frame wins.")] = False,
    size: SizeOption = None,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="DIR", help="Record a session into a new folder under DIR.")
    ] = None,
    side: Annotated[str | None, typer.Option("--side", metavar="left|right", help="The patient's shoulder.")] = None,
    image_format: Annotated[
        str | None, typer.Option("--image-format", metavar="jpeg|lossless", help="How frames are recorded.")
    ] = None,
    serial: link_cli.SerialOption = None,
    baud: link_cli.BaudOption = None,
    state: link_cli.StateOption = None,
    no_security: link_cli.NoSecurityOption = False,
    pod: Annotated[
        str | None, typer.Option("--pod", metavar="PORT|auto", help="Port of the probe pod, or auto for the one plugged in.")
    ] = None,
    no_procedure: Annotated[
        bool, typer.Option("--no-procedure", help="Watch only: no states, questions or buttons on the screen.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """The bedside program: frames in, guidance on the screen, everything into a session.

    The screen follows the procedure: its buttons answer and go on, space (or the pedal) accepts what is proposed. An unfinished recorded
    procedure is offered to be gone on with. With --no-procedure space accepts the best deposit and nothing is asked.
    Keys in the window: space accept, o overlay, f freeze, l language, b bookmark, p patient event, q quit; a touch of the live image is o.
    With --side the side answered in the checklist is compared with it; a difference is said and recorded.
    With --headless or without a display there is no window and the best deposit is accepted without asking.
    Before a recording starts there must be room for it (section [recording] of the configuration), else the run is refused with 4.
    With --serial (or serial in the section [link]) a PC can watch and fetch sessions meanwhile; the port may come and go.
    A PC must be paired once ('barbotage pair') while nothing is recorded: the code then appears on the screen.
    With --pod (or port in the section [pod]) the probe pod takes part and may come and go: pedal tap accepts, double overlay, hold patient
    event, button a freeze, button b bookmark; its ring shows the aim, its tilt sensor feeds "probe moved", its pressure counts lavage cycles.

    \b
    Examples:
      barbotage-device run --source sim
      barbotage-device run --source v4l2:/dev/video0 --language fr --config device.toml
      barbotage-device run --source file:scan.mp4 --live --mm-per-px 0.1
      barbotage-device run --source sim --headless --frames 300 --json
      barbotage-device run --source v4l2:/dev/video0 --record sessions --side right
      barbotage-device run --source v4l2:/dev/video0 --record sessions --serial /dev/ttyGS0
      barbotage-device run --source sim --pod auto
      barbotage-device run --source sim --no-procedure
    """

    def action() -> int:
        from barbotage_device.capture.opening import SourceKind, parse_src
        from barbotage_device.runtime.conduct.settings import ConductSettings
        from barbotage_device.runtime.link_request import LinkOptions
        from barbotage_device.runtime.models import choose_model
        from barbotage_device.runtime.pipeline import PipelineSettings
        from barbotage_device.runtime.running import RunRequest, run

        spec = parse_src(source)
        chosen = _configuration(config)
        pod_port = pod or chosen.pod.port or None
        # Somebody looks, or has the pod in hand: the simulated probe then runs at its own speed, as a real one would.
        paced = live or (spec.kind is SourceKind.SIM and (not headless or pod_port is not None))
        request = RunRequest(
            spec=spec,
            capture=_capture(chosen, spec, mm_per_px, paced),
            pipeline=PipelineSettings(chosen.tracker, chosen.prompts),
            language=language_of(language or chosen.screen.language),
            screen_size=None if headless else size_of(size or f"{chosen.screen.width_px}x{chosen.screen.height_px}"),
            frames=frames,
            as_json=as_json,
            recording=_recording(chosen, spec, record, side, image_format),
            link=link_cli.link_of_run(LinkOptions(serial, baud, config, state, no_security), chosen, record),
            pod=pod_port,
            conduct=None if no_procedure else ConductSettings(chosen.procedure, chosen.prompts, chosen.probe, side),
        )
        active = link_cli.activate_updates(state, None if request.recording is None else request.recording.root, console)
        named = model or _configured_model(chosen) or active
        return run(request, choose_model(named, threads or _configured_threads(chosen)), console)

    console = Console()
    return guarded(action, console)


@app.command(name="detect")
def detect_command(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Pictures, folders, videos, DICOM files.", show_default=False)
    ],
    mm_per_px: ScaleOption = None,
    model: ModelOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> int:
    """What the device sees in every frame of files, folders, videos and DICOM.

    Each frame stands alone: nothing is tracked or smoothed over time. With --json, one object per frame: path, frame, scale_mm_per_px
    (a number, [x, z] when pixels are not square, null when unknown), needle, deposits, bone, quality. Where needle.tip_confirmed is false,
    needle.tip_px is only the far end of the visible shaft. Coordinates are pixels of the
    input picture; values in mm are null without a scale. Inputs that cannot be used get one line on stderr each, the others go on.

    \b
    Examples:
      barbotage-device detect scan.dcm
      barbotage-device detect --json --mm-per-px 0.1 clip.mp4 > seen.jsonl
    """

    def action() -> int:
        from barbotage_device.capture.settings import CaptureSettings
        from barbotage_device.runtime.detecting import Detecting
        from barbotage_device.runtime.models import choose_model

        settings = CaptureSettings(scale=scale_of(mm_per_px))
        return Detecting(choose_model(model or _active_model(), threads or 1), settings, console, as_json).run(paths)

    console = Console()
    return guarded(action, console)


@app.command(name="demo")
def demo_command(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where video, pictures and figures go.")] = Path("demo"),
    language: Annotated[str | None, typer.Option("--language", metavar="fr|en", help="Language of the screen.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed: another shoulder and other hands.")] = 0,
    headless: Annotated[bool, typer.Option("--headless", help="No window even where there is a display.")] = False,
    model: ModelOption = None,
    threads: ThreadsOption = None,
    size: SizeOption = None,
    as_json: JsonOption = False,
) -> int:
    """A complete guided procedure on the simulated probe, with a simulated operator who sees only the screen.

    Leaves procedure.mp4 (the screen), moments.png (the key moments), summary.json (tip error against the simulator's truth, times, prompts)
    and under sessions/ the recorded session, for barbotage review.

    \b
    Examples:
      barbotage-device demo
      barbotage-device demo --out fr --language fr --size 1280x800
    """

    def action() -> int:
        from barbotage_device.runtime.demo.command import demo
        from barbotage_device.runtime.demo.procedure import DemoRequest
        from barbotage_device.runtime.models import choose_model

        request = DemoRequest(out, language_of(language or "en"), size_of(size or DEFAULT_SIZE), seed)
        chosen = choose_model(model or _active_model(), threads or 1)
        return demo(request, chosen, console, as_json=as_json, with_window=not headless)

    console = Console()
    return guarded(action, console)


@app.command(name="check")
def check_command(model: ModelOption = None, threads: ThreadsOption = None, as_json: JsonOption = False) -> int:
    """Self-test: parts, model, a simulated frame with a known answer, time per stage, temperature, disk, window.

    Ends with 1 when something that the device needs fails.

    \b
    Examples:
      barbotage-device check
      barbotage-device check --json
    """

    def action() -> int:
        from barbotage_device.runtime.selfcheck import check

        return check(model or _active_model(), threads or 1, console, as_json)

    console = Console()
    return guarded(action, console)


@app.command(name="bench")
def bench_command(
    frames: Annotated[int, typer.Option("--frames", min=10, help="Frames to measure.")] = 300,
    model: ModelOption = None,
    threads: ThreadsOption = None,
    size: SizeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Time per stage (p50, p95, p99) against the budget, drops and memory, on simulated frames rendered beforehand.

    \b
    Examples:
      barbotage-device bench
      barbotage-device bench --frames 1000 --threads 3 --json
    """

    def action() -> int:
        screen_size = size_of(size or DEFAULT_SIZE)
        from barbotage_device.runtime.bench import BenchRequest, bench
        from barbotage_device.runtime.models import choose_model

        return bench(BenchRequest(frames, screen_size, as_json), choose_model(model or _active_model(), threads or 1), console)

    console = Console()
    return guarded(action, console)


def _configuration(path: Path | None) -> "DeviceConfig":
    from barbotage_device.config import load_config

    return load_config(path, os.environ)


def _capture(chosen: "DeviceConfig", spec: "SourceSpec", mm_per_px: float | None, live: bool) -> "CaptureSettings":
    from barbotage_device.config import capture_settings

    scale_of(mm_per_px)
    return capture_settings(chosen, spec, mm_per_px=mm_per_px, live=live)


def _recording(
    chosen: "DeviceConfig", spec: "SourceSpec", record: Path | None, side: str | None, image_format: str | None
) -> "RecordingRequest | None":
    from barbotage_device.errors import UsageError
    from barbotage_device.runtime.recording.starting import IMAGE_FORMATS, SIDES, recording_request

    if side is not None and side not in SIDES:
        raise UsageError(f"--side {side!r} is not known; use {' or '.join(SIDES)}")
    if image_format is not None and image_format not in IMAGE_FORMATS:
        raise UsageError(f"--image-format {image_format!r} is not known; use {' or '.join(IMAGE_FORMATS)}")
    root = record or (Path(chosen.recording.directory) if chosen.recording.directory else None)
    if root is None:
        if side is not None or image_format is not None:
            raise UsageError("--side and --image-format say how to record; add --record DIR")
        return None
    return recording_request(root, chosen, spec, side, image_format)


def _configured_model(chosen: "DeviceConfig") -> Path | None:
    return Path(chosen.model.path) if chosen.model.path else None


def _active_model() -> Path | None:
    """The model of an update that is active on this device."""
    from barbotage_device.update.starting import active_model_of

    return active_model_of(launcher.state_folder(os.environ))


def _configured_threads(chosen: "DeviceConfig") -> int:
    """The configured number, but never all cores: with one busy neighbour the slowest frames take ten times as long."""
    return max(1, min(chosen.model.threads, (os.cpu_count() or 1) - 1))
