"""Whole programs over the emulated cable: pairing, listing, syncing. Interruptions are in test_reliability.py."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.link_device import SERIAL
from tests.support.sync_bench import SyncBench, make_bench

from barbotage_device.link.keys import KnownDevices
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.flags import read_flags
from barbotage_device.session.manifest import read_manifest


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SyncBench]:
    made = make_bench(tmp_path, **getattr(request, "param", {"count": 2, "ballast_bytes": 300_000}))
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("bench", [{"count": 1, "ballast_bytes": 1000, "paired": False}], indirect=True)
def test_a_host_pairs_by_the_code_on_the_screen_and_then_may_look(bench: SyncBench) -> None:
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


def test_sync_copies_everything_once(bench: SyncBench) -> None:
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


def test_only_the_named_sessions_are_copied_and_an_unknown_name_is_said(bench: SyncBench) -> None:
    first, _ = find_sessions(bench.sessions)
    assert bench.json("sync", first.name)["fetched"] == [first.name]
    assert [path.name for path in find_sessions(bench.archive)] == [first.name]
    done = bench.run("sync", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert done.returncode == 3
    assert "has no session" in done.stderr


@pytest.mark.slow
def test_damage_to_what_was_fetched_is_found_and_mended(bench: SyncBench) -> None:
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
