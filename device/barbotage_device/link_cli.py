"""The commands ``barbotage-device serve|serial``: options and help. What they do is in ``runtime``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from barbotage_device.console import EXIT_DONE, Console, guarded


def serve_command(
    serial: Annotated[str, typer.Option("--serial", metavar="PORT", help="The tty: /dev/ttyGS0 (USB gadget), /dev/serial0, …")],
    sessions: Annotated[Path, typer.Option("--sessions", metavar="DIR", help="Folder of the recorded sessions.")] = Path(
        "sessions"
    ),
    baud: Annotated[
        int | None, typer.Option("--baud", min=1200, max=4_000_000, help="Rate of a UART; leave it out for USB.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="TOML", help="Configuration file that hosts read and change.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="DIR", help="Folder of the device's key and its pairings.")
    ] = None,
    no_security: Annotated[
        bool, typer.Option("--no-security", help="Laboratory setting: no pairing, no encryption. Never with patients.")
    ] = False,
) -> int:
    """Serves the link to a PC: sessions, configuration, clock, live health. Without the bedside program.

    The port may come and go. A PC must be paired once ('barbotage pair'): the code then appears here.

    \b
    Examples:
      barbotage-device serve --serial /dev/ttyGS0 --sessions ~/sessions
      barbotage-device serve --serial /dev/serial0 --baud 921600
    """

    def action() -> int:
        from barbotage_device.runtime.linking import LinkRequest, default_config, serve_until_terminated, state_folder

        request = LinkRequest(
            port=serial,
            baud=baud,
            sessions=sessions,
            config=config or default_config(os.environ),
            state=state or state_folder(os.environ),
            secured=not no_security,
        )
        return serve_until_terminated(request, console)

    console = Console()
    return guarded(action, console)


def serial_command() -> int:
    """The serial number by which PCs know this device. It is also that of its USB gadget.

    \b
    Examples:
      barbotage-device serial
    """

    def action() -> int:
        from barbotage_device.runtime.identity import device_identity

        console.result(device_identity().id)
        return EXIT_DONE

    console = Console()
    return guarded(action, console)
