"""The commands ``barbotage sessions|sync|archive``: options and help."""

from typing import Annotated

import typer

from barbotage_host.devices.options import (
    ArchiveOption,
    BaudOption,
    DeviceOption,
    JsonOption,
    PortOption,
    StateOption,
    make_context,
    run_command,
)
from barbotage_host.sync.archive_cli import app as archive_app


def add_commands(app: typer.Typer) -> None:
    """Mounts the commands on the command line ``barbotage``."""
    app.command(name="sessions")(sessions_command)
    app.command(name="sync")(sync_command)
    app.add_typer(archive_app, name="archive")


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

    return run_command(show_sessions, make_context(port, device, baud, state, archive, as_json))


def sync_command(
    session: Annotated[list[str] | None, typer.Argument(metavar="[SESSION...]", help="Only these; by default all.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be fetched.")] = False,
    retry_for: Annotated[
        float,
        typer.Option("--retry-for", metavar="S", min=0.0, help="After a lost line, seconds without a byte until it gives up."),
    ] = 60.0,
    watch: Annotated[
        bool, typer.Option("--watch", help="Goes on until Ctrl-C: waits for devices, takes sessions as they close.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Every remembered device that is connected, at the same time.")] = False,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> int:
    """Copies sessions from the device into the archive: manifest, telemetry, key frames, small video, then video; skips what is there.

    It goes on where it stopped, after a pulled cable, a restart of the device or of this program. A session appears in the archive when every file of it has the
    digest of its manifest, never before. While a procedure runs on the device, sync waits for its end.

    \b
    Examples:
      barbotage sync --dry-run
      barbotage sync
      barbotage sync --all --watch
      barbotage sync 01ARZ3NDEKTSV4RRFFQ69G5FAV --archive ~/archive
    """
    from barbotage_host.sync.commands import SyncRequest, show_plan, sync_sessions

    wanted = frozenset(session or ())
    context = make_context(port, device, baud, state, archive, as_json)
    if dry_run:
        return run_command(lambda made: show_plan(made, wanted), context)
    return run_command(lambda made: sync_sessions(made, SyncRequest(wanted, retry_for, every, watch)), context)
