"""The real bedside program with a host at the other end of an emulated cable: what the host hears, and what it may do."""

import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.cable import Cable
from tests.support.link_device import introduce

from barbotage_device.link.bulk_receiver import LineRate
from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import AnswerError, Code, LinkError, LinkLostError
from barbotage_device.link.host_end import HostEnd, HostIdentity
from barbotage_device.link.keys import static_key
from barbotage_device.link.noise import public_key
from barbotage_device.link.transport import TtyTransport
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.manifest import read_manifest

PATIENCE_S = 90.0
"""A busy machine may take so long to start a program; it is waited for, never measured."""


@dataclass
class Heard:
    """What came so far."""

    telemetry: dict[str, list[Any]] = field(default_factory=dict)
    events: list[tuple[str, Any]] = field(default_factory=list)

    def newest(self, topic: str) -> Any:
        return self.telemetry.get(topic, [None])[-1]


class Running:
    """``barbotage-device run`` at one end of a cable, its words on stderr, and the folders of both ends."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.cable = Cable()
        command = "from barbotage_device.cli import main; main()"
        options = (
            "--source",
            "sim",
            "--headless",
            "--live",
            "--serial",
            self.cable.b,
            "--state",
            str(folder / "device"),
            *options,
        )
        environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", command, "run", *options],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(self.process.stderr)

    def until_said(self, words: str) -> str:
        ends_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends_s:
            for line in list(self.said):
                if words in line:
                    return line
            assert self.process.poll() is None, self.said
            time.sleep(0.02)
        raise AssertionError(f"{words!r} was not said: {self.said}")

    def client(self) -> LinkClient:
        end = HostEnd(HostIdentity(static_key(self.folder / "host"), "test"), LineRate.of_baud(None), secrets.token_bytes)
        return LinkClient(end, TtyTransport(self.cable.a), time.monotonic)

    def connected(self) -> LinkClient:
        self.until_said("serving")
        client = self.client()
        client.connect(public_key(static_key(self.folder / "device")), PATIENCE_S)
        return client

    def connected_again(self) -> LinkClient:
        """After a hang-up: the device needs a moment to notice that the port is back."""
        ends_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.connected()
            except LinkError:
                assert time.monotonic() < ends_s, self.said

    @property
    def sessions(self) -> Path:
        return self.folder / "sessions"

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
        self.cable.close()


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Running] = []

    def begin(*options: str, introduced: bool = True) -> Running:
        made = Running(tmp_path, *options)
        running.append(made)
        if introduced:
            introduce(tmp_path / "host", tmp_path / "device", made.cable.a)
        return made

    yield begin
    for each in running:
        each.close()


def listen(client: LinkClient, until: Callable[[Heard], bool]) -> Heard:
    client.call("telem.sub", {"topics": ["status", "guidance", "health"], "max_hz": 60})
    client.call("event.sub")
    heard, live = Heard(), client.end.live
    ends_s = time.monotonic() + PATIENCE_S
    while not until(heard):
        assert time.monotonic() < ends_s, heard
        client.listen(0.5)
        for each in live.telemetry:
            heard.telemetry.setdefault(each.topic, []).append(each.value)
        heard.events += [(each.topic, each.value) for each in live.events]
        live.telemetry.clear()
        live.events.clear()
    return heard


def refusal(client: LinkClient, method: str, **params: Any) -> int:
    with pytest.raises(AnswerError) as refused:
        client.call(method, params)
    return refused.value.code


def test_a_host_follows_a_recorded_run_through_a_hang_up_to_its_end(start: Start, tmp_path: Path) -> None:
    run = start("--record", str(tmp_path / "sessions"))
    client = run.connected()
    heard = listen(
        client, lambda heard: bool((heard.newest("guidance") or {}).get("tip_to_target_mm") and heard.newest("health"))
    )
    aimed, status = heard.newest("guidance"), heard.newest("status")
    assert 0 < aimed["tip_to_target_mm"] < 40, "the picture is 38 mm deep"
    assert 0 <= aimed["angle_deg"] <= 90
    assert (aimed["certainty"], aimed["target"] is not None) == ("confirmed", True)
    assert (status["state"], status["simulated"], status["scale_known"]) == ("live", True, True)
    (session,) = client.call("sess.list").maps("sessions")
    assert (session.text("id"), session.text("state")) == (status["recording"], "being recorded")
    assert heard.newest("health")["disk_free_mb"] > 0

    assert refusal(client, "pair.start", name="another PC", role="viewer") == Code.BUSY
    assert refusal(client, "clock.set", utc_ns=time.time_ns()) == Code.BUSY
    assert refusal(client, "conf.set", values={}, revision="") == Code.BUSY
    assert not any("pairing" in line for line in run.said)

    run.cable.cut("hangup")
    with pytest.raises(LinkLostError):
        client.call("link.ping", {"t": 1})
    client.close()
    run.until_said("waiting for it")
    run.cable.restore()
    client = run.connected_again()
    again = listen(client, lambda heard: heard.newest("status") is not None)
    assert again.newest("status")["frames"] > status["frames"]
    assert again.newest("status")["recording"] == status["recording"]

    run.process.send_signal(signal.SIGTERM)
    ended = listen(client, lambda heard: any(kind == "session-ended" for kind, _ in heard.events))
    assert ("session-ended", {"id": status["recording"]}) in ended.events
    run.process.wait(PATIENCE_S)
    client.close()
    (path,) = find_sessions(run.sessions)
    manifest = read_manifest(path)
    assert (manifest.state, manifest.header.link) == ("closed", "secured")


def test_without_a_window_a_pc_is_paired_by_the_code_on_the_terminal(start: Start) -> None:
    run = start(introduced=False)
    run.until_said("serving")
    client = run.client()

    def code(digits: int) -> str:
        line = run.until_said("asks for the role")
        assert "'a PC' asks for the role operator" in line
        return line.partition("code ")[2].partition(" (")[0].replace(" ", "")[:digits]

    key, _ = client.pair("a PC", "operator", code)
    assert key == public_key(static_key(run.folder / "device"))
    heard = listen(client, lambda heard: bool(heard.events))
    told_by_the_loop = {"target-accepted", "target-released", "needle-in-target", "prompt"}
    assert {kind for kind, _ in heard.events} <= told_by_the_loop, "told although nothing is recorded"
    run.until_said("pairing: done")
    client.close()
    assert run.terminate() == 130
    assert not run.sessions.exists()


def test_the_laboratory_setting_is_said_and_noted_in_the_session(start: Start, tmp_path: Path) -> None:
    run = start("--no-security", "--record", str(tmp_path / "sessions"), introduced=False)
    assert "neither authenticated nor encrypted" in run.until_said("LABORATORY SETTING")
    run.until_said("serving")
    client = run.client()
    client.connect(None, PATIENCE_S)
    assert client.call("dev.info").text("auth") == "none"
    assert client.call("dev.status").text("state") == "procedure"
    client.close()
    run.terminate()
    (path,) = find_sessions(run.sessions)
    assert read_manifest(path).header.link == "unsecured"


def test_a_port_that_is_not_there_costs_one_line_and_no_frame(tmp_path: Path) -> None:
    command = "from barbotage_device.cli import main; main()"
    options = ("--source", "sim", "--headless", "--frames", "3", "--serial", str(tmp_path / "no-such-port"), "--json")
    done = subprocess.run(
        [sys.executable, "-c", command, "run", *options], capture_output=True, text=True, check=False, env={"HOME": str(tmp_path)}
    )
    assert done.returncode == 0
    assert sum("no-such-port" in line for line in done.stderr.splitlines()) <= 2
    assert '"frames": 3' in done.stdout.splitlines()[-1]
