"""The command ``barbotage logs``: options and help."""

from typing import Annotated

import typer

from barbotage_host.devices.options import (
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
    """Mounts the command on the command line ``barbotage``."""
    app.command(name="logs")(logs_command)


def logs_command(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines as they come; Ctrl-C ends it.")] = False,
    level: Annotated[
        str, typer.Option("--level", metavar="debug|info|warning|error", help="Only lines of this level and graver ones.")
    ] = "info",
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="So many lines of the past at most.")] = 50,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    within: WithinOption = 30.0,
    as_json: JsonOption = False,
) -> int:
    """The device's log: starts, connections, pairings, changed settings, clock steps, updates, lost lines, errors. No patient data.

    With --json, one object a line.

    \b
    Examples:
      barbotage logs
      barbotage logs --follow --level warning
    """
    from barbotage_host.logs.commands import LogRequest, show_logs

    request = LogRequest(lines, level, follow)
    return run_command(
        lambda context: show_logs(context, request), make_context(port, device, baud, state, None, as_json, within)
    )
