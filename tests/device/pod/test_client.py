"""Tier 2: the device's client against the firmware on MicroPython's unix port, over a pseudo-terminal."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from barbotage_device.probe_pod.client import Connection, PodClient, PodSettings
from barbotage_device.probe_pod.protocol import Action, Aim, Contact, Flags, Phase
from barbotage_device.probe_pod.state import LavageChanged, PodEvent, PodStarted, PressureSeries, ProbeMoved, Touched
from barbotage_firmware_tools.board.quick import QuickPod

PATIENCE_S = 20.0
SETTINGS = PodSettings(retry_s=0.05, refused_retry_s=0.1, silence_s=3.0)


class Listening:
    """A client, and everything that it has told so far."""

    def __init__(self, client: PodClient) -> None:
        self.client = client
        self.told: list[PodEvent] = []

    def until(self, holds: Callable[[], bool], show: Aim | None = None) -> bool:
        """Waits, listening (and showing, when asked to)."""
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            if show is not None:
                self.client.show(show)
            self.told += self.client.events()
            if holds():
                return True
            time.sleep(0.02)
        return False

    def connected(self) -> bool:
        return self.client.view.connection is Connection.CONNECTED


@pytest.fixture
def port(tmp_path: Path) -> Path:
    return tmp_path / "pod"


def settings_for(port: Path) -> PodSettings:
    return replace(SETTINGS, port=str(port))


def test_without_a_pod_the_client_waits_and_says_why(port: Path) -> None:
    with PodClient(settings_for(port)) as client:
        listening = Listening(client)
        assert listening.until(lambda: client.view.reason is not None and "not there" in client.view.reason)
        client.show(Aim.LEFT, 40)
        assert client.view.connection is Connection.ABSENT
        assert client.events() == []


def test_a_client_that_finds_nothing_to_open_goes_on() -> None:
    with PodClient(SETTINGS) as client:
        assert Listening(client).until(lambda: client.view.reason is not None and "plugged in" in client.view.reason)


def test_pedal_tilt_and_lavage_arrive(unix_port: Path, pod_sources: Path, port: Path) -> None:
    with QuickPod(unix_port, pod_sources, port) as pod, PodClient(settings_for(port)) as client:
        listening = Listening(client)
        assert listening.until(listening.connected)
        identity = client.view.state.identity
        assert identity is not None
        assert identity.protocol == 1
        assert listening.until(lambda: client.view.state.pitch_deg is not None)

        pod.press(10)
        assert listening.until(lambda: any(isinstance(one, Touched) and one.action is Action.HOLD for one in listening.told))
        pod.feel("pitch", 25)
        assert listening.until(lambda: abs((client.view.state.pitch_deg or 0) - 25) < 1)
        for hpa, phase in ((400, Phase.INJECT), (-150, Phase.ASPIRATE), (0, Phase.REST)):
            pod.feel("pressure", hpa)
            assert listening.until(lambda wanted=phase: client.view.state.phase is wanted)  # type: ignore[misc]

    touches = [one for one in listening.told if isinstance(one, Touched)]
    assert [one.action for one in touches][:2] == [Action.PRESS, Action.HOLD]
    assert all(one.contact is Contact.PEDAL and one.at_ns <= one.arrived_ns for one in touches)
    assert any(isinstance(one, ProbeMoved) for one in listening.told)
    assert [one.cycles for one in listening.told if isinstance(one, LavageChanged)][-1] == 1
    assert any(isinstance(one, PressureSeries) and max(one.pressure_hpa) >= 395 for one in listening.told)
    assert client.view.damaged_frames == 0


def test_the_ring_follows_what_the_program_shows(unix_port: Path, pod_sources: Path, port: Path) -> None:
    with QuickPod(unix_port, pod_sources, port) as pod, PodClient(settings_for(port)) as client:
        listening = Listening(client)
        for aim, lit in ((Aim.ON_TARGET, 12), (Aim.UNCERTAIN, 4), (Aim.LEFT, 1)):
            assert listening.until(lambda wanted=lit: sum(any(led) for led in pod.shown()[0]) == wanted, show=aim)  # type: ignore[misc]


def test_the_pod_is_stale_when_the_program_stops_showing(unix_port: Path, pod_sources: Path, port: Path) -> None:
    def is_stale() -> bool:
        return Flags.STALE in client.view.state.flags

    with QuickPod(unix_port, pod_sources, port), PodClient(settings_for(port)) as client:
        listening = Listening(client)
        assert listening.until(lambda: client.view.state.uptime_ms > 300, show=Aim.ON_TARGET)
        assert not is_stale()
        assert listening.until(is_stale), "the client kept the pod alive although nobody told it what to show"
        assert listening.until(lambda: not is_stale(), show=Aim.ON_TARGET)


def test_a_pod_that_goes_and_comes_back_is_found_again(unix_port: Path, pod_sources: Path, port: Path) -> None:
    with PodClient(settings_for(port)) as client:
        listening = Listening(client)
        for round_trip in (1, 2):
            with QuickPod(unix_port, pod_sources, port) as pod:
                assert listening.until(listening.connected)
                assert client.view.connections == round_trip
                pod.unplug()
                assert listening.until(lambda: client.view.connection is Connection.ABSENT)
                assert client.view.state.pitch_deg is None
    assert sum(isinstance(one, PodStarted) for one in listening.told) >= 2


def test_another_protocol_is_refused_with_the_command_that_helps(unix_port: Path, pod_sources: Path, port: Path) -> None:
    with QuickPod(unix_port, pod_sources, port, protocol=0) as pod, PodClient(settings_for(port)) as client:
        listening = Listening(client)
        assert listening.until(lambda: client.view.connection is Connection.REFUSED)
        assert "barbotage-pod flash" in (client.view.reason or "")
        client.show(Aim.LEFT)
        assert client.events() == []
        pod.unplug()
        with QuickPod(unix_port, pod_sources, port):
            assert listening.until(listening.connected)
