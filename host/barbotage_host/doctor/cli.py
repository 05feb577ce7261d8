"""The command ``barbotage doctor``: options and help."""

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
    """Mounts the command on the command line ``barbotage``."""
    app.command(name="doctor")(doctor_command)


def doctor_command(
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    archive: ArchiveOption = None,
    within: WithinOption = 10.0,
    as_json: JsonOption = False,
) -> int:
    """Checks everything between this computer and a device, and says what to do. Changes nothing.

    Python and packages, ports and permissions, what disturbs them, the archive; then, once connected, versions, clock, disk,
    temperature, updates and a short test of the line. Ends with 1 when a check failed.

    \b
    Examples:
      barbotage doctor
      barbotage doctor --port /dev/ttyUSB0 --baud 921600
      barbotage doctor --json
    """
    from barbotage_host.doctor.commands import examine

    return run_command(examine, make_context(port, device, baud, state, archive, as_json, within))
