"""A device in this process that tells what a test wants told, at one end of the emulated cable."""

import io
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.cable import Cable
from tests.support.link_device import SERIAL, Settings, StillClock, introduce

from barbotage_device.console import Console
from barbotage_device.link.bulk_receiver import LineRate
from barbotage_device.link.device_end import DeviceEnd, DeviceIdentity
from barbotage_device.link.keys import PairedHosts, static_key
from barbotage_device.link.methods import Methods
from barbotage_device.link.pairing import PairingDesk
from barbotage_device.link.roles import Role
from barbotage_device.link.server import LinkServer
from barbotage_device.link.serving import Served, Service
from barbotage_device.link.session_store import SessionFolder
from barbotage_device.link.transport import TtyTransport
from barbotage_host.devices.connecting import Target
from barbotage_host.devices.context import Context
from barbotage_host.devices.home import Home


class Unseen:
    """No screen."""

    def show_code(self, code: str, name: str, role: Role, valid_s: float) -> None:
        """As in PairingScreen."""

    def hide_code(self, paired: bool) -> None:
        """As in PairingScreen."""


@dataclass
class Talker:
    """A device that tells, and the folders of both ends."""

    cable: Cable
    server: LinkServer
    folder: Path
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)

    def context(self, as_json: bool = False) -> Context:
        home = Home(self.folder / "host", self.folder / "archive")
        return Context(home, Target(self.cable.a), Console(self.out, self.err), as_json, 10.0)

    def publish(self, topic: str, value: object) -> None:
        self.server.publish(topic, time.monotonic_ns(), value)


def make_server(cable: Cable, folder: Path, status: dict[str, object] | None = None) -> LinkServer:
    """A device on the far end of the cable, not running yet."""
    hosts = PairedHosts(folder / "device", time.time_ns)
    identity = DeviceIdentity(static_key(folder / "device"), "emulated", SERIAL, "0.1", secrets.token_bytes(8))
    end = DeviceEnd(identity, hosts, PairingDesk(Unseen()), Methods(), LineRate.of_baud(None), secrets.token_bytes)
    told = status or {"state": "idle"}
    Service(end, Served(SessionFolder(folder), Settings(), StillClock(), hosts, lambda: told, lambda: False, {}))
    return LinkServer(end, lambda: TtyTransport(cable.b), time.monotonic)


@pytest.fixture
def talker(tmp_path: Path) -> Iterator[Talker]:
    with Cable() as cable:
        introduce(tmp_path / "host", tmp_path / "device", cable.a, Role.SERVICE)
        server = make_server(cable, tmp_path)
        server.start()
        try:
            yield Talker(cable, server, tmp_path)
        finally:
            server.stop()
