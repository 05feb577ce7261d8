"""The command ``barbotage-device serve`` and the options of the link: help and checks. What they do is in ``runtime.linking``."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from barbotage_device.console import EXIT_DONE, Console, guarded

if TYPE_CHECKING:
    from barbotage_device.config import DeviceConfig
    from barbotage_device.runtime.link_request import LinkOptions, LinkRequest

SerialOption = Annotated[
    str | None,
    typer.Option("--serial", metavar="PORT", help="Serve a PC on this tty: /dev/ttyGS0 (USB gadget), /dev/serial0, …"),
]
BaudOption = Annotated[int | None, typer.Option("--baud", min=1200, max=4_000_000, help="Rate of a UART; leave it out for USB.")]
StateOption = Annotated[
    Path | None, typer.Option("--state", metavar="DIR", help="Folder of the device's key, pairings and updates.")
]
NoSecurityOption = Annotated[
    bool, typer.Option("--no-security", help="Laboratory setting: no pairing, no encryption. Never with patients.")
]


def serve_command(
    serial: SerialOption = None,
    sessions: Annotated[
        Path | None,
        typer.Option(
            "--sessions", metavar="DIR", help="Folder of the recorded sessions; by default the configured one, else 'sessions'."
        ),
    ] = None,
    baud: BaudOption = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="TOML", help="Configuration file that hosts read and change.")
    ] = None,
    state: StateOption = None,
    no_security: NoSecurityOption = False,
) -> int:
    """Serves the link to a PC: sessions, configuration, clock, live health. Without the bedside program.

    The port may come and go. A PC must be paired once ('barbotage pair'): the code then appears here.
    What the options leave open is read from the section [link] of the configuration.

    \b
    Examples:
      barbotage-device serve --serial /dev/ttyGS0 --sessions ~/sessions
      barbotage-device serve --serial /dev/serial0 --baud 921600
    """

    def action() -> int:
        from barbotage_device.config import DeviceConfig, load_config
        from barbotage_device.errors import UsageError
        from barbotage_device.runtime.link_request import LinkOptions, link_request
        from barbotage_device.runtime.linking import serve_until_terminated

        # A file that is not there yet is what hosts will make.
        chosen = DeviceConfig() if config is not None and not config.exists() else load_config(config, os.environ)
        request = link_request(LinkOptions(serial, baud, config, state, no_security), chosen, sessions, os.environ)
        if request is None:
            raise UsageError("no port to serve; add --serial PORT, or set serial in the section [link] of the configuration")
        activate_updates(state, request.sessions, console)
        return serve_until_terminated(request, console)

    console = Console()
    return guarded(action, console)


def activate_updates(state: Path | None, sessions: Path | None, console: Console) -> Path | None:
    """Activates a staged update, unless a program records into ``sessions`` now; the active model, None for the bundled one.

    Does not return when other software than this is active: the process goes on as that.
    """
    from barbotage_device.runtime.linking import is_recording_into
    from barbotage_device.update.launcher import state_folder
    from barbotage_device.update.starting import start_updates

    return start_updates(
        state or state_folder(os.environ), console, lambda: sessions is not None and is_recording_into(sessions)
    ).model


def link_of_run(options: "LinkOptions", chosen: "DeviceConfig", record: Path | None) -> "LinkRequest | None":
    """How the bedside program serves a PC; None without a port. Raises UsageError for options that then mean nothing."""
    from barbotage_device.errors import UsageError
    from barbotage_device.runtime.link_request import link_request

    request = link_request(options, chosen, record, os.environ)
    if request is None and options.given:
        raise UsageError("--baud and --no-security belong to the link to a PC; add --serial PORT")
    return request


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
