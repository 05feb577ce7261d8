"""Reading a session: any frame, any stretch of telemetry, and past damage."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.device.session.recordings import STEP_NS, at_ns, cut, encode, flip, frame, guidance, header, stored, write_session

from barbotage_device.errors import InvalidInputError, NotFoundError
from barbotage_device.session.errors import SessionError
from barbotage_device.session.manifest import Drops
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.writing import SessionWriter


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A closed session of 60 frames in two segments."""
    path = tmp_path / header().id
    write_session(path)
    return path


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, range(60)),
        (at_ns(10), None, range(10, 60)),
        (None, at_ns(10), range(10)),
        (at_ns(10), at_ns(11), range(10, 11)),
        (at_ns(10) + 1, at_ns(11) + 1, range(11, 12)),
        (at_ns(14), at_ns(15), range(14, 15)),
        (at_ns(35), at_ns(45), range(35, 45)),
        (at_ns(10), at_ns(10), range(0)),
        (at_ns(60), None, range(0)),
        (None, 0, range(0)),
    ],
)
def test_messages_of_a_half_open_range(session: Path, start: int | None, end: int | None, expected: range) -> None:
    with SessionReader.open(session) as reader:
        found = list(reader.messages("/guidance", start, end))
    assert [(each.capture_ns, each.value) for each in found] == [(at_ns(index), guidance(index)) for index in expected]


@pytest.mark.parametrize("index", [-1, 60, 10_000])
def test_a_frame_that_is_not_there_is_refused(session: Path, index: int) -> None:
    with SessionReader.open(session) as reader, pytest.raises(InvalidInputError, match="has 60, from 0"):
        reader.frame(index)


def test_frames_and_messages_are_read_by_many_threads_at_once(session: Path) -> None:
    with SessionReader.open(session) as reader, ThreadPoolExecutor(8) as pool:
        order = np.random.default_rng(1).integers(0, 60, 400).tolist()
        frames = pool.map(reader.frame, order)
        counts = pool.map(lambda _: sum(1 for _ in reader.messages("/guidance")), range(8))
        assert [each.data for each in frames] == [encode(frame(index).pixels) for index in order]
        assert list(counts) == [60] * 8


def test_geometry_is_that_of_the_frame(tmp_path: Path) -> None:
    directory = tmp_path / "session"
    directory.mkdir()
    writer = SessionWriter(directory, header(), encode, 10 * STEP_NS)
    for index in range(40):
        each = frame(index)
        if index >= 15:
            each = replace(each, x0_px=80, scale_mm_per_px=None)
        if index >= 25:
            each = replace(each, pixels=np.zeros((6, 8), np.uint8))
        writer.frame(each)
    writer.close(Drops())
    with SessionReader.open(directory) as reader:
        found = {sequence: reader.geometry_at(sequence) for sequence in (-1, 0, 14, 15, 24, 25, 39)}
        assert len(reader.geometries) == 3, "repeated at every segment, counted when it changes"
    assert found[-1] is None
    known = {sequence: each for sequence, each in found.items() if each is not None}
    assert {
        sequence: (each.width_px, each.height_px, each.x0_px, each.y0_px, each.scale_mm_per_px)
        for sequence, each in known.items()
    } == {
        0: (6, 4, 3, 5, (0.1, 0.12)),
        14: (6, 4, 3, 5, (0.1, 0.12)),
        15: (6, 4, 80, 5, None),
        24: (6, 4, 80, 5, None),
        25: (8, 6, 80, 5, None),
        39: (8, 6, 80, 5, None),
    }


def test_a_damaged_chunk_is_skipped_and_named(session: Path) -> None:
    chunks = sorted({each.chunk for each in stored(session) if each.file == "telemetry-0000.mcap"})
    flip(session / "telemetry-0000.mcap", sum(chunks[1]) // 2)
    with SessionReader.open(session) as reader:
        found = [each.value["sequence"] for each in reader.messages("/guidance")]
        assert found == list(range(15, 60))
        assert reader.damage == ("telemetry-0000.mcap: a chunk is damaged",)
        assert [event.index for event in reader.events()] == [2, 3, 4, 5]


def test_a_damaged_frame_is_refused_and_its_neighbours_are_not(session: Path) -> None:
    place = next(each for each in stored(session) if each.file == "video-0000.mcap" and each.sequence == 7)
    flip(session / place.file, place.span[1] - 100)
    with SessionReader.open(session) as reader:
        with pytest.raises(SessionError, match="frame 7 is damaged"):
            reader.frame(7)
        assert [reader.frame(index).data for index in (6, 8)] == [encode(frame(index).pixels) for index in (6, 8)]


@pytest.mark.parametrize("name", ["telemetry-0001.mcap", "video-0001.mcap"])
@pytest.mark.parametrize("from_end", [3, 15, 60, 900])
def test_a_segment_whose_end_is_damaged_is_read_by_its_chunks(session: Path, name: str, from_end: int) -> None:
    flip(session / name, (session / name).stat().st_size - from_end)
    with SessionReader.open(session) as reader:
        assert reader.sequences.tolist() == list(range(60))
        assert [reader.frame(index).data for index in range(60)] == [encode(frame(index).pixels) for index in range(60)]
        assert [each.value["sequence"] for each in reader.messages("/guidance")] == list(range(60))
        assert reader.damage


def test_a_session_that_is_not_there_or_must_be_recovered_says_what_to_do(tmp_path: Path, session: Path) -> None:
    with pytest.raises(NotFoundError, match="no session there"):
        SessionReader.open(tmp_path / "nothing")
    killed = tmp_path / "killed"
    write_session(killed, close=False)
    with pytest.raises(SessionError, match="run 'barbotage-device sessions recover"):
        SessionReader.open(killed)
    cut(session / "video-0001.mcap", 100)
    with pytest.raises(
        SessionError, match=r"video-0001\.mcap: missing or not of .* bytes; run 'barbotage-device sessions recover"
    ):
        SessionReader.open(session)


def test_a_session_without_frames_or_messages_opens(tmp_path: Path) -> None:
    write_session(tmp_path / "empty", frames=0)
    with SessionReader.open(tmp_path / "empty") as reader:
        assert (reader.frame_count, len(reader.capture_ns), reader.events(), reader.geometry_at(0)) == (0, 0, [], None)
        assert len(list(reader.messages("/session"))) == 1
