"""Options that every command that talks to a device shares, and how such a command is run."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from barbotage_device.console import Console, guarded

if TYPE_CHECKING:
    from barbotage_host.devices.context import Context

PortOption = Annotated[
    str | None, typer.Option("--port", metavar="PORT", help="The serial port; by default that of the only device.")
]
DeviceOption = Annotated[
    str | None, typer.Option("--device", metavar="SERIAL|NAME", help="The device with this serial number or name.")
]
BaudOption = Annotated[
    int | None,
    typer.Option("--baud", min=1200, max=4_000_000, help="Rate of a UART, remembered for its port; leave it out for USB."),
]
StateOption = Annotated[
    Path | None, typer.Option("--state", metavar="DIR", help="Folder of this host's key and the devices it knows.")
]
ArchiveOption = Annotated[
    Path | None, typer.Option("--archive", metavar="DIR", help="Folder of the archive ($BARBOTAGE_ARCHIVE).")
]
WithinOption = Annotated[float, typer.Option("--within", metavar="S", min=0.1, help="Seconds to wait for the device to answer.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of words.")]


def run_command(action: "Callable[[Context], int]", make: "Callable[[Console], Context]") -> int:
    """Runs a command on the context of its options; its exit code."""
    console = Console()
    return guarded(lambda: action(make(console)), console)


def make_context(
    port: str | None,
    device: str | None,
    baud: int | None,
    state: Path | None,
    archive: Path | None,
    as_json: bool,
    within_s: float = 30.0,
) -> "Callable[[Console], Context]":
    """What the options mean, once there is a console."""

    def make(console: Console) -> "Context":
        from barbotage_host.devices.connecting import Target
        from barbotage_host.devices.context import Context
        from barbotage_host.devices.home import default_home

        return Context(default_home(os.environ, state, archive), Target(port, device, baud), console, as_json, within_s)

    return make
