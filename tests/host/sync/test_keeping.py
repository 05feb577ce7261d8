"""``barbotage mark|delete``: nothing leaves the device that the archive has not whole, however the line ends."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.served import Bench, served
from tests.support.sessions import Script, write_session

from barbotage_device.link.session_store import SessionFolder
from barbotage_device.runtime.identity import device_identity
from barbotage_device.session.audit import verify
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.flags import read_flags, set_synced
from barbotage_host.sync import keeping
from barbotage_host.sync.keeping import DeleteRequest, choose
from barbotage_host.sync.remote import RemoteSession

DAY_NS = 86_400 * 10**9
OLD, NEW = "01M3250V00AAAAAAAAAAAAAAAA", "01M3250V00BBBBBBBBBBBBBBBB"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    for _ in range(3):
        write_session(folder, Script(frames=4))
    return folder


@pytest.fixture
def bench(tmp_path: Path, recorded: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Three sessions, synced and in the archive."""
    monkeypatch.setattr(keeping, "RETRY_S", 0.2)
    shutil.copytree(recorded, tmp_path / "sessions")
    shutil.copytree(recorded, tmp_path / "archive" / device_identity().id)
    for path in find_sessions(tmp_path / "sessions"):
        set_synced(path, 1)
    with served(tmp_path, capsys, monkeypatch) as made:
        yield made


def on_device(bench: Bench) -> list[str]:
    return [path.name for path in find_sessions(bench.sessions)]


def test_a_marked_session_stays_until_the_mark_is_taken_away(bench: Bench) -> None:
    first, *others = on_device(bench)
    assert bench.run("mark", first).code == 0
    assert read_flags(bench.sessions / first).marked
    done = bench.json("delete", "--synced", "--yes")
    assert (sorted(done["deleted"]), list(done["kept"])) == (others, [first])
    assert on_device(bench) == [first]
    named = bench.run("delete", first, "--yes")
    assert named.code == 4
    assert "is marked" in named.err
    assert bench.run("mark", first, "--off").code == 0
    assert bench.json("delete", first, "--yes")["deleted"] == [first]
    assert on_device(bench) == []
    assert len(find_sessions(bench.archive)) == 3
    assert all(verify(path).intact for path in find_sessions(bench.archive))
    assert f"session {first} deleted" in bench.run("logs").out


def test_without_a_terminal_and_without_yes_nothing_is_deleted(bench: Bench) -> None:
    said = bench.run("delete", "--synced")
    assert said.code == 4
    assert "--yes" in said.err
    assert len(on_device(bench)) == 3


@pytest.mark.parametrize(("answer", "left"), [("\n", 3), ("no\n", 3), ("", 3), ("y\n", 0)])
def test_it_asks_and_the_default_is_no(bench: Bench, monkeypatch: pytest.MonkeyPatch, answer: str, left: int) -> None:
    import io
    import sys

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    said = bench.run("delete", "--synced")
    assert said.code == 0
    assert "delete 3 sessions (" in said.err
    assert "[y/N]" in said.err
    assert len([line for line in said.out.splitlines() if "whole in the archive" in line]) == 3
    assert len(on_device(bench)) == left


def test_a_dry_run_shows_what_would_go(bench: Bench) -> None:
    done = bench.json("delete", "--synced", "--dry-run")
    assert sorted(done["would_delete"]) == on_device(bench)
    assert done["deleted"] == []


def _flip_a_byte(path: Path) -> None:
    segment = next(path.glob("video-*.mcap"))
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)


def _lose_a_file(path: Path) -> None:
    next(path.glob("telemetry-*.mcap")).unlink()


def _another_manifest(path: Path) -> None:
    manifest = path / "session.json"
    manifest.write_text(manifest.read_text().replace('"left"', '"right"') + "\n")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_flip_a_byte, "content was changed"),
        (_lose_a_file, "is missing"),
        (_another_manifest, "is another one on the device"),
        (shutil.rmtree, "is not in the archive"),
    ],
)
def test_what_the_archive_has_not_whole_stays_on_the_device(bench: Bench, spoil: Callable[[Path], None], reason: str) -> None:
    first, *others = on_device(bench)
    spoil(bench.archive / device_identity().id / first)
    said = bench.run("delete", first, "--yes")
    assert said.code == 4
    assert reason in said.err
    assert len(on_device(bench)) == 3
    assert sorted(bench.json("delete", "--synced", "--yes")["deleted"]) == others
    assert on_device(bench) == [first]


def test_a_session_that_was_never_synced_stays(bench: Bench) -> None:
    first = on_device(bench)[0]
    set_synced(bench.sessions / first, None)
    said = bench.run("delete", first, "--yes")
    assert said.code == 4
    assert "never synced" in said.err
    assert first in on_device(bench)


@pytest.mark.parametrize("words", [["delete"], ["delete", "--synced", OLD]])
def test_either_names_or_all(bench: Bench, words: list[str]) -> None:
    assert bench.run(*words).code == 2


@pytest.mark.parametrize("words", [["mark", OLD], ["delete", OLD, "--yes"]])
def test_an_unknown_session_is_said(bench: Bench, words: list[str]) -> None:
    said = bench.run(*words)
    assert said.code == 3
    assert OLD in said.err


@pytest.mark.parametrize(("how", "for_s"), [("hangup", 0.5), pytest.param("silent", 4.0, marks=pytest.mark.slow)])
@pytest.mark.parametrize("carried_out", [False, True])
def test_a_line_cut_at_the_moment_of_deleting_loses_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, how: str, for_s: float, carried_out: bool
) -> None:
    """The request arrives or not; its answer never does. Afterwards it looks, and goes on."""
    real = SessionFolder.delete
    cuts: list[str] = []

    def cutting(self: SessionFolder, session: str, digest: str, force: bool) -> None:
        if not cuts:
            cuts.append(session)
            bench.cable.cut(how)
            threading.Timer(for_s, bench.cable.restore).start()
            if not carried_out:
                raise OSError(5, "cut before it was done")
        real(self, session, digest, force)

    monkeypatch.setattr(SessionFolder, "delete", cutting)
    done = bench.run("delete", "--synced", "--yes", "--json")
    assert done.code == 0, done.err
    assert "looking again" in done.err
    assert ("is gone from the device" in done.err) is carried_out
    assert len(done.json["deleted"]) == 3
    assert on_device(bench) == []
    assert all(verify(path).intact for path in find_sessions(bench.archive))


def test_a_device_that_cannot_delete_keeps_the_session_and_the_others_go(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = on_device(bench)
    real = SessionFolder.delete

    def failing(self: SessionFolder, session: str, digest: str, force: bool) -> None:
        if session == first:
            raise PermissionError(13, "Permission denied")
        real(self, session, digest, force)

    monkeypatch.setattr(SessionFolder, "delete", failing)
    done = bench.run("delete", "--synced", "--yes", "--json")
    assert done.code == 4
    assert sorted(done.json["deleted"]) == others
    assert "Permission denied" in done.json["kept"][first]
    assert on_device(bench) == [first]


def remote(identity: str, started_utc_ns: int, **other: bool | str | None) -> RemoteSession:
    state = str(other.get("state", "closed"))
    return RemoteSession(
        identity, started_utc_ns, 1.0, 10, state, bool(other.get("marked")), None if other.get("unsynced") else 1
    )


@pytest.mark.parametrize(
    ("session", "reason"),
    [
        (remote(OLD, 0), None),
        (remote(OLD, 95 * DAY_NS), "younger than 10 days"),
        (remote(OLD, 0, marked=True), "is marked"),
        (remote(OLD, 0, unsynced=True), "never synced"),
        (remote(OLD, 0, state="being recorded"), "is being recorded"),
        (remote(OLD, 0, state="damaged"), "is damaged"),
    ],
)
def test_only_what_is_whole_synced_unmarked_and_old_enough_is_chosen(session: RemoteSession, reason: str | None) -> None:
    work = choose([session, remote(NEW, 0)], DeleteRequest(synced=True, older_than_days=10.0), 100 * DAY_NS)
    assert NEW in [each.id for each in work.chosen]
    assert (session in work.chosen) is (reason is None)
    assert reason is None or reason in work.kept[OLD]
