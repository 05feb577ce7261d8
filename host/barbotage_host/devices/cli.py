"""The commands ``barbotage ports|info|pair``: options and help."""

import sys
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
    """Mounts the commands on the command line ``barbotage``."""
    app.command(name="ports")(ports_command)
    app.command(name="info")(info_command)
    app.command(name="pair")(pair_command)


def ports_command(state: StateOption = None, as_json: JsonOption = False) -> int:
    """The serial ports of this computer and which of them lead to a device, and why. Opens none of them.

    \b
    Examples:
      barbotage ports
    """
    from barbotage_host.devices.commands import show_ports

    return run_command(show_ports, make_context(None, None, None, state, None, as_json))


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
    from barbotage_host.devices.commands import show_info

    return run_command(show_info, make_context(port, device, baud, state, None, as_json, within))


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
    from barbotage_host.devices.commands import pair_device

    def ask(prompt: str) -> str:
        if code is not None:
            return code
        sys.stderr.write(prompt)
        sys.stderr.flush()
        return sys.stdin.readline()

    return run_command(lambda context: pair_device(context, role, ask), make_context(port, device, baud, state, None, as_json))
