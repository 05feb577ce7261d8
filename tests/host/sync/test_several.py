"""Devices that come and go, several at once, procedures in between: what a sync does that is left running."""

import json
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.link_device import PROCEDURE_NAME
from tests.support.sessions import Script, write_session
from tests.support.sync_bench import SyncBench, make_bench, same_session

from barbotage_device.runtime.recording.keyframes import make_keyframes
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.files import claimed
from barbotage_host.sync.archive import Archive

WITHIN_S = 40.0


def until(condition: Callable[[], bool], what: str) -> None:
    ends_s = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < ends_s, what
        time.sleep(0.02)


class Running:
    """A command that runs, and the lines that it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.put(line.rstrip())

    def says(self, words: str) -> None:
        """Waits for a line with these words."""

        def heard() -> bool:
            while not self._lines.empty():
                self.said.append(self._lines.get())
            return any(words in line for line in self.said)

        ends_s = time.monotonic() + WITHIN_S
        while not heard():
            assert time.monotonic() < ends_s, f"{words!r} is not in {self.said}"
            time.sleep(0.02)

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=WITHIN_S)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._thread.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SyncBench]:
    made = make_bench(tmp_path, **getattr(request, "param", {"count": 1, "ballast_bytes": 200_000}))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def watching(bench: SyncBench) -> Iterator[Running]:
    running = Running(bench.start("sync", "--watch"))
    try:
        yield running
    finally:
        running.close()


def archived(bench: SyncBench) -> set[str]:
    return {path.name for path in find_sessions(bench.archive)}


def test_a_watched_device_may_come_late_and_what_it_closes_is_taken(bench: SyncBench, watching: Running) -> None:
    (first,) = find_sessions(bench.sessions)
    until(lambda: archived(bench) == {first.name}, "the session that was there")
    second = write_session(bench.sessions, Script(frames=6))
    until(lambda: archived(bench) == {first.name, second.name}, "the session that came")
    bench.cable.cut("hangup")
    watching.says("waiting")
    third = write_session(bench.sessions, Script(frames=7))
    bench.cable.restore()
    bench.device.kill()
    bench.device.start()
    until(lambda: archived(bench) == {first.name, second.name, third.name}, "the session after the cable was pulled")
    assert watching.interrupt() == 130
    assert bench.same()
    assert sum("waiting" in line for line in watching.said) <= 2, watching.said


@pytest.mark.slow
def test_a_session_that_is_being_finished_is_left_until_it_is_and_what_comes_later_joins_it(
    bench: SyncBench, watching: Running
) -> None:
    (first,) = find_sessions(bench.sessions)
    until(lambda: archived(bench) == {first.name}, "the session that was there")
    make_keyframes(first)
    until(lambda: same_session(first, next(iter(find_sessions(bench.archive)))), "key frames that were made afterwards")
    unborn = bench.sessions / ".unborn"
    second = write_session(unborn, Script(frames=6))
    with claimed(second):
        second.rename(bench.sessions / second.name)
        watching.says("being finished")
        assert second.name not in archived(bench)
    until(lambda: bench.same(), "the session once it was finished")


def test_a_sync_waits_for_the_end_of_a_procedure(bench: SyncBench) -> None:
    procedure = bench.folder / "device" / PROCEDURE_NAME
    procedure.touch()
    running = Running(bench.start("sync"))
    try:
        running.says("procedure is running")
        assert archived(bench) == set()
        procedure.unlink()
        assert running.process.wait(timeout=WITHIN_S) == 0
    finally:
        running.close()
    assert bench.same()


@pytest.mark.slow
@pytest.mark.parametrize("bench", [{"count": 1, "ballast_bytes": 900_000, "baud": 921_600}], indirect=True)
def test_a_procedure_that_begins_in_the_middle_of_a_file_stops_the_fetch(bench: SyncBench) -> None:
    procedure = bench.folder / "device" / PROCEDURE_NAME
    running = Running(bench.start("sync"))
    try:
        until(lambda: bench.line_bytes() > 100_000, "a fetch under way")
        procedure.touch()
        running.says("procedure is running")
        came_bytes = bench.line_bytes()
        time.sleep(1.5)
        assert bench.line_bytes() < came_bytes + 60_000, "what was under way, and questions whether it has ended"
        assert archived(bench) == set()
        procedure.unlink()
        until(lambda: bool(archived(bench)), "the session after the procedure")
        assert running.process.wait(timeout=WITHIN_S) == 0
    finally:
        running.close()
    assert bench.same()
    assert bench.line_bytes() < 1.25 * sum(path.stat().st_size for path in bench.sessions.rglob("*.*")), "it went on, not anew"


def test_the_program_that_syncs_a_device_already_is_named(bench: SyncBench) -> None:
    with Archive(bench.archive).locked(bench.serial):
        done = bench.run("sync")
    assert done.returncode == 1
    assert "process" in done.stderr
    assert "is syncing into it" in done.stderr


@pytest.mark.slow
def test_all_remembered_devices_are_synced_at_once_each_into_its_folder(bench: SyncBench, tmp_path: Path) -> None:
    other = make_bench(tmp_path / "other", 2, 100_000, serial="TEST0002", host=bench.folder / "host")
    try:
        done = bench.run("sync", "--all", "--json")
        assert done.returncode == 0, done.stderr
        outcomes = {each["device"]: each for each in map(json.loads, done.stdout.splitlines())}
        assert {serial: len(each["fetched"]) for serial, each in outcomes.items()} == {"TEST0001": 1, "TEST0002": 2}
        for made in (bench, other):
            folder = bench.archive / made.serial
            assert {path.name for path in find_sessions(folder)} == {path.name for path in find_sessions(made.sessions)}
            assert all(same_session(path, folder / path.name) for path in find_sessions(made.sessions))
        other.cable.cut("hangup")
        done = bench.run("sync", "--all")
        assert done.returncode == 0, done.stderr
        assert "TEST0001: 0 sessions fetched" in done.stdout
        assert "TEST0002" not in done.stdout
    finally:
        other.close()
    assert bench.run("sync", "--all", "--port", "x").returncode == 2


def test_a_session_that_cannot_be_had_does_not_keep_the_others_from_coming(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, 3, 50_000)
    try:
        spoilt = find_sessions(bench.sessions)[1]
        data = bytearray((spoilt / "proxy-0000.mcap").read_bytes())
        data[1000] ^= 1
        (spoilt / "proxy-0000.mcap").write_bytes(data)
        done = bench.run("sync")
        assert done.returncode == 1
        assert "does not have the digest" in done.stderr
        assert archived(bench) == {path.name for path in find_sessions(bench.sessions)} - {spoilt.name}
    finally:
        bench.close()
