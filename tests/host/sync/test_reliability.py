"""A sync that is interrupted again and again, in every way there is: the archive ends as the device is, and nothing half-written is ever seen."""

import json
import os
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.small_disk import SmallDisk
from tests.support.sync_bench import SyncBench, Watcher, digests, make_bench

from barbotage_device.link.bulk_receiver import WINDOW_S
from barbotage_device.link.part_file import JOURNAL_EVERY_S
from barbotage_device.session.catalogue import find_sessions

KINDS = ("silent", "hang-up", "host killed", "device restarted", "disk full")
SPARE_BYTES = 2_000_000
"""What the archive's disk holds beyond the sessions."""
KEPT_RUNNING = 0.5
"""Share of interruptions after which the program is left to go on by itself until the next."""
UNDER_WAY_BYTES = 20_000
END_WITHIN_S = 30.0


class Ordeal:
    """A sync into a disk of its own, and what is done to it."""

    def __init__(self, bench: SyncBench, disk: SmallDisk, seed: int) -> None:
        self.bench, self.disk = bench, disk
        self.rng = random.Random(seed)
        self.process: subprocess.Popen[str] | None = None
        self.done: Counter[str] = Counter()
        self.completed = 0

    def interrupt(self, kind: str) -> None:
        """Lets a sync get under way and interrupts it at a random moment."""
        if self.process is None:
            self.process = self.bench.start("sync", "--retry-for", "20")
        before = self.bench.line_bytes()
        deadline_s = time.monotonic() + END_WITHIN_S
        while self.process.poll() is None and time.monotonic() < deadline_s:
            if self.bench.line_bytes() >= before + UNDER_WAY_BYTES:
                break
            time.sleep(0.02)
        time.sleep(self.rng.uniform(0.0, 1.2))
        self.done[kind] += 1
        if kind in ("silent", "hang-up"):
            self.bench.cable.cut("silent" if kind == "silent" else "hangup")
            time.sleep(self.rng.uniform(0.1, 0.5))
            self.bench.cable.restore()
        elif kind == "device restarted":
            self.bench.device.kill()
            self.bench.cable.released()
            time.sleep(self.rng.uniform(0.0, 0.3))
            self.bench.device.start()
        elif kind == "disk full":
            self._fill_the_disk()
        if kind == "host killed" or self.process is None or self.process.poll() is not None or self.rng.random() > KEPT_RUNNING:
            self.kill()

    def kill(self) -> None:
        """Kills the host's program at once."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.bench.cable.released()
            self.process = None

    def _fill_the_disk(self) -> None:
        """Another program takes all that is left; the sync ends by itself and says so in a line."""
        assert self.process is not None
        self.disk.fill()
        try:
            _, said = self.process.communicate(timeout=END_WITHIN_S)
            failed = self.process.returncode not in (0, None)
            assert not failed or "error: " in said, said
            assert "Traceback" not in said
            self.done["  of these the sync was stopped by it"] += failed
        finally:
            self.process = None
            self.disk.free()

    def begin_anew_when_done(self, watcher: Watcher) -> None:
        """When everything is there, the archive is emptied, so that there is something to interrupt."""
        if len(find_sessions(self.bench.archive)) == len(find_sessions(self.bench.sessions)):
            self.kill()
            assert self.bench.same()
            self.completed += 1
            with watcher.looking_away():
                for path in self.bench.archive.iterdir():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def table(self, line_bytes: int, session_bytes: int, watcher: Watcher) -> str:
        """What was done, in words."""
        carried = session_bytes * (self.completed + 1)
        rows = [f"{kind:40} {count:5}" for kind, count in self.done.items()]
        rows += [
            f"{'sessions carried, MB':40} {carried / 1e6:8.2f}",
            f"{'came over the line, MB':40} {line_bytes / 1e6:8.2f}",
            f"{'headers, handshakes and sent again':40} {100 * (line_bytes / carried - 1):7.1f} %",
            f"{'looks into the archive':40} {watcher.looks:5}",
        ]
        return "\n".join(rows)


@pytest.fixture
def ordeal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ordeal]:
    """The archive lies on a disk of its own that is little larger than what it has to hold."""
    bench = make_bench(tmp_path, **request.param)
    try:
        disk = SmallDisk(tmp_path / "archive", _bytes_in(bench.sessions) + SPARE_BYTES)
        bench.enter, bench.seen = disk.enter, disk.seen
        made = Ordeal(bench, disk, seed=int(os.environ.get("SYNC_SEED", "2")))
        try:
            yield made
        finally:
            made.kill()
            disk.close()
    finally:
        bench.close()


def check_interruptions(ordeal: Ordeal, count: int) -> None:
    bench = ordeal.bench
    on_device = digests(bench.sessions)
    with Watcher(bench.archive, bench.sessions) as watcher:
        for index in range(count):
            ordeal.interrupt(KINDS[index % len(KINDS)])
            assert watcher.wrong == [], f"after interruption {index}"
            ordeal.begin_anew_when_done(watcher)
        ordeal.kill()
        done = bench.run("sync", "--retry-for", "20")
        assert done.returncode == 0, done.stderr
    print("\n" + ordeal.table(bench.line_bytes(), _bytes_in(bench.sessions), watcher))  # noqa: T201
    assert bench.same()
    assert watcher.wrong == []
    assert watcher.looks > count
    assert digests(bench.sessions) == on_device, "sessions on the device never change"


@pytest.mark.parametrize("ordeal", [{"count": 1, "ballast_bytes": 300_000, "baud": 3_000_000}], indirect=True)
def test_each_kind_of_interruption_leaves_an_archive_that_a_later_sync_completes(ordeal: Ordeal) -> None:
    check_interruptions(ordeal, len(KINDS))


@pytest.mark.slow
@pytest.mark.parametrize("ordeal", [{"count": 4, "ballast_bytes": 5_000_000, "baud": 3_000_000}], indirect=True)
def test_random_interruptions_of_20_mb_leave_an_archive_identical_to_the_device(ordeal: Ordeal) -> None:
    check_interruptions(ordeal, int(os.environ.get("BARBOTAGE_INTERRUPTIONS", "50")))


@pytest.mark.slow
@pytest.mark.parametrize("ordeal", [{"count": 1, "ballast_bytes": 3_000_000, "baud": 3_000_000}], indirect=True)
def test_a_full_disk_is_said_in_a_line_and_the_next_sync_goes_on_where_it_stopped(ordeal: Ordeal) -> None:
    bench, disk = ordeal.bench, ordeal.disk
    process = bench.start("sync")
    while bench.line_bytes() < 600_000:
        time.sleep(0.02)
    disk.fill()
    assert disk.is_full()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "No space left on device" in said
    assert "Traceback" not in said
    assert find_sessions(bench.archive) == []
    refused = bench.run("sync")
    assert refused.returncode == 4
    assert "are free" in refused.stderr
    disk.free()
    outcome = bench.json("sync")
    assert outcome["resumed_bytes"] > 200_000
    assert bench.same()


@pytest.mark.slow
@pytest.mark.parametrize("ordeal", [{"count": 1, "ballast_bytes": 500_000, "baud": 921_600}], indirect=True)
@pytest.mark.parametrize("killed", [False, True])
def test_after_a_hang_up_little_more_than_the_journal_and_a_window_come_again(ordeal: Ordeal, killed: bool) -> None:
    bench = ordeal.bench
    process = bench.start("sync", "--json")
    while bench.line_bytes() < 250_000:
        time.sleep(0.02)
    bench.cable.cut("hangup")
    came_bytes = bench.line_bytes()
    if killed:
        process.kill()
        process.communicate()
        bench.cable.released()
    time.sleep(0.3)
    bench.cable.restore()
    if killed:
        outcome = bench.json("sync")
    else:
        said, chatter = process.communicate(timeout=90)
        assert process.returncode == 0, chatter
        outcome = json.loads(said)
        assert outcome["interruptions"] >= 1
    assert bench.same()
    line_bytes_per_s = 92_160
    again_bytes = bench.line_bytes() - _bytes_in(bench.sessions)
    headers_bytes = 0.03 * bench.line_bytes() + 10_000
    assert outcome["resumed_bytes"] > 0
    assert again_bytes <= (JOURNAL_EVERY_S + WINDOW_S + 0.25) * line_bytes_per_s + headers_bytes, "1 s of the line and a window"
    print(f"\n{came_bytes} bytes had come; {again_bytes} more than the sessions in all")  # noqa: T201


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name != "flags.json")
