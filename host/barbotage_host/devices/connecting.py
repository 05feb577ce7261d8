"""Opening a port with advice for what goes wrong, and connecting to the device behind it."""

import errno
import getpass
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.errors import NotFoundError, RefusedError
from barbotage_device.link.bulk_receiver import LineRate
from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import LinkError, LinkLostError
from barbotage_device.link.host_end import HostEnd, HostIdentity
from barbotage_device.link.keys import KnownDevice, KnownDevices, static_key
from barbotage_device.link.messages import DeviceHello
from barbotage_device.link.transport import TtyTransport
from barbotage_host.devices.home import Home
from barbotage_host.devices.ports import choose_port, list_candidates, system_ports

SOFTWARE = "barbotage host"


@dataclass(frozen=True, slots=True)
class Target:
    """Which device: a port, or a serial number, or neither when only one is connected. ``baud`` of a UART, None for USB."""

    port: str | None = None
    serial: str | None = None
    baud: int | None = None


@dataclass(slots=True)
class Connection:
    """A client and who it talks to."""

    client: LinkClient
    device: DeviceHello
    port: str

    def close(self) -> None:
        """Gives the port free."""
        self.client.close()


def find_port(target: Target, known: KnownDevices) -> str:
    """The port of the target. Raises NotFoundError, UsageError."""
    if target.port is not None:
        return target.port
    devices = known.all()
    return choose_port(list_candidates(system_ports(), devices), devices, target.serial)


def open_client(port: str, baud: int | None, home: Home) -> LinkClient:
    """A client on ``port`` that has not greeted yet. Raises NotFoundError, RefusedError, LinkError, each with advice."""
    end = HostEnd(HostIdentity(static_key(home.state), SOFTWARE), LineRate.of_baud(baud), secrets.token_bytes)
    try:
        return LinkClient(end, TtyTransport(port, baud), time.monotonic)
    except LinkError as error:
        raise advised(port, error) from error


def greet(target: Target, home: Home, within_s: float) -> Connection:
    """Who is at the other end; nothing is proved yet. Raises as ``open_client``, and LinkLostError when nobody answers."""
    port = find_port(target, KnownDevices(home.state))
    client = open_client(port, target.baud, home)
    try:
        return Connection(client, client.greet(within_s), port)
    except BaseException:
        client.close()
        raise


def connect(target: Target, home: Home, within_s: float = 30.0) -> Connection:
    """Connects to a paired device. Raises PeerRefusedError when it is another one or does not know this host."""
    known = KnownDevices(home.state)
    connection = greet(target, home, within_s)
    device = connection.device
    if target.serial is not None and device.serial != target.serial:
        connection.close()
        raise RefusedError(f"device {device.serial} is behind {connection.port}, not {target.serial}")
    try:
        connection.client.connect(known.pinned(device.serial), within_s)
        if device.secured:
            _remember_port(known, device, connection.port)
    except BaseException:
        connection.close()
        raise
    return connection


def pair(target: Target, home: Home, role: str, ask_code: Callable[[int], str]) -> Connection:
    """Pairs with a device by the code on its screen, and pins its key. Ends connected."""
    port = find_port(target, KnownDevices(home.state))
    client = open_client(port, target.baud, home)
    try:
        key, device = client.pair(host_name(), role, ask_code)
        KnownDevices(home.state).remember(KnownDevice(device.serial, key.hex(), device.model, port=port))
    except BaseException:
        client.close()
        raise
    return Connection(client, device, port)


def host_name() -> str:
    """How this host is shown on the device's screen: user and computer."""
    return f"{getpass.getuser()} on {os.uname().nodename}"[:60]


def advised(port: str, error: LinkError) -> NotFoundError | RefusedError | LinkError:
    """The error with what to do about it."""
    cause = error.__cause__
    number = cause.errno if isinstance(cause, OSError) else None
    if number in (errno.EACCES, errno.EPERM):
        group = _group_of(port)
        return RefusedError(
            f"{port}: permission denied for {getpass.getuser()}; run 'sudo usermod -aG {group} {getpass.getuser()}' and log in again, "
            "or 'barbotage udev install'"
        )
    if number == errno.EBUSY:
        return LinkError(f"{port} is in use{_holders(port)}; end that program first")
    if isinstance(error, LinkLostError):
        return NotFoundError(f"{error}; is the device on, and does the cable carry data (not only power)? see 'barbotage ports'")
    return error


def _group_of(port: str) -> str:
    import grp

    try:
        return grp.getgrgid(Path(port).stat().st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"


def _holders(port: str) -> str:
    """Which programs of ours hold the port, as far as /proc tells."""
    real = os.path.realpath(port)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.path.realpath(each) == real for each in (process / "fd").iterdir()):
                return f" by {(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue
    return ""


def _remember_port(known: KnownDevices, device: DeviceHello, port: str) -> None:
    for each in known.all():
        if each.serial == device.serial and each.port != port:
            known.remember(KnownDevice(each.serial, each.key, each.model, each.name, port))
