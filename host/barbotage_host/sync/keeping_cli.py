"""The commands ``barbotage mark|delete``: options and help."""
# ruff: noqa: D301  (click needs a real backspace character before examples)

import sys
import time
from typing import Annotated

import typer

from barbotage_host.devices.options import (
    ArchiveOption,
    BaudOption,
    DeviceOption,
    JsonOption,
    PortOption,
    StateOption,
    WithinOption,
    make_context,
    run_command,
)


def add_commands(app: typer.Typer) -> None:
    """Mounts the commands on the command line ``barbotage``."""
    app.command(name="mark")(mark_command)
    app.command(name="delete")(delete_command)


def mark_command(
    session: Annotated[list[str], typer.Argument(metavar="SESSION...", help="As 'barbotage sessions' lists them.")],
    off: Annotated[bool, typer.Option("--off", help="Take the mark away.")] = False,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    within: WithinOption = 30.0,
    as_json: JsonOption = False,
) -> int:
    """Marks sessions: the device then keeps them, whatever room it needs, and nobody can delete them.

    \b
    Examples:
      barbotage mark 01ARZ3NDEKTSV4RRFFQ69G5FAV
      barbotage mark 01ARZ3NDEKTSV4RRFFQ69G5FAV --off
    """
    from barbotage_host.sync.keeping import mark_sessions

    sessions = tuple(dict.fromkeys(session))
    return run_command(
        lambda context: mark_sessions(context, sessions, not off), make_context(port, device, baud, state, None, as_json, within)
    )


def delete_command(
    session: Annotated[
        list[str] | None, typer.Argument(metavar="[SESSION...]", help="As 'barbotage sessions' lists them.", show_default=False)
    ] = None,
    synced: Annotated[bool, typer.Option("--synced", help="All that are synced and not marked.")] = False,
    older_than: Annotated[
        float | None, typer.Option("--older-than", metavar="DAYS", min=0.0, help="Only those that began so long ago.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the copies and show the list, delete nothing.")] = False,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    archive: ArchiveOption = None,
    within: WithinOption = 30.0,
    as_json: JsonOption = False,
) -> int:
    """Deletes sessions from the device that the archive has: every byte of the copy is checked now, then it asks.

    What is marked, not synced, not in the archive or damaged there stays on the device. The archive is never touched.

    \b
    Examples:
      barbotage delete --synced --dry-run
      barbotage delete --synced --older-than 30
      barbotage delete 01ARZ3NDEKTSV4RRFFQ69G5FAV --yes
    """
    from barbotage_host.sync.keeping import DeleteRequest, delete_sessions

    request = DeleteRequest(tuple(session or ()), synced, older_than, yes, dry_run)
    ask = _ask if sys.stdin.isatty() and sys.stderr.isatty() else None
    return run_command(
        lambda context: delete_sessions(context, request, ask, time.time_ns),
        make_context(port, device, baud, state, archive, as_json, within),
    )


def _ask(question: str) -> bool:
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in ("y", "yes")
