"""Tier 2: the bedside program itself with the firmware on MicroPython's unix port: what reaches the recorded session."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from barbotage_device.session.audit import verify
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.reader import SessionReader
from barbotage_firmware_tools.board.quick import QuickPod

PATIENCE_S = 90.0
"""A busy machine may take so long; it is waited for, never measured."""
PEDAL = 10


class Running:
    """``barbotage-device run`` with a pod and a recording; what it says, once a second, as JSON."""

    def __init__(self, folder: Path, port: Path) -> None:
        self.folder = folder
        command = "from barbotage_device.cli import main; main()"
        options = ("--source", "sim", "--headless", "--pod", str(port), "--record", str(folder), "--json")
        self._process = subprocess.Popen(
            [sys.executable, "-c", command, "run", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.statuses: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self._readers = [threading.Thread(target=self._read_statuses), threading.Thread(target=self._read_lines)]
        for reader in self._readers:
            reader.start()

    def until(self, holds: Callable[[], bool]) -> bool:
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s and self._process.poll() is None:
            if holds():
                return True
            time.sleep(0.05)
        return holds()

    def connected(self) -> bool:
        return bool(self.statuses) and bool((self.statuses[-1]["pod"] or {}).get("connected"))

    def cycles(self) -> int:
        return int(self.statuses[-1]["pod"]["cycles"])

    def stop(self) -> int:
        self._process.send_signal(signal.SIGINT)
        code = self._process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join()
        return code

    def _read_statuses(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                document = json.loads(line)
                if document.get("event") == "status":
                    self.statuses.append(document)

    def _read_lines(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            self.lines.extend(stream)


def tap(pod: QuickPod, lasts_s: float = 0.1) -> None:
    pod.press(PEDAL)
    time.sleep(lasts_s)
    pod.release(PEDAL)
    time.sleep(0.6)


def squeeze(pod: QuickPod) -> None:
    for hpa in (400, -150, 0):
        pod.feel("pressure", hpa)
        time.sleep(0.4)


def test_what_the_pod_tells_is_in_the_session_and_its_absence_disturbs_nothing(
    unix_port: Path, pod_sources: Path, tmp_path: Path
) -> None:
    port = tmp_path / "pod"
    running = Running(tmp_path / "sessions", port)
    try:
        assert running.until(lambda: bool(running.statuses)), "the program runs although there is no pod yet"
        assert not running.connected()
        with QuickPod(unix_port, pod_sources, port) as pod:
            assert running.until(running.connected)
            tap(pod)
            tap(pod, lasts_s=1.0)
            pod.feel("pitch", 25)
            for _ in range(2):
                squeeze(pod)
            assert running.until(lambda: running.cycles() == 2)
        assert running.until(lambda: not running.connected())
        frames = running.statuses[-1]["frames"]
        assert running.until(lambda: running.statuses[-1]["frames"] > frames), "guidance goes on without the pod"
        with QuickPod(unix_port, pod_sources, port):
            assert running.until(running.connected)
    finally:
        code = running.stop()
    assert code == 130, running.lines

    (session,) = find_sessions(tmp_path / "sessions")
    assert verify(session).intact
    reader = SessionReader.open(session)
    told = [(one.kind, one.by, one.value) for one in reader.events()]
    kinds = [kind for kind, _, _ in told]
    assert kinds.count("pod-connected") == 2
    assert kinds.count("pod-lost") == 1
    assert ("patient-event", "pedal", {}) in told
    assert [value for kind, _, value in told if kind == "lavage-cycle"] == [
        {"count": 1, "from": "pressure"},
        {"count": 2, "from": "pressure"},
    ]
    samples = [one.value for one in reader.messages("/pod")]
    assert max(one["pressure_kpa"] for one in samples if "pressure_kpa" in one) >= 39.5
    assert any(one.get("phase") == "aspirate" for one in samples)
    assert any(abs(one.get("pitch_deg", 0.0) - 25) < 1 for one in samples)
    moved = [one.value["probe_moved"] for one in reader.messages("/guidance")]
    assert {None, False, True} == set(moved), "without a pod, at rest, while it was tilted"
