"""Opening a port with advice for what goes wrong, and connecting to the device behind it."""

import getpass
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from barbotage_device.errors import RefusedError
from barbotage_device.link.bulk_receiver import LineRate
from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import LinkError, PeerRefusedError
from barbotage_device.link.host_end import HostEnd, HostIdentity
from barbotage_device.link.keys import KnownDevice, KnownDevices, static_key
from barbotage_device.link.messages import DeviceHello
from barbotage_device.link.transport import TtyTransport
from barbotage_host.devices.advice import raise_advised
from barbotage_host.devices.home import Home
from barbotage_host.devices.own_keys import OwnKeys
from barbotage_host.devices.ports import choose_port, list_candidates, same_port, stable_name, system_ports

SOFTWARE = "barbotage host"


@dataclass(frozen=True, slots=True)
class Target:
    """Which device: a port, or a serial number or name, or neither when only one is connected. ``baud`` of a UART, None: as remembered."""

    port: str | None = None
    serial: str | None = None
    baud: int | None = None


@dataclass(slots=True)
class Connection:
    """A client and who it talks to. ``baud`` of the port, None for USB."""

    client: LinkClient
    device: DeviceHello
    port: str
    baud: int | None = None

    def close(self) -> None:
        """Gives the port free."""
        self.client.close()


def serial_of(wanted: str, known: KnownDevices) -> str:
    """The serial number of the device with this name; ``wanted`` itself when no device has the name."""
    return next((device.serial for device in known.all() if device.name == wanted), wanted)


def find_port(target: Target, known: KnownDevices) -> str:
    """The port of the target. Raises NotFoundError, UsageError."""
    if target.port is not None:
        return target.port
    devices = known.all()
    serial = None if target.serial is None else serial_of(target.serial, known)
    return choose_port(list_candidates(system_ports(), devices), devices, serial)


def open_client(port: str, baud: int | None, home: Home) -> LinkClient:
    """A client on ``port`` that has not greeted yet. Raises NotFoundError, RefusedError, LinkError, each with advice."""
    end = HostEnd(HostIdentity(static_key(home.state), SOFTWARE), LineRate.of_baud(baud), secrets.token_bytes)
    try:
        return LinkClient(end, TtyTransport(port, baud), time.monotonic)
    except LinkError as error:
        raise_advised(port, error, baud)


def greet(target: Target, home: Home, within_s: float) -> Connection:
    """Who is at the other end; nothing is proved yet.

    Raises as ``open_client``, LinkLostError when nobody answers, RefusedError when it is not the device that was asked for.
    """
    known = KnownDevices(home.state)
    port = find_port(target, known)
    baud = target.baud or _remembered_baud(port, known)
    client = open_client(port, baud, home)
    try:
        connection = Connection(client, client.greet(within_s), port, baud)
        if target.serial is not None:
            _check_serial(connection, serial_of(target.serial, known))
    except LinkError as error:
        client.close()
        raise_advised(port, error, baud)
    except BaseException:
        client.close()
        raise
    return connection


def connect(target: Target, home: Home, within_s: float = 30.0) -> Connection:
    """Connects to a paired device. Raises PeerRefusedError when it is another one or does not know this host."""
    connection = greet(target, home, within_s)
    try:
        shake_hands(connection, home, within_s)
    except BaseException:
        connection.close()
        raise
    return connection


def shake_hands(connection: Connection, home: Home, within_s: float) -> None:
    """Proves who both ends are, with whichever of this host's keys the device knows. Raises as ``connect``."""
    known, device, end = KnownDevices(home.state), connection.device, connection.client.end
    own = OwnKeys(home.state, device.serial)
    candidates = own.candidates()
    for key in candidates:
        end.identity = HostIdentity(key, SOFTWARE)
        try:
            connection.client.connect(known.pinned(device.serial), within_s)
        except PeerRefusedError:
            if key is candidates[-1]:
                raise
        else:
            if device.secured:
                own.settle(key)
                _remember_port(known, connection)
            return


def pair(target: Target, home: Home, role: str, ask_code: Callable[[int], str], within_s: float = 30.0) -> Connection:
    """Pairs with a device by the code on its screen, and pins its key. Ends connected."""
    connection = greet(target, home, within_s)
    client, serial = connection.client, connection.device.serial
    try:
        client.end.identity = HostIdentity(OwnKeys(home.state, serial).current(), SOFTWARE)
        key, connection.device = client.pair(host_name(), role, ask_code)
        _check_serial(connection, serial)
        known = KnownDevices(home.state)
        name = next((each.name for each in known.all() if each.serial == serial), "")
        known.remember(
            KnownDevice(serial, key.hex(), connection.device.model, name, stable_name(connection.port), connection.baud)
        )
    except BaseException:
        client.close()
        raise
    return connection


def host_name() -> str:
    """How this host is shown on the device's screen: user and computer."""
    return f"{getpass.getuser()} on {os.uname().nodename}"[:60]


def _check_serial(connection: Connection, wanted: str) -> None:
    if connection.device.serial != wanted:
        raise RefusedError(
            f"device {connection.device.serial} is behind {connection.port}, not {wanted}; see 'barbotage devices'"
        )


def _remembered_baud(port: str, known: KnownDevices) -> int | None:
    return next((device.baud for device in known.all() if device.port and same_port(device.port, port)), None)


def _remember_port(known: KnownDevices, connection: Connection) -> None:
    device, port = connection.device, stable_name(connection.port)
    for each in known.all():
        if each.serial == device.serial and (each.port, each.baud, each.model) != (port, connection.baud, device.model):
            known.remember(KnownDevice(each.serial, each.key, device.model, each.name, port, connection.baud))
