"""A device at one end of the emulated cable, and commands of the host at the other, in this process."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.cable import Cable
from tests.support.link_device import DeviceProcess, introduce

from barbotage_device.console import Console, guarded
from barbotage_device.link.roles import Role
from barbotage_host.devices.connecting import Target
from barbotage_host.devices.context import Context
from barbotage_host.devices.home import Home


@dataclass
class Bench:
    """A device, its cable and the folders of both ends. ``said`` and ``chatter`` are what the last command wrote."""

    cable: Cable
    device: DeviceProcess
    folder: Path
    said: str = ""
    chatter: str = ""

    @property
    def state(self) -> Path:
        return self.folder / "host"

    def context(self, target: Target | None = None, as_json: bool = False, within_s: float = 10.0) -> Context:
        home = Home(self.state, self.folder / "archive")
        self._out, self._err = io.StringIO(), io.StringIO()
        return Context(home, target or Target(self.cable.a), Console(self._out, self._err), as_json, within_s)

    def run(self, action: Callable[[Context], int], target: Target | None = None, as_json: bool = False) -> int:
        """The exit code of a command."""
        context = self.context(target, as_json)
        code = guarded(lambda: action(context), context.console)
        self.said, self.chatter = self._out.getvalue(), self._err.getvalue()
        return code

    def json(self, action: Callable[[Context], int], target: Target | None = None) -> Any:
        """What a command says with --json."""
        code = self.run(action, target, as_json=True)
        assert code == 0, self.chatter
        return json.loads(self.said)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "sessions").mkdir()
    with Cable() as cable:
        introduce(tmp_path / "host", tmp_path / "device", cable.a, Role.SERVICE)
        device = DeviceProcess(cable.b, 0, tmp_path / "sessions", tmp_path / "device")
        try:
            yield Bench(cable, device, tmp_path)
        finally:
            device.kill()
