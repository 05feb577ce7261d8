"""The commands ``barbotage ports|info|pair|sessions|sync``: options and help. Mounted by ``barbotage_host.cli`` with ``add_commands``."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from barbotage_device.console import Console, guarded

if TYPE_CHECKING:
    from barbotage_host.sync.commands import Context

PortOption = Annotated[
    str | None, typer.Option("--port", metavar="PORT", help="The serial port; by default that of the only device.")
]
DeviceOption = Annotated[str | None, typer.Option("--device", metavar="SERIAL", help="The device with this serial number.")]
BaudOption = Annotated[int | None, typer.Option("--baud", min=1200, max=4_000_000, help="Rate of a UART; leave it out for USB.")]
StateOption = Annotated[
    Path | None, typer.Option("--state", metavar="DIR", help="Folder of this host's key and the devices it knows.")
]
ArchiveOption = Annotated[
    Path | None, typer.Option("--archive", metavar="DIR", help="Folder of the archive ($BARBOTAGE_ARCHIVE).")
]
WithinOption = Annotated[float, typer.Option("--within", metavar="S", min=0.1, help="Seconds to wait for the device to answer.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of words.")]


def add_commands(app: typer.Typer) -> None:
    """Mounts the commands on the command line ``barbotage``."""
    for name, command in _COMMANDS.items():
        app.command(name=name)(command)


def _run(action: "Callable[[Context], int]", make: "Callable[[Console], Context]") -> int:
    console = Console()
    return guarded(lambda: action(make(console)), console)


def _context(
    port: str | None,
    device: str | None,
    baud: int | None,
    state: Path | None,
    archive: Path | None,
    as_json: bool,
    within_s: float = 30.0,
) -> "Callable[[Console], Context]":
    def make(console: Console) -> "Context":
        from barbotage_host.sync.commands import Context
        from barbotage_host.sync.connecting import Target
        from barbotage_host.sync.home import default_home

        return Context(default_home(os.environ, state, archive), Target(port, device, baud), console, as_json, within_s)

    return make


def ports_command(state: StateOption = None, as_json: JsonOption = False) -> int:
    """The serial ports of this computer and which of them lead to a device, and why. Opens none of them.

    \b
    Examples:
      barbotage ports
    """
    from barbotage_host.sync.commands import show_ports

    return _run(show_ports, _context(None, None, None, state, None, as_json))


def info_command(
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    within: WithinOption = 30.0,
    as_json: JsonOption = False,
) -> int:
    """Which device it is, its versions, and, when it is paired, its state and the counters of the link.

    \b
    Examples:
      barbotage info
      barbotage info --port /dev/ttyUSB0 --baud 921600
    """
    from barbotage_host.sync.commands import show_info

    return _run(show_info, _context(port, device, baud, state, None, as_json, within))


def pair_command(
    role: Annotated[
        str, typer.Option("--role", metavar="viewer|operator|service", help="What this computer may do.")
    ] = "service",
    code: Annotated[
        str | None, typer.Option("--code", metavar="DIGITS", help="The code, when it is known already; else it is asked for.")
    ] = None,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Pairs this computer with a device, once, by the code that its screen then shows.

    \b
    Examples:
      barbotage pair
      barbotage pair --role viewer
    """
    from barbotage_host.sync.commands import pair_device

    def ask(prompt: str) -> str:
        if code is not None:
            return code
        sys.stderr.write(prompt)
        sys.stderr.flush()
        return sys.stdin.readline()

    return _run(lambda context: pair_device(context, role, ask), _context(port, device, baud, state, None, as_json))


def sessions_command(
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> int:
    """The sessions on the device: when, how long, how large, in the archive or not.

    \b
    Examples:
      barbotage sessions
    """
    from barbotage_host.sync.commands import show_sessions

    return _run(show_sessions, _context(port, device, baud, state, archive, as_json))


def sync_command(
    session: Annotated[list[str] | None, typer.Argument(metavar="[SESSION...]", help="Only these; by default all.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be fetched.")] = False,
    retry_for: Annotated[
        float,
        typer.Option("--retry-for", metavar="S", min=0.0, help="After a lost line, seconds without a byte until it gives up."),
    ] = 60.0,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> int:
    """Copies sessions from the device into the archive: telemetry first, video after; skips what is there.

    It goes on where it stopped, after a pulled cable, a restart of the device or of this program. A session appears in the archive when every file of it has the
    digest of its manifest, never before.

    \b
    Examples:
      barbotage sync --dry-run
      barbotage sync
      barbotage sync 01ARZ3NDEKTSV4RRFFQ69G5FAV --archive ~/archive
    """
    from barbotage_host.sync.commands import sync_sessions

    wanted = tuple(session or ())
    return _run(
        lambda context: sync_sessions(context, wanted, dry_run, retry_for), _context(port, device, baud, state, archive, as_json)
    )


_COMMANDS: dict[str, Callable[..., int]] = {
    "ports": ports_command,
    "info": info_command,
    "pair": pair_command,
    "sessions": sessions_command,
    "sync": sync_command,
}
