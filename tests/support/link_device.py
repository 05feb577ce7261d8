"""A device that serves a folder of sessions, in a process of its own: python tests/support/link_device.py PORT BAUD SESSIONS STATE SERIAL.

It imports the link and the session only, so that it starts in a moment; tests kill it and start it again. Pairing codes go to stdout.
"""

import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from barbotage_device.link.bulk_receiver import LineRate
from barbotage_device.link.device_end import DeviceEnd, DeviceIdentity
from barbotage_device.link.keys import KnownDevice, KnownDevices, PairedHosts, static_key
from barbotage_device.link.methods import Methods
from barbotage_device.link.noise import public_key
from barbotage_device.link.pairing import PairingDesk
from barbotage_device.link.roles import Role
from barbotage_device.link.server import LinkServer
from barbotage_device.link.serving import Served, Service
from barbotage_device.link.session_store import SessionFolder
from barbotage_device.link.transport import TtyTransport

SERIAL = "TEST0001"
PROCEDURE_NAME = "procedure"
"""While a file of this name is in the state folder, a procedure is running."""


class Settings:
    """A configuration of two keys."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {"screen.language": "fr", "screen.width_px": 800}

    def values(self) -> Mapping[str, Any]:
        """As in Configuration."""
        return self._values

    def revision(self) -> str:
        """As in Configuration."""
        return str(sorted(self._values.items()))

    def set(self, values: Mapping[str, Any]) -> bool:
        """As in Configuration."""
        self._values |= values
        return False


class StillClock:
    """A clock that can be set without being root."""

    offset_ns = 0

    def utc_ns(self) -> int:
        """As in WallClock."""
        return time.time_ns() + self.offset_ns

    def monotonic_ns(self) -> int:
        """As in WallClock."""
        return time.monotonic_ns()

    def set_utc_ns(self, utc_ns: int) -> None:
        """As in WallClock."""
        self.offset_ns = utc_ns - time.time_ns()


class Spoken:
    """Says the code on stdout."""

    def show_code(self, code: str, name: str, role: Role, valid_s: float) -> None:  # noqa: ARG002
        """As in PairingScreen."""
        print(code, flush=True)  # noqa: T201

    def hide_code(self, paired: bool) -> None:
        """As in PairingScreen."""


def serve(port: str, baud: int, sessions: Path, state: Path, serial: str) -> None:
    """Serves for ever."""
    hosts = PairedHosts(state, time.time_ns)
    identity = DeviceIdentity(static_key(state), "emulated", serial, "0.1", secrets.token_bytes(8))
    services: list[Service] = []

    def on_connection(_caller: object) -> None:
        for service in services:
            service.files.close_all()

    end = DeviceEnd(identity, hosts, PairingDesk(Spoken()), Methods(), LineRate.of_baud(baud), secrets.token_bytes, on_connection)

    def in_procedure() -> bool:
        return (state / PROCEDURE_NAME).exists()

    def status() -> dict[str, Any]:
        return {"state": "procedure" if in_procedure() else "idle"}

    documents = {"hello.txt": lambda: b"hello"}
    served = Served(SessionFolder(sessions), Settings(), StillClock(), hosts, status, in_procedure, documents)
    services.append(Service(end, served))
    LinkServer(end, lambda: TtyTransport(port), time.monotonic).run()


class DeviceProcess:
    """The device as a process; ``kill`` and ``start`` as often as a test likes."""

    def __init__(self, port: str, baud: int, sessions: Path, state: Path, serial: str = SERIAL) -> None:
        self._argv = [sys.executable, __file__, port, str(baud), str(sessions), str(state), serial]
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Starts it."""
        self._process = subprocess.Popen(self._argv, stdout=subprocess.PIPE, text=True)

    def kill(self) -> None:
        """Ends it at once, as a pulled plug does."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def code(self) -> str:
        """The pairing code that it shows next."""
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def introduce(host_state: Path, device_state: Path, port: str, role: Role = Role.SERVICE, serial: str = SERIAL) -> None:
    """Pairs a host with the device without the ceremony: each has the other's key on disk."""
    PairedHosts(device_state, time.time_ns).add(public_key(static_key(host_state)), "test host", role)
    KnownDevices(host_state).remember(KnownDevice(serial, public_key(static_key(device_state)).hex(), "emulated", port=port))


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5])
