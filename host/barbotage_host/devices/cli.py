"""The commands ``barbotage ports|info|pair|devices|udev``: options and help."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from barbotage_device.console import Console, guarded
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

if TYPE_CHECKING:
    from barbotage_host.devices.context import Context

devices_app = typer.Typer()
udev_app = typer.Typer(help="The udev rule for devices on USB (Linux).", no_args_is_help=True)
RememberedArgument = Annotated[str, typer.Argument(metavar="SERIAL|NAME", help="Serial number or name of a remembered device.")]


def add_commands(app: typer.Typer) -> None:
    """Mounts the commands on the command line ``barbotage``."""
    app.command(name="ports")(ports_command)
    app.command(name="info")(info_command)
    app.command(name="pair")(pair_command)
    app.add_typer(devices_app, name="devices")
    app.add_typer(udev_app, name="udev")


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
    show: Annotated[bool, typer.Option("--list", help="Only list the computers that the device knows.")] = False,
    revoke: Annotated[
        str | None, typer.Option("--revoke", metavar="NAME|KEY", help="Only make the device forget a computer.")
    ] = None,
    rotate: Annotated[bool, typer.Option("--rotate", help="Only give this computer another key for the device.")] = False,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    within: WithinOption = 30.0,
    as_json: JsonOption = False,
) -> int:
    """Pairs this computer with a device, once, by the code that its screen then shows; or looks after pairings.

    \b
    Examples:
      barbotage pair
      barbotage pair --role viewer
      barbotage pair --list
      barbotage pair --revoke "anna on ward-pc"
      barbotage pair --rotate
    """

    def ask(prompt: str) -> str:
        if code is not None:
            return code
        sys.stderr.write(prompt)
        sys.stderr.flush()
        return sys.stdin.readline()

    def action(context: "Context") -> int:
        from barbotage_device.errors import UsageError
        from barbotage_host.devices.commands import pair_device
        from barbotage_host.devices.paired_hosts import revoke_host, rotate_key, show_hosts

        if show + (revoke is not None) + rotate > 1:
            raise UsageError("--list, --revoke and --rotate exclude each other")
        if show:
            return show_hosts(context)
        if revoke is not None:
            return revoke_host(context, revoke)
        return rotate_key(context) if rotate else pair_device(context, role, ask)

    return run_command(action, make_context(port, device, baud, state, None, as_json, within))


@devices_app.callback(invoke_without_command=True)
def devices_command(context: typer.Context, state: StateOption = None, as_json: JsonOption = False) -> int:
    """The devices that this computer remembers, and whether they are connected now. Opens no port.

    \b
    Examples:
      barbotage devices
      barbotage devices name 3f2a9c0d1e4b5a67 "theatre 2"
      barbotage devices forget 3f2a9c0d1e4b5a67
    """
    if context.invoked_subcommand is not None:
        return 0
    from barbotage_host.devices.remembered import show_devices

    return run_command(show_devices, make_context(None, None, None, state, None, as_json))


@devices_app.command(name="name")
def name_command(
    device: RememberedArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What --device takes; an empty text takes the name away.")],
    state: StateOption = None,
) -> int:
    """Gives a device a name that --device takes.

    \b
    Examples:
      barbotage devices name 3f2a9c0d1e4b5a67 "theatre 2"
    """
    from barbotage_host.devices.remembered import name_device

    return run_command(
        lambda context: name_device(context, device, name), make_context(None, None, None, state, None, as_json=False)
    )


@devices_app.command(name="forget")
def forget_command(device: RememberedArgument, state: StateOption = None) -> int:
    """Forgets a device: its key, its port, its name. Sessions in the archive stay. It must be paired again.

    \b
    Examples:
      barbotage devices forget "theatre 2"
    """
    from barbotage_host.devices.remembered import forget_device

    return run_command(lambda context: forget_device(context, device), make_context(None, None, None, state, None, as_json=False))


@udev_app.command(name="print")
def udev_print_command() -> int:
    """Prints the udev rule: access for who sits at the computer, a stable name, ModemManager kept away.

    \b
    Examples:
      barbotage udev print
    """
    from barbotage_host.devices.udev import print_rule

    console = Console()
    return guarded(lambda: print_rule(console), console)


@udev_app.command(name="install")
def udev_install_command(
    root: Annotated[
        Path, typer.Option("--root", metavar="DIR", help="Another root of the file system, for images and packages.")
    ] = Path("/"),
) -> int:
    """Writes the udev rule to /etc/udev/rules.d and makes udev read it. Needs root.

    \b
    Examples:
      sudo barbotage udev install
      barbotage udev install --root /tmp/image
    """
    from barbotage_host.devices.udev import install_rule

    console = Console()
    return guarded(lambda: install_rule(root, console), console)
