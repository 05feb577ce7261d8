"""Recovery: whatever is cut off or damaged, the session opens again with everything that lies outside the damage."""

import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.device.session.killing import kill_a_recording
from tests.device.session.recordings import (
    STEP_NS,
    Stored,
    at_ns,
    cut,
    edit_manifest,
    encode,
    flip,
    frame,
    header,
    stored,
    write_session,
)

from barbotage_device.errors import NotFoundError, RefusedError
from barbotage_device.session import recovery
from barbotage_device.session.audit import verify
from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import claimed
from barbotage_device.session.manifest import UNKNOWN, read_manifest
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.recovery import CUT_OFF, needs_recovery, recover
from barbotage_device.session.salvage import pieces
from barbotage_device.session.segment_reader import SegmentFile, messages_in

ROOT = Path(__file__).parents[3]
NAME = header().id


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed session of two segments, 60 frames."""
    path = tmp_path_factory.mktemp("intact") / NAME
    write_session(path)
    return path


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same session as its recorder left it when it was killed in the second segment."""
    path = tmp_path_factory.mktemp("killed") / NAME
    write_session(path, close=False)
    return path


def copy_of(session: Path, tmp_path: Path) -> Path:
    """A fresh copy to damage."""
    path = tmp_path / "work" / NAME
    shutil.rmtree(path.parent, ignore_errors=True)
    shutil.copytree(session, path)
    return path


def pick(path: Path, rng: random.Random) -> tuple[Path, int]:
    """A random byte of a random segment, by size."""
    files = sorted(path.glob("*.mcap"))
    file = rng.choices(files, [each.stat().st_size for each in files])[0]
    return file, rng.randrange(file.stat().st_size)


def spoil_manifest(path: Path, rng: random.Random) -> None:
    """In a third of the cases session.json is lost or half-written too."""
    manifest = path / "session.json"
    match rng.randrange(6):
        case 0:
            manifest.unlink()
        case 1:
            manifest.write_bytes(manifest.read_bytes()[: rng.randrange(manifest.stat().st_size)])


def assert_recovered(path: Path, before: list[Stored], wanted: Callable[[Stored], bool], case: str) -> None:
    """The session opens, holds every wanted message and none that was not recorded; a second recovery changes nothing."""
    recover(path)
    after = Counter(each.key for each in stored(path))
    missing = Counter(each.key for each in before if wanted(each)) - after
    assert not missing, f"{case}: {[key[:4] for key in missing]}"
    extra = after - Counter(each.key for each in before)
    assert all(channel == 1 and name.startswith("telemetry") for name, channel, *_ in extra), (
        f"{case}: invented {[key[:4] for key in extra]}"
    )
    with SessionReader.open(path) as reader:
        known = {at_ns(index): index for index in range(60)}
        for index in range(reader.frame_count):
            number = (
                known[int(reader.capture_ns[index])]
                if reader.manifest.header.started_utc_ns == header().started_utc_ns
                else int(reader.sequences[index])
            )
            assert reader.frame(index).data == encode(frame(number).pixels), case
        list(reader.messages("/guidance"))
        assert reader.damage == (), case
    assert not needs_recovery(path), case
    assert not recover(path).changed, case


def truncated(session: Path, tmp_path: Path, before: list[Stored], seed: int) -> None:
    """One random cut."""
    rng = random.Random(seed)
    path = copy_of(session, tmp_path)
    file, length = pick(path, rng)
    cut(file, length)
    spoil_manifest(path, rng)
    assert_recovered(
        path, before, lambda each: each.file != file.name or each.span[1] <= length, f"seed {seed}: {file.name} cut at {length}"
    )


def flipped(session: Path, tmp_path: Path, before: list[Stored], seed: int) -> None:
    """One random bit inverted. Of video nothing is lost but the frame itself; of compressed telemetry the chunk that holds the bit."""
    rng = random.Random(seed)
    path = copy_of(session, tmp_path)
    file, offset = pick(path, rng)
    flip(file, offset, rng.randrange(8))
    spoil_manifest(path, rng)
    closed = session.parent.name.startswith("intact")
    frames = file.name.startswith("video") and closed

    def wanted(each: Stored) -> bool:
        first, end = each.span if frames else each.chunk
        return each.file != file.name or not first <= offset < end

    assert_recovered(path, before, wanted, f"seed {seed}: bit in {file.name} at {offset}")


@pytest.mark.parametrize("name", ["intact", "killed"])
def test_a_recording_cut_at_any_byte_gives_back_every_message_before_the_cut(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    session: Path = request.getfixturevalue(name)
    before = stored(session)
    for seed in range(25):
        truncated(session, tmp_path, before, seed)


@pytest.mark.parametrize("name", ["intact", "killed"])
def test_a_flipped_bit_costs_at_most_the_chunk_that_holds_it(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    session: Path = request.getfixturevalue(name)
    before = stored(session)
    for seed in range(10):
        flipped(session, tmp_path, before, seed)


@pytest.mark.slow
def test_500_cuts_and_200_flipped_bits(intact: Path, killed: Path, tmp_path: Path) -> None:
    for session in (intact, killed):
        before = stored(session)
        for seed in range(1_000, 1_250):
            truncated(session, tmp_path, before, seed)
        for seed in range(2_000, 2_100):
            flipped(session, tmp_path, before, seed)


@pytest.mark.parametrize("name", ["telemetry-0000.mcap", "video-0000.mcap"])
def test_damage_to_the_head_of_any_record_costs_its_chunk_at_most(killed: Path, tmp_path: Path, name: str) -> None:
    """Every byte of the head of a chunk and of the message index behind it: where lengths lie, the next record must be found again."""
    path = copy_of(killed, tmp_path) / name
    before = [each for each in stored(killed) if each.file == name]
    chunk = sorted({each.chunk for each in before})[1]
    for offset in (*range(chunk[0], chunk[0] + 53), *range(chunk[1], chunk[1] + 15)):
        for bit in (0, 4, 7):
            flip(path, offset, bit)
            file = SegmentFile(path)
            found = [message.data for piece in pieces(file) for message in messages_in(piece.content)]
            file.close()
            flip(path, offset, bit)
            kept = [each.data for each in before if each.chunk != chunk]
            assert [data for data in found if data in kept] == kept, f"bit {bit} of byte {offset - chunk[0]} of the chunk"


def test_a_cut_inside_a_chunk_gives_back_the_whole_messages_before_it(killed: Path, tmp_path: Path) -> None:
    before = stored(killed)
    for file in ("video-0000.mcap", "telemetry-0000.mcap"):
        last = [
            each for each in before if each.file == file and each.chunk == max(one.chunk for one in before if one.file == file)
        ]
        path = copy_of(killed, tmp_path)
        cut(path / file, last[0].chunk[1] - 1)
        report = recover(path)
        assert report.rewritten[0] == file
        kept = {each.key for each in stored(path)} & {each.key for each in last}
        assert len(kept) >= len(last) // 2 > 0
        assert any("cut off inside its last chunk" in words for words in report.lost)


def test_a_killed_recording_says_what_is_missing_and_keeps_its_closed_segments_byte_for_byte(
    killed: Path, tmp_path: Path
) -> None:
    path = copy_of(killed, tmp_path)
    assert needs_recovery(path)
    before = (path / "video-0000.mcap").read_bytes()
    report = recover(path)
    assert report.rewritten == ("telemetry-0001.mcap", "video-0001.mcap")
    assert (path / "video-0000.mcap").read_bytes() == before
    manifest = report.manifest
    assert manifest == read_manifest(path)
    assert (manifest.state, manifest.header) == ("recovered", header())
    assert manifest.recovery is not None
    assert manifest.recovery.lost == (CUT_OFF,)
    assert manifest.summary is not None
    assert manifest.summary.frames == 60
    assert manifest.ended_capture_ns == at_ns(59)
    assert verify(path).intact


def test_a_whole_session_is_left_alone(intact: Path, tmp_path: Path) -> None:
    path = copy_of(intact, tmp_path)
    assert not needs_recovery(path)
    before = {each.name: each.read_bytes() for each in path.iterdir()}
    report = recover(path)
    assert not report.changed
    assert {each.name: each.read_bytes() for each in path.iterdir()} == before


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"schema": "barbotage.session"', b"[]", b"\x00" * 700, b'{"schema": 7}'])
def test_a_manifest_that_is_missing_empty_or_half_written_is_made_again(
    intact: Path, tmp_path: Path, content: bytes | None
) -> None:
    path = copy_of(intact, tmp_path)
    before = read_manifest(path)
    if content is None:
        (path / "session.json").unlink()
    else:
        (path / "session.json").write_bytes(content)
    assert needs_recovery(path)
    segments = {each.name: each.read_bytes() for each in path.glob("*.mcap")}
    report = recover(path)
    assert report.rewritten == ()
    assert {each.name: each.read_bytes() for each in path.glob("*.mcap")} == segments
    after = report.manifest
    assert (after.header, after.segments, after.events, after.summary) == (
        before.header,
        before.segments,
        before.events,
        before.summary,
    )
    assert "session.json was missing" in report.lost[0]


def test_a_manifest_that_disagrees_with_the_segments_about_the_header_is_put_right(intact: Path, tmp_path: Path) -> None:
    path = copy_of(intact, tmp_path)
    edit_manifest(path, started_utc_ns=5)
    assert recover(path).manifest.header == header()


def test_a_session_whose_header_is_lost_everywhere_still_opens(intact: Path, tmp_path: Path) -> None:
    path = copy_of(intact, tmp_path)
    for each in stored(path):
        if each.channel == 1 and each.file.startswith("telemetry"):
            flip(path / each.file, sum(each.chunk) // 2)
    (path / "session.json").unlink()
    report = recover(path)
    found = report.manifest.header
    assert (found.id, found.source, found.model.name, found.image_format) == (NAME, UNKNOWN, UNKNOWN, "jpeg")
    assert any("header was lost" in words for words in report.lost)
    with SessionReader.open(path) as reader:
        assert reader.capture_ns.tolist() == [at_ns(index) for index in range(60)], "the events give the capture clock back"
        assert reader.frame(59).data == encode(frame(59).pixels)
        assert reader.events()[0].at_ns == at_ns(0)
    assert not recover(path).changed


def test_a_session_without_any_telemetry_still_opens(intact: Path, tmp_path: Path) -> None:
    path = copy_of(intact, tmp_path)
    for file in (*path.glob("telemetry-*"), path / "session.json"):
        file.unlink()
    recover(path)
    with SessionReader.open(path) as reader:
        assert (reader.frame_count, reader.events()) == (60, [])
        steps = [int(reader.capture_ns[index + 1] - reader.capture_ns[index]) for index in range(59)]
    assert set(steps) == {STEP_NS}


def test_a_segment_that_is_missing_is_said(intact: Path, tmp_path: Path) -> None:
    path = copy_of(intact, tmp_path)
    (path / "video-0000.mcap").unlink()
    assert needs_recovery(path)
    report = recover(path)
    assert report.lost == ("video-0000.mcap: the file is missing",)
    with SessionReader.open(path) as reader:
        assert reader.sequences.tolist() == list(range(40, 60))


def test_messages_lost_in_between_are_counted(intact: Path, tmp_path: Path) -> None:
    path = copy_of(intact, tmp_path)
    chunk = sorted({each.chunk for each in stored(path) if each.file == "telemetry-0000.mcap"})[1]
    gone = Counter(each.channel for each in stored(path) if each.file == "telemetry-0000.mcap" and each.chunk == chunk)
    flip(path / "telemetry-0000.mcap", sum(chunk) // 2)
    edit_manifest(path, state="recording")
    report = recover(path)
    assert any(words == f"/guidance: {gone[7]} messages missing in between" for words in report.lost)
    assert any(words.startswith("the events: event ") and "removed" in words for words in report.lost)


def test_recovery_that_is_cut_off_anywhere_is_finished_by_the_next(
    killed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    want = copy_of(killed, tmp_path)
    cut(want / "video-0001.mcap", (want / "video-0001.mcap").stat().st_size - 7)
    report = recover(want)
    wanted = {each.name: each.read_bytes() for each in want.iterdir()}
    for stop_at in range(6):
        path = copy_of(killed, tmp_path)
        cut(path / "video-0001.mcap", (path / "video-0001.mcap").stat().st_size - 7)
        calls = Counter[str]()

        def interrupted(
            function: Callable[..., object], calls: Counter[str] = calls, stop_at: int = stop_at
        ) -> Callable[..., object]:
            def call(*arguments: object) -> object:
                calls["all"] += 1
                if calls["all"] > stop_at:
                    raise KeyboardInterrupt
                return function(*arguments)

            return call

        with monkeypatch.context() as patched:
            for name in ("adopt", "write_manifest", "repair"):
                patched.setattr(recovery, name, interrupted(getattr(recovery, name)))
            with pytest.raises(KeyboardInterrupt):
                recover(path)
        again = recover(path)
        assert again.manifest == report.manifest, f"cut off at step {stop_at}"
        assert {each.name: each.read_bytes() for each in path.iterdir()} == wanted


def test_a_session_that_is_being_recorded_is_refused(killed: Path, tmp_path: Path) -> None:
    path = copy_of(killed, tmp_path)
    with claimed(path):
        assert not needs_recovery(path)
        with pytest.raises(RefusedError, match="is being recorded"):
            recover(path)
    assert recover(path).changed


def test_a_folder_without_a_session_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no session there"):
        recover(tmp_path)


def test_a_disk_that_cannot_be_written_is_one_clear_line(killed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = copy_of(killed, tmp_path)

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recovery, "write_manifest", full)
    with pytest.raises(SessionError, match="make room") as caught:
        recover(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("after_frames", [31, 89, 150])
def test_a_killed_process_loses_at_most_the_last_second(tmp_path: Path, after_frames: int) -> None:
    kill_a_recording(tmp_path, after_frames)
