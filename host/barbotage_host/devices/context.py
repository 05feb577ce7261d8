"""What every command that talks to a device needs: which device, whose keys, where words go."""

from dataclasses import dataclass

from barbotage_device.console import Console
from barbotage_host.devices.connecting import Connection, Target, connect
from barbotage_host.devices.home import Home


@dataclass(frozen=True, slots=True)
class Context:
    """What every command needs. ``within_s``: how long to wait for a device to answer."""

    home: Home
    target: Target
    console: Console
    as_json: bool
    within_s: float = 30.0


def connect_device(context: Context) -> Connection:
    """A connection to the device that the command line chose; loud when it has no security. Raises as ``connect``."""
    connection = connect(context.target, context.home, context.within_s)
    warn_of_no_security(connection, context)
    return connection


def warn_of_no_security(connection: Connection, context: Context) -> None:
    """Says loudly that the device is in the laboratory setting, when it is."""
    if not connection.device.secured:
        context.console.warning("this device is in the laboratory setting: the link is neither authenticated nor encrypted")
