"""The run as a service manager sees it: ready, alive, killed, started again; the session that was cut off is there."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.manifest import read_manifest
from barbotage_device.session.reader import SessionReader

COMMAND = "from barbotage_device.cli import main; main()"
PATIENCE_S = 300.0
"""Idle it takes seconds; a computer that is busy with other things takes longer."""
FRAMES, ALIVE = 5, 3


def run_argv(root: Path, *more: str) -> list[str]:
    return [sys.executable, "-c", COMMAND, "run", "--source", "sim", "--record", str(root), "--threads", "1", *more]


def waited(condition: Callable[[], bool]) -> bool:
    ends_s = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < ends_s:
        time.sleep(0.05)
    return condition()


@pytest.mark.slow
def test_a_run_that_is_killed_was_alive_and_its_session_is_recovered_by_the_next(tmp_path: Path) -> None:
    root, address = tmp_path / "sessions", tmp_path / "notify"
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(address))
        ear.setblocking(False)

        def alive_often_enough() -> bool:
            with contextlib.suppress(BlockingIOError):
                while True:
                    heard.append(ear.recv(4096).decode())
            return heard.count("WATCHDOG=1") >= ALIVE and any(each.startswith("STATUS=first picture") for each in heard)

        environ = os.environ | {
            "QT_QPA_PLATFORM": "offscreen",
            "NOTIFY_SOCKET": str(address),
            "WATCHDOG_USEC": "20000000",
            "HOME": str(tmp_path),
        }
        environ.pop("WATCHDOG_PID", None)
        with subprocess.Popen(run_argv(root), env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as first:
            lived = waited(alive_often_enough)
            first.send_signal(signal.SIGKILL)
            assert first.stderr is not None
            assert lived, first.stderr.read()
    assert heard[0] == "READY=1"
    (cut,) = find_sessions(root)
    assert read_manifest(cut).state == "recording"

    environ.pop("NOTIFY_SOCKET")
    again = subprocess.run(
        run_argv(root, "--frames", str(FRAMES)), env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert again.returncode == 0, again.stderr
    assert f"{cut} was cut off; recovering it" in again.stderr
    assert "first picture" in again.stderr
    assert read_manifest(cut).state == "recovered"
    with SessionReader.open(cut) as reader:
        assert len(reader.sequences) > 0
        assert "first-picture" in [event.kind for event in reader.events()]
    (_, new) = find_sessions(root)
    assert read_manifest(new).state == "closed"
