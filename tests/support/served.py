"""A real device's link service in a thread, a host's folders, and the real commands between them over the emulated cable."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.cable import Cable
from tests.support.link import Screen
from tests.support.link_device import StillClock

import barbotage_device.runtime.linking as linking
from barbotage_device.link.keys import KnownDevice, KnownDevices, PairedHosts, static_key
from barbotage_device.link.noise import public_key
from barbotage_device.link.roles import Role
from barbotage_device.link.server import LinkServer
from barbotage_device.runtime.identity import device_identity
from barbotage_device.runtime.link_request import LinkRequest
from barbotage_host.cli import run_command_line


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Its result, after --json."""
        value: dict[str, Any] = json.loads(self.out)
        return value


@dataclass
class Bench:
    """``procedure`` set: a procedure is running. ``notices`` are what the device's terminal shows."""

    folder: Path
    cable: Cable
    server: LinkServer
    capsys: pytest.CaptureFixture[str]
    procedure: list[bool]
    notices: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        """The device's configuration file."""
        return self.folder / "device.toml"

    @property
    def sessions(self) -> Path:
        """The device's sessions."""
        return self.folder / "sessions"

    @property
    def archive(self) -> Path:
        """The host's archive."""
        return self.folder / "archive"

    def run(self, *words: str) -> Said:
        """Runs ``barbotage`` with these words, on this device."""
        options = ["--state", str(self.folder / "host"), "--port", self.cable.a]
        if words[0] in ("sync", "delete"):
            options += ["--archive", str(self.archive)]
        self.capsys.readouterr()
        code = run_command_line([*words, *options])
        out, err = self.capsys.readouterr()
        return Said(code, out, err)

    def json(self, *words: str) -> dict[str, Any]:
        """What a command that must succeed says with --json."""
        said = self.run(*words, "--json")
        assert said.code == 0, said.err
        return said.json

    def values(self) -> Mapping[str, Any]:
        """The device's settings as the host gets them."""
        values: dict[str, Any] = self.json("config", "get")["values"]
        return values


def introduce(folder: Path, port: str, role: Role) -> None:
    """Pairs the host with the device without the ceremony."""
    host, device = folder / "host", folder / "device"
    PairedHosts(device, lambda: 0).add(public_key(static_key(host)), "test host", role)
    KnownDevices(host).remember(KnownDevice(device_identity().id, public_key(static_key(device)).hex(), "emulated", port=port))


@contextmanager
def served(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, role: Role = Role.SERVICE, **line: float
) -> Iterator[Bench]:
    """A device that serves ``folder``. Its clock can be set without being the computer's."""
    monkeypatch.setattr(linking, "SystemClock", StillClock)
    procedure: list[bool] = []
    notices: list[str] = []
    with Cable(**line) as cable:
        introduce(folder, cable.a, role)
        request = LinkRequest(cable.b, None, folder / "sessions", folder / "device.toml", folder / "device")
        server = linking.make_server(request, Screen(), notices.append, lambda: bool(procedure))
        server.start()
        try:
            yield Bench(folder, cable, server, capsys, procedure, notices)
        finally:
            server.stop()
