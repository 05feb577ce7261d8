"""The commands ``barbotage sessions|sync``: options and help."""

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


def add_commands(app: typer.Typer) -> None:
    """Mounts the commands on the command line ``barbotage``."""
    app.command(name="sessions")(sessions_command)
    app.command(name="sync")(sync_command)


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
    return run_command(
        lambda context: sync_sessions(context, wanted, dry_run, retry_for),
        make_context(port, device, baud, state, archive, as_json),
    )
