"""The command ``barbotage-pod``: options, help and exit codes. What the commands do is in the modules beside this one."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from barbotage_device.console import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, Console, guarded

app = typer.Typer(
    name="barbotage-pod",
    help="Builds, flashes, provisions, watches and emulates the probe pod. Research use only.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PortOption = Annotated[
    str | None, typer.Option("--port", metavar="PORT", help="The pod's serial port; the only pod that is plugged in by default.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of words.")]
CacheOption = Annotated[
    Path | None, typer.Option("--cache", metavar="DIR", help="Where built things are kept; ~/.cache/barbotage/pod by default.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run_command_line(sys.argv[1:]))


def run_command_line(arguments: list[str]) -> int:
    """The exit code of a command line; everything that went wrong is said in one line on stderr."""
    console = Console()
    try:
        code = app(args=arguments or ["--help"], prog_name="barbotage-pod", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        console.note("interrupted")
        return EXIT_INTERRUPTED
    except Exception as error:
        # As in barbotage-device: usage errors of either copy of click share only this method.
        message: Callable[[], str] | None = getattr(error, "format_message", None)
        if message is None:
            raise
        console.error(f"{message()} (see barbotage-pod --help)")
        return EXIT_USAGE
    return code if isinstance(code, int) else EXIT_DONE


@app.command(name="build")
def build_command(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the .mpy files and manifest.json go.")] = Path(
        "dist/pod"
    ),
    unix_port: Annotated[bool, typer.Option("--unix-port", help="Build MicroPython's unix port too, for the tests.")] = False,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compiles the firmware to .mpy files with their hashes. The same sources give the same bytes.

    \b
    Examples:
      barbotage-pod build
      barbotage-pod build --out /tmp/pod --json
    """
    console = Console()

    def action() -> int:
        from barbotage_firmware_tools.build.mpy import compile_firmware, write_build
        from barbotage_firmware_tools.build.sources import read_firmware
        from barbotage_firmware_tools.build.unixport import build_unix_port
        from barbotage_firmware_tools.places import places
        from barbotage_firmware_tools.protocol.table import read_table

        where = places(cache)
        compiled = compile_firmware(read_firmware(where.sources), read_table(where.table).protocol)
        write_build(compiled, out)
        program = build_unix_port(where, console.note) if unix_port else None
        if as_json:
            console.result_json({**compiled.manifest, "unix_port": None if program is None else str(program)})
        else:
            sha256 = str(compiled.manifest["firmware_sha256"])
            console.result(f"{out}: firmware {compiled.manifest['firmware']} ({sha256[:12]}), {len(compiled.files)} files")
            if program is not None:
                console.result(str(program))
        return EXIT_DONE

    return _run(action, console)


@app.command(name="image")
def image_command(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where a copy of the UF2 goes.")] = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> int:
    """Builds a complete UF2: MicroPython with the firmware frozen in, from Debian's source packages. Cached by content.

    Hold BOOTSEL while plugging in the Pico and copy the file onto the drive that appears.

    \b
    Examples:
      barbotage-pod image --out pod.uf2
    """
    console = Console()

    def action() -> int:
        import hashlib
        import shutil

        from barbotage_firmware_tools.build.image import build_image
        from barbotage_firmware_tools.places import places

        image = build_image(places(cache), console.note)
        path = image if out is None else Path(shutil.copyfile(image, out))
        sha256 = hashlib.sha256(image.read_bytes()).hexdigest()
        if as_json:
            console.result_json({"image": str(path), "bytes": image.stat().st_size, "sha256": sha256})
        else:
            console.result(f"{path} ({image.stat().st_size} bytes, sha256 {sha256[:12]})")
        return EXIT_DONE

    return _run(action, console)


@app.command(name="flash")
def flash_command(port: PortOption = None, yes: YesOption = False, as_json: JsonOption = False) -> int:
    """Brings the pod's files to this build: changed files only, each verified by hash, then a restart and a check of what runs.

    Asks before it puts the firmware on a board that is not a probe pod.

    \b
    Examples:
      barbotage-pod flash
      barbotage-pod flash --port /dev/ttyACM0 --yes
    """
    console = Console()

    def action() -> int:
        from barbotage_firmware_tools.build.mpy import compile_firmware
        from barbotage_firmware_tools.build.sources import read_firmware
        from barbotage_firmware_tools.flash import flash
        from barbotage_firmware_tools.greeting import port_or_the_pod
        from barbotage_firmware_tools.places import places
        from barbotage_firmware_tools.protocol.table import read_table

        where = places(None)
        compiled = compile_firmware(read_firmware(where.sources), read_table(where.table).protocol)
        report = flash(port_or_the_pod(port), compiled, lambda question: yes or typer.confirm(question, err=True), console.note)
        if as_json:
            console.result_json(asdict(report))
        else:
            after = report.after
            done = f"{len(report.written)} files written, {len(report.kept)} unchanged, {len(report.removed)} removed"
            console.result(
                f"{done}; the pod {after.serial or 'without serial number'} runs {after.version} ({after.firmware_hash})"
            )
        return EXIT_DONE

    return _run(action, console)


@app.command(name="provision")
def provision_command(
    serial: Annotated[str, typer.Option("--serial", metavar="NUMBER", help="Serial number, at most 10 characters.")],
    port: PortOption = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting; may be given again.")
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", metavar="imu|pressure", help="Do not calibrate this sensor; may be given again.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="FILE", help="Where the record goes; NUMBER.json by default.")
    ] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> int:
    """Gives the pod its serial number, zeroes its sensors, writes it all to flash, reads it back and leaves a record.

    \b
    Examples:
      barbotage-pod provision --serial BP-0007
      barbotage-pod provision --serial BP-0007 --set inject_hpa=200 --skip pressure --yes
    """
    console = Console()

    def action() -> int:
        from barbotage_device.errors import NotFoundError, UsageError
        from barbotage_device.probe_pod.protocol import Calibration
        from barbotage_firmware_tools.greeting import port_or_the_pod
        from barbotage_firmware_tools.provision import checked_request, provision

        names = {what.name.lower(): what for what in Calibration}
        unknown = [name for name in skip or [] if name not in names]
        if unknown:
            raise UsageError(f"--skip {unknown[0]!r}: there are {' and '.join(names)}")
        request = checked_request(serial, settings or [], tuple(what for name, what in names.items() if name not in (skip or [])))
        file = record or Path(f"{serial}.json")
        if not file.parent.is_dir():
            raise NotFoundError(f"--record {file}: the folder is not there")
        ask = console.note if yes else _wait_for_enter
        done = provision(port_or_the_pod(port), request, ask, console.note)
        file.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
        if as_json:
            console.result_json(done)
        else:
            console.result(f"{file}: {serial} is provisioned")
        return EXIT_DONE

    return _run(action, console)


@app.command(name="monitor")
def monitor_command(
    port: PortOption = None,
    seconds: Annotated[float | None, typer.Option("--seconds", metavar="S", min=0.5, help="End by itself.")] = None,
    every: Annotated[float, typer.Option("--every", metavar="S", min=0.1, help="Seconds between two lines.")] = 0.5,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="PNG", help="A picture of pressure and tilt, at the end or at Ctrl-C.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Live values, frames a second, losses and events, until Ctrl-C.

    \b
    Examples:
      barbotage-pod monitor
      barbotage-pod monitor --seconds 20 --plot lavage.png
    """
    console = Console()

    def action() -> int:
        from barbotage_device.errors import NotFoundError
        from barbotage_firmware_tools.greeting import port_or_the_pod
        from barbotage_firmware_tools.monitor import Watched, line_of, record_of, watch
        from barbotage_firmware_tools.monitor import plot as draw

        def told(seen: Watched, words: list[str]) -> None:
            if as_json:
                console.result_json(record_of(seen, words))
                return
            for one in words:
                console.result(one)
            console.result(line_of(seen))

        if plot is not None and not plot.parent.is_dir():
            raise NotFoundError(f"--plot {plot}: the folder is not there")
        seen = Watched.keeping_all() if plot is not None else Watched()
        try:
            watch(port_or_the_pod(port), seconds, every, told, seen)
        finally:
            if plot is not None and seen.pressure.points:
                draw(seen, plot)
                console.note(f"{plot} written")
        return EXIT_DONE

    return _run(action, console)


@app.command(name="emulate")
def emulate_command(
    image: Annotated[
        Path | None, typer.Option("--image", metavar="UF2", help="Another image than that of this checkout.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="The firmware on MicroPython's unix port, not the whole board.")] = False,
    link: Annotated[
        Path | None, typer.Option("--link", metavar="PATH", help="A symbolic link to the port, for a name that stays.")
    ] = None,
    script: Annotated[Path | None, typer.Option("--script", metavar="FILE", help="Lines: SECONDS ORDER.")] = None,
    flash: Annotated[Path | None, typer.Option("--flash", metavar="FILE", help="Keeps the pod's flash from run to run.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", metavar="S", min=1, help="End by itself.")] = None,
    cache: CacheOption = None,
) -> int:
    """The whole pod without hardware: an emulated board on a pseudo-terminal. The port's path is printed; other programs open it.

    The board is emulated instruction by instruction and may run slower than the clock; --quick keeps up on any machine.

    Orders are lines on stdin, or in a script behind the second at which they are given: pitch 20, roll -10, pressure 300, cycle (inject and suck), pedal tap, pedal double,
    pedal hold, a, b (buttons), unplug-imu, plug-imu, power (off and on). Only typed: show (ring and buzzer), help, quit.

    \b
    Examples:
      barbotage-pod emulate --quick --link /tmp/pod
      barbotage-pod emulate --script squeeze.txt --seconds 60
    """
    console = Console()

    def action() -> int:
        from barbotage_device.errors import UsageError
        from barbotage_firmware_tools.build.image import build_image
        from barbotage_firmware_tools.build.unixport import build_unix_port
        from barbotage_firmware_tools.emulate import EmulateRequest, Voice, emulate
        from barbotage_firmware_tools.places import places

        where = places(cache)
        if quick and (image is not None or flash is not None):
            raise UsageError("--quick runs the sources, without an image and a flash; leave --image and --flash out")
        if quick:
            program = build_unix_port(where, console.note)
            request = EmulateRequest(link, script, seconds, program=program, sources=where.sources)
        else:
            chosen = image or build_image(where, console.note)
            request = EmulateRequest(link, script, seconds, image=chosen, flash=flash)
        emulate(request, Voice(ready=console.result, said=console.note))
        return EXIT_DONE

    return _run(action, console)


@app.command(name="doctor")
def doctor_command(port: PortOption = None, cache: CacheOption = None, as_json: JsonOption = False) -> int:
    """Looks at tools, builds, ports and the pod, and says what to do about what is missing. Ends with 1 when something is wrong.

    \b
    Examples:
      barbotage-pod doctor
      barbotage-pod doctor --port /dev/ttyACM0 --json
    """
    console = Console()

    def action() -> int:
        from barbotage_firmware_tools.doctor import examine
        from barbotage_firmware_tools.places import places

        findings = list(examine(places(cache), port))
        if as_json:
            console.result_json({"findings": [asdict(finding) for finding in findings]})
        else:
            marks = {True: "ok  ", False: "BAD ", None: "-   "}
            for one in findings:
                console.result(f"{marks[one.ok]} {one.name}: {one.text}" + (f" -> {one.advice}" if one.advice else ""))
        return EXIT_FAILED if any(finding.ok is False for finding in findings) else EXIT_DONE

    return _run(action, console)


@app.command(name="protocol")
def protocol_command(write: Annotated[bool, typer.Option("--write", help="Write both sides anew.")] = False) -> int:
    """Checks that the pod's and the device's sources say what the protocol's table says (device/pod/protocol.json).

    \b
    Examples:
      barbotage-pod protocol --write
    """
    console = Console()

    def action() -> int:
        from barbotage_firmware_tools.places import places
        from barbotage_firmware_tools.protocol.generate import generated_files, outdated
        from barbotage_firmware_tools.protocol.table import read_table

        where = places(None)
        files = generated_files(read_table(where.table), where)
        if write:
            for path, text in files.items():
                path.write_text(text, encoding="utf-8")
        wrong = outdated(files)
        for path in wrong:
            console.error(f"{path}: not what the table says; barbotage-pod protocol --write")
        return EXIT_FAILED if wrong else EXIT_DONE

    return _run(action, console)


def _run(action: Callable[[], int], console: Console) -> int:
    """As ``guarded``; a file that cannot be read or written is said in one line too."""

    def checked() -> int:
        try:
            return action()
        except OSError as error:
            if error.filename is None:
                raise
            console.error(f"{error.filename}: {error.strerror}")
            return EXIT_FAILED

    return guarded(checked, console)


def _wait_for_enter(text: str) -> None:
    typer.prompt(text, default="", show_default=False, err=True)
