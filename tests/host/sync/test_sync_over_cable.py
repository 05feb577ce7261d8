"""Whole programs over the emulated cable: pairing, listing, syncing, and every kind of interruption."""

import contextlib
import filecmp
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.cable import Cable
from tests.support.link_device import SERIAL, DeviceProcess, introduce
from tests.support.sessions import Script, write_session

from barbotage_device.link.keys import KnownDevices
from barbotage_device.session.audit import verify
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.flags import FLAGS_NAME, read_flags
from barbotage_device.session.manifest import read_manifest, write_manifest

COMMAND = "from barbotage_host.cli import main; main()"
"""The commands as the command line mounts them."""


@dataclass
class Bench:
    """A device with sessions at one end of a cable, a host's folders at the other."""

    cable: Cable
    device: DeviceProcess
    folder: Path
    baud: int

    @property
    def sessions(self) -> Path:
        return self.folder / "sessions"

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    def argv(self, command: str, *options: str) -> list[str]:
        argv = [sys.executable, "-c", COMMAND, command, *options, "--state", str(self.folder / "host"), "--port", self.cable.a]
        argv += ["--baud", str(self.baud)] if self.baud else []
        return argv + (["--archive", str(self.archive)] if command in ("sync", "sessions") else [])

    def run(
        self, command: str, *options: str, answer: str | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(command, *options), input=answer, capture_output=True, text=True, timeout=timeout, check=False
        )

    def json(self, command: str, *options: str) -> dict[str, Any]:
        done = self.run(command, *options, "--json")
        assert done.returncode == 0, done.stderr
        value: dict[str, Any] = json.loads(done.stdout)
        return value

    def same(self) -> bool:
        """Whether the archive holds what the device holds, and nothing half-written is in sight."""
        theirs = {path.name: path for path in find_sessions(self.sessions)}
        ours = {path.name: path for path in find_sessions(self.archive)}
        return theirs.keys() == ours.keys() and all(_same(theirs[name], ours[name]) for name in theirs)


def _same(theirs: Path, ours: Path) -> bool:
    names = sorted(path.name for path in theirs.iterdir() if path.name != FLAGS_NAME)
    if names != sorted(path.name for path in ours.iterdir() if path.name != FLAGS_NAME):
        return False
    return all(filecmp.cmp(theirs / name, ours / name, shallow=False) for name in names) and verify(ours).intact


def add_ballast(session: Path, count_bytes: int) -> None:
    """A proxy segment of random bytes: nobody looks into it, and it cannot be compressed away."""
    import hashlib
    from dataclasses import replace

    from barbotage_device.session.manifest import Segment

    data = random.Random(session.name).randbytes(count_bytes)
    (session / "proxy-0000.mcap").write_bytes(data)
    manifest = read_manifest(session)
    segment = Segment("proxy-0000.mcap", "proxy", len(data), hashlib.sha256(data).hexdigest(), None, None, 0)
    write_manifest(session, replace(manifest, segments=(*manifest.segments, segment)))


def make_bench(folder: Path, count: int, ballast_bytes: int, paired: bool = True, **line: float) -> Bench:
    for index in range(count):
        add_ballast(write_session(folder / "sessions", Script(frames=6 + index)), ballast_bytes)
    cable = Cable(**line)
    if paired:
        introduce(folder / "host", folder / "device", cable.a)
    baud = int(line.get("baud", 0))
    return Bench(cable, DeviceProcess(cable.b, baud, folder / "sessions", folder / "device"), folder, baud)


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = make_bench(tmp_path, **getattr(request, "param", {"count": 2, "ballast_bytes": 300_000}))
    try:
        yield made
    finally:
        made.device.kill()
        made.cable.close()


@pytest.mark.parametrize("bench", [{"count": 1, "ballast_bytes": 1000, "paired": False}], indirect=True)
def test_a_host_pairs_by_the_code_on_the_screen_and_then_may_look(bench: Bench) -> None:
    info = bench.json("info")
    assert (info["serial"], info["paired"]) == (SERIAL, False)
    refused = bench.run("sessions")
    assert refused.returncode == 4
    assert "barbotage pair" in refused.stderr

    code = ""
    for wrong in (True, False):
        process = subprocess.Popen(
            bench.argv("pair"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        code = bench.device.code() if wrong else code
        typed = ("1" if code[0] == "0" else "0") + code[1:] if wrong else f"{code[:4]} {code[4:]}"
        _, said = process.communicate(typed + "\n", timeout=30)
        assert process.returncode == (4 if wrong else 0), said
        assert ("code was wrong" in said) is wrong
        assert (KnownDevices(bench.folder / "host").pinned(SERIAL) is None) is wrong
    assert (bench.folder / "host" / "link-key").stat().st_mode & 0o077 == 0
    listed = bench.json("sessions")
    assert [each["id"] for each in listed["sessions"]] == [path.name for path in find_sessions(bench.sessions)]
    assert bench.json("info")["role"] == "service"


def test_sync_copies_everything_once(bench: Bench) -> None:
    plan = bench.json("sync", "--dry-run")
    kinds = [each["kind"] for each in plan["fetch"]]
    assert kinds == sorted(kinds, key=["manifest", "telemetry", "keyframes", "proxy", "video"].index)
    assert not bench.archive.exists()
    outcome = bench.json("sync")
    assert bench.same()
    assert len(outcome["fetched"]) == 2
    assert all(read_flags(path).synced_utc_ns for path in find_sessions(bench.sessions))
    again = bench.json("sync")
    assert (again["fetched"], again["bytes"]) == ([], 0)


def test_only_the_named_sessions_are_copied_and_an_unknown_name_is_said(bench: Bench) -> None:
    first, _ = find_sessions(bench.sessions)
    assert bench.json("sync", first.name)["fetched"] == [first.name]
    assert [path.name for path in find_sessions(bench.archive)] == [first.name]
    done = bench.run("sync", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert done.returncode == 3
    assert "has no session" in done.stderr


@pytest.mark.slow
def test_a_damaged_file_on_the_device_is_never_put_into_the_archive(bench: Bench) -> None:
    first, second = find_sessions(bench.sessions)
    spoilt = bytearray((first / "proxy-0000.mcap").read_bytes())
    spoilt[1000] ^= 1
    (first / "proxy-0000.mcap").write_bytes(spoilt)
    done = bench.run("sync")
    assert done.returncode == 1
    assert "digest" in done.stderr
    assert first.name not in [path.name for path in find_sessions(bench.archive)]
    assert bench.json("sync", second.name)["fetched"] == [second.name]


@pytest.mark.slow
def test_damage_to_what_was_fetched_is_found_and_mended(bench: Bench) -> None:
    """A crash of the host may lose bytes that the journal vouches for."""
    first, _ = find_sessions(bench.sessions)
    incoming = bench.archive / SERIAL / ".incoming" / first.name
    incoming.mkdir(parents=True)
    segment = next(each for each in read_manifest(first).segments if each.kind == "proxy")
    data = bytearray((first / segment.name).read_bytes())
    data[5000:6000] = bytes(1000)
    (incoming / f"{segment.name}.part").write_bytes(data)
    journal = {"bytes": segment.bytes, "sha256": segment.sha256, "missing": [[0, 100]]}
    (incoming / f"{segment.name}.part.json").write_text(json.dumps(journal))
    done = bench.run("sync")
    assert done.returncode == 0, done.stderr
    assert "damaged pieces" in done.stderr
    assert bench.same()


@pytest.mark.parametrize("name", ["../../escape", "/etc/passwd", ".hidden", "a/b", "x.part", ""])
def test_names_that_leave_the_folder_are_not_taken(name: str) -> None:
    from barbotage_host.sync.remote import _is_plain

    assert not _is_plain(name)


INTERRUPTIONS = ("silent", "hangup", "host killed", "device restarted", "disk full")


def _interrupt(bench: Bench, kind: str, rng: random.Random) -> None:
    """Starts a sync and interrupts it at a random moment."""
    options = ["--retry-for", "20"]
    limit = f"ulimit -f {rng.randrange(50, 600)}; trap '' XFSZ; " if kind == "disk full" else ""
    quoted = " ".join(f"'{each}'" for each in bench.argv("sync", *options))
    process = subprocess.Popen(
        ["bash", "-c", f"{limit}exec {quoted}"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    before = bench.cable.stats()["b_to_a"]["bytes_out"]
    deadline_s = time.monotonic() + 20
    while (
        process.poll() is None and time.monotonic() < deadline_s and bench.cable.stats()["b_to_a"]["bytes_out"] < before + 20_000
    ):
        time.sleep(0.02)  # until files are on their way
    time.sleep(rng.uniform(0.0, 1.2))
    if kind in ("silent", "hangup"):
        bench.cable.cut(kind)
        time.sleep(rng.uniform(0.1, 0.5))
        bench.cable.restore()
        time.sleep(rng.uniform(0.2, 1.0))
    elif kind == "device restarted":
        bench.device.kill()
        time.sleep(rng.uniform(0.0, 0.3))
        bench.device.start()
        time.sleep(rng.uniform(0.2, 1.0))
    elif kind == "disk full":
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=2.0)
    process.kill()
    process.communicate()


def check_interruptions(bench: Bench, count: int, seed: int) -> None:
    rng = random.Random(seed)
    for index in range(count):
        _interrupt(bench, INTERRUPTIONS[index % len(INTERRUPTIONS)], rng)
        for path in find_sessions(bench.archive):  # whatever is in sight is whole
            assert _same(bench.sessions / path.name, path), f"after interruption {index}"
        assert all(read_manifest(path).state == "closed" for path in find_sessions(bench.sessions))
        if bench.same():
            shutil.rmtree(bench.archive)
    done = bench.run("sync", "--retry-for", "20")
    assert done.returncode == 0, done.stderr
    assert bench.same()


@pytest.mark.slow
@pytest.mark.parametrize("bench", [{"count": 1, "ballast_bytes": 400_000, "baud": 3_000_000}], indirect=True)
def test_each_kind_of_interruption_leaves_an_archive_that_a_later_sync_completes(bench: Bench) -> None:
    check_interruptions(bench, len(INTERRUPTIONS), seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("bench", [{"count": 4, "ballast_bytes": 5_000_000, "baud": 3_000_000}], indirect=True)
def test_fifty_random_interruptions_of_20_mb_leave_an_archive_identical_to_the_device(bench: Bench) -> None:
    check_interruptions(bench, 50, seed=int(os.environ.get("SYNC_SEED", "2")))


@pytest.mark.slow
@pytest.mark.parametrize("bench", [{"count": 1, "ballast_bytes": 400_000}], indirect=True)
def test_a_sync_that_was_hung_up_goes_on_by_itself_where_it_stopped(bench: Bench) -> None:
    bench.cable.set(baud=921_600)
    process = subprocess.Popen(bench.argv("sync", "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline_s = time.monotonic() + 30
    while not list(bench.archive.rglob("*.part.json")) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    bench.cable.cut("hangup")
    time.sleep(0.3)
    bench.cable.restore()
    said, chatter = process.communicate(timeout=90)
    assert process.returncode == 0, chatter
    outcome = json.loads(said)
    assert outcome["interruptions"] >= 1
    assert outcome["resumed_bytes"] > 0
    assert bench.same()
