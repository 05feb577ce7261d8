"""The archive as a person and the catalogue see it: folders that explain themselves, a list that is only ever derived from them."""

import contextlib
import json
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.sessions import Script, write_session

from barbotage_device.session.flags import FLAGS_NAME, set_synced
from barbotage_device.session.manifest import MANIFEST_NAME, Segment, add_segment, read_manifest
from barbotage_host.cli import run_command_line
from barbotage_host.review.library import Library
from barbotage_host.sync import catalogue
from barbotage_host.sync.archive import Archive, ArchiveError
from barbotage_host.sync.catalogue import CATALOGUE_NAME, rebuild, sessions_of
from barbotage_host.sync.plan import HAVE, make_plan, to_be_listed
from barbotage_host.sync.remote import RemoteSession, SessionFile

DAY_NS = 86_400 * 1_000_000_000
FIRST_NS = 1_790_000_000 * 1_000_000_000
"""2026-09-21."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("archive")
    for device, days in (("TEST0001", (0, 2)), ("TEST0002", (1,))):
        for day in days:
            path = write_session(root / device, Script(frames=6, started_utc_ns=FIRST_NS + day * DAY_NS))
            set_synced(path, FIRST_NS + 10 * DAY_NS)
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "archive"))


def quiet(text: str) -> None:
    raise AssertionError(text)


def listed(root: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, object]]:
    assert run_command_line(["archive", "list", "--json", "--archive", str(root), *options]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_list_says_what_each_session_is(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = listed(root, capsys)
    assert [row["device"] for row in rows] == ["TEST0001", "TEST0002", "TEST0001"]
    first = rows[0]
    manifest = read_manifest(Path(str(first["path"])))
    assert manifest.summary is not None
    assert (first["id"], first["side"], first["phase"], first["kinds"]) == (
        manifest.id,
        "right",
        manifest.summary.phase_reached,
        ["telemetry", "video"],
    )
    assert first["bytes"] == sum(segment.bytes for segment in manifest.segments)
    assert first["synced_utc_ns"] == FIRST_NS + 10 * DAY_NS
    assert first["simulated"] is True
    assert [row["device"] for row in listed(root, capsys, "--device", "TEST0002")] == ["TEST0002"]
    assert len(listed(root, capsys, "--since", "2026-09-22")) == 2
    assert run_command_line(["archive", "list", "--archive", str(root)]) == 0
    assert "lavage" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["list", "--archive", "/nowhere/at/all"], 3, "no archive there"),
        (["list", "--device", "OTHER"], 3, "no session of device OTHER"),
        (["list", "--since", "yesterday"], 2, "not a day like"),
    ],
)
def test_what_is_not_there_is_said(
    root: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int, words: str
) -> None:
    given = options if "--archive" in options else [*options, "--archive", str(root)]
    assert run_command_line(["archive", *given]) == code
    assert words in capsys.readouterr().err


def test_the_catalogue_follows_the_folders(root: Path) -> None:
    before = sessions_of(root, quiet)
    gone, kept, marked = (root / row.path for row in before)
    shutil.rmtree(gone)
    (kept / "review").mkdir()
    (kept / "review" / "Anna Ö.json").write_text("{}")
    (kept / "review" / ".draft.json").write_text("{}")
    set_synced(marked, 5)
    after = {row.path: row for row in sessions_of(root, quiet)}
    assert after.keys() == {before[1].path, before[2].path}
    assert after[before[1].path].reviewers == "Anna Ö"
    assert after[before[2].path].synced_utc_ns == 5


def test_an_unchanged_session_is_not_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sessions_of(root, quiet)
    monkeypatch.setattr(catalogue, "read_manifest", lambda path: quiet(f"{path} was read"))
    assert sessions_of(root, quiet) == before


def _garbage(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100)


def _torn(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))


def _other_version(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")


def _other_table(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE sessions")
        database.execute("CREATE TABLE sessions (path PRIMARY KEY)")


def _senseless(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE sessions SET id = 5, started_utc_ns = 'soon'")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def leave_a_journal(path: Path) -> None:
    """As a power cut does in the middle of a large transaction: SQLite would play it into whatever file lies beside it."""
    journal = path.with_name(path.name + "-journal")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = 2")
        database.execute("BEGIN")
        for size in (20_000, 50_000, 90_000):
            database.execute("UPDATE sessions SET reviewers = ?", ("x" * size,))
        cut = path.read_bytes(), journal.read_bytes()
        database.execute("ROLLBACK")
    path.write_bytes(cut[0])
    journal.write_bytes(cut[1])


@pytest.mark.parametrize("damage", [_garbage, _torn, _other_version, _other_table, _senseless, _empty])
def test_a_catalogue_that_is_no_good_is_made_again_with_one_line(root: Path, damage: object) -> None:
    before = sessions_of(root, quiet)
    assert callable(damage)
    damage(root / CATALOGUE_NAME)
    said: list[str] = []
    assert sessions_of(root, said.append) == before
    assert len(said) == 1
    assert "made again" in said[0]
    assert sessions_of(root, quiet) == before
    assert [path.name for path in root.iterdir() if path.name.startswith(".")] == []


def test_a_journal_that_a_power_cut_left_is_not_played_into_a_new_catalogue(root: Path) -> None:
    sessions_of(root, quiet)
    leave_a_journal(root / CATALOGUE_NAME)
    shutil.rmtree(next((root / "TEST0002").iterdir()))
    after = rebuild(root)
    assert len(after) == 2
    assert not (root / f"{CATALOGUE_NAME}-journal").exists()
    assert sessions_of(root, quiet) == after


def test_no_damage_to_any_byte_makes_the_list_wrong(root: Path) -> None:
    before = sessions_of(root, quiet)
    sound = (root / CATALOGUE_NAME).read_bytes()
    rng = random.Random(8)
    used = [at for at, byte in enumerate(sound) if byte or at < 200]
    for at in rng.sample(used, 150):
        spoilt = bytearray(sound)
        spoilt[at] ^= 1 << rng.randrange(8)
        (root / CATALOGUE_NAME).write_bytes(spoilt)
        assert sessions_of(root, lambda _: None) == before, f"byte {at}"


def test_a_deleted_catalogue_is_made_again_without_a_word(root: Path) -> None:
    before = sessions_of(root, quiet)
    (root / CATALOGUE_NAME).unlink()
    assert sessions_of(root, quiet) == before == rebuild(root)


def test_a_catalogue_that_cannot_be_written_does_not_hide_the_sessions(root: Path) -> None:
    before = sessions_of(root, quiet)
    (root / CATALOGUE_NAME).unlink()
    (root / CATALOGUE_NAME).mkdir()
    said: list[str] = []
    assert sessions_of(root, said.append) == before
    assert "cannot be written" in said[0]


def test_programs_that_write_the_catalogue_at_once_do_not_spoil_it(root: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom barbotage_host.sync.catalogue import rebuild, sessions_of\n"
        "root = Path(sys.argv[1])\n"
        "for n in range(15):\n    rebuild(root) if n % 3 == 0 else sessions_of(root, sys.exit)\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(root)], stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [each.communicate(timeout=60)[1] for each in running] == ["", "", ""]
    assert len(sessions_of(root, quiet)) == 3


def test_verify_names_what_was_changed_and_a_session_without_a_manifest(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["archive", "verify", "--archive", str(root)]) == 0
    first, second, _ = (root / row.path for row in sessions_of(root, quiet))
    video = first / "video-0000.mcap"
    data = bytearray(video.read_bytes())
    data[5000] ^= 1
    video.write_bytes(data)
    (second / MANIFEST_NAME).write_text("{")
    capsys.readouterr()
    assert run_command_line(["archive", "verify", "--archive", str(root), "--json"]) == 1
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["intact"] for each in found].count(False) == 2
    assert any("video-0000.mcap" in problem for each in found for problem in each["problems"])
    assert run_command_line(["archive", "list", "--archive", str(root)]) == 0
    assert "damaged" in capsys.readouterr().out


def test_the_review_page_finds_the_sessions_of_an_archive_and_nothing_else(root: Path) -> None:
    archive = Archive(root)
    archive.prepare()
    sessions_of(root, quiet)
    incoming = archive.incoming("TEST0001", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    shutil.copytree(next((root / "TEST0001").iterdir()), incoming)
    with archive.locked("TEST0001"):
        entries = Library(root).entries()
    assert len(entries) == 3
    assert all(entry.problem is None for entry in entries)


def test_the_folder_explains_itself(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "new" / "archive")
    archive.prepare()
    assert "barbotage review" in (archive.root / "README.txt").read_text()
    (archive.root / "README.txt").write_text("my own words")
    archive.prepare()
    assert (archive.root / "README.txt").read_text() == "my own words"


def test_two_programs_do_not_sync_the_same_device_at_once(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with archive.locked("TEST0001"), archive.locked("TEST0002"), pytest.raises(ArchiveError, match=r"process \d+ .* is syncing"):
        archive.locked("TEST0001").__enter__()
    with archive.locked("TEST0001"):
        pass


def _remote(path: Path) -> tuple[RemoteSession, list[SessionFile]]:
    manifest = read_manifest(path)
    session = RemoteSession(path.name, 0, None, sum(each.bytes for each in manifest.segments), "closed", False, None)
    files = [SessionFile(MANIFEST_NAME, "manifest", 10, "0" * 64)]
    return session, files + [SessionFile(each.name, each.kind, each.bytes, each.sha256) for each in manifest.segments]


@pytest.mark.parametrize(("name", "kind", "fetched"), [("proxy-0000.mcap", "proxy", True), ("video-0000.mcap", "video", False)])
def test_what_the_device_adds_is_fetched_and_another_recording_is_not(root: Path, name: str, kind: str, fetched: bool) -> None:
    archive = Archive(root)
    path = next(each for each in (root / "TEST0001").iterdir())
    held = archive.holding("TEST0001", path.name)
    session, files = _remote(path)
    assert not to_be_listed(session, held)
    changed = [each for each in files if each.name != name] + [SessionFile(name, kind, 5, "f" * 64)]
    grown = RemoteSession(session.id, 0, None, session.bytes + 5, "closed", False, None)
    assert to_be_listed(grown, held)
    assert held is not None
    plan = make_plan([(grown, changed)], {session.id: held})
    if fetched:
        assert [each.file.name for each in plan.fetches] == [MANIFEST_NAME, name]
    else:
        assert plan.fetches == ()
        assert "not the one in the archive" in plan.skipped[0][1]
    assert make_plan([(session, files)], {session.id: held}).skipped == ((session.id, HAVE),)


def test_what_was_added_joins_the_session_and_reviews_stay(root: Path) -> None:
    archive = Archive(root)
    path = next(each for each in (root / "TEST0001").iterdir())
    (path / "review").mkdir()
    incoming = Path(
        shutil.copytree(
            path,
            archive.incoming("TEST0001", path.name),
            ignore=lambda *_: [FLAGS_NAME, "video-0000.mcap", "telemetry-0000.mcap", "review"],
        )
    )
    (incoming / "proxy-0000.mcap").write_bytes(b"small")
    add_segment(incoming, Segment("proxy-0000.mcap", "proxy", 5, "x" * 64, None, None, 0))
    assert archive.publish("TEST0001", path.name) == path
    assert {each.name for each in path.iterdir()} == {
        MANIFEST_NAME, "telemetry-0000.mcap", "video-0000.mcap", "proxy-0000.mcap", FLAGS_NAME, "review",
    }  # fmt: skip
    assert len(read_manifest(path).segments) == 3
    assert not incoming.exists()


def test_whatever_step_of_joining_is_the_last_the_manifest_names_what_is_there(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(root)
    path = next(each for each in (root / "TEST0001").iterdir())
    incoming = archive.incoming("TEST0001", path.name)
    incoming.mkdir(parents=True)
    shutil.copy(path / MANIFEST_NAME, incoming)
    (incoming / "small-0000.mcap").write_bytes(b"small")
    add_segment(incoming, Segment("small-0000.mcap", "proxy", 5, "x" * 64, None, None, 0))
    done: list[Path] = []
    replace = Path.replace

    def cut(self: Path, target: Path) -> Path:
        if done:
            raise OSError(5, "cut")
        done.append(target)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", cut)
    with pytest.raises(OSError, match="cut"):
        archive.publish("TEST0001", path.name)
    assert all((path / segment.name).is_file() for segment in read_manifest(path).segments)
