import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from barbotage_device.errors import NotFoundError
from barbotage_host.review.frames import FrameIndex
from barbotage_host.review.library import Library
from barbotage_host.review.series import is_doubtful, starts
from barbotage_host.review.tables import newest


@pytest.fixture
def copies(small_session: Path, tmp_path: Path) -> Path:
    for number in range(4):
        shutil.copytree(small_session, tmp_path / str(number))
    return tmp_path


def test_sessions_are_not_closed_under_those_who_read_them(copies: Path) -> None:
    library = Library(copies, most_open=1)
    ids = [entry.identity for entry in library.entries()]
    problems: list[Exception] = []

    def read(start: int) -> None:
        try:
            for turn in range(24):
                with library.opened(ids[(start + turn) % 4]) as opened:
                    for frame in (0, 30, 59):
                        assert len(opened.reader.frame(frame).data) > 0
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must hear of it
            problems.append(error)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    library.close()
    assert problems == []


def test_only_a_few_sessions_stay_open(copies: Path) -> None:
    library = Library(copies, most_open=2)
    opened = []
    for entry in library.entries():
        with library.opened(entry.identity) as session:
            opened.append(session)
    assert [session.retired for session in opened] == [True, True, False, False]
    library.close()
    assert all(session.retired for session in opened)


def test_a_session_that_was_replaced_is_read_anew(copies: Path) -> None:
    library = Library(copies)
    identity = library.entries()[0].identity
    with library.opened(identity) as before:
        manifest = before.path / "session.json"
        manifest.write_bytes(manifest.read_bytes() + b"\n")
        with library.opened(identity) as after:
            assert after is not before
        assert len(before.reader.frame(0).data) > 0, "it was closed while it was used"
    with library.opened(identity) as again:
        assert again is after
    library.close()


def test_an_unknown_session_is_not_found(copies: Path) -> None:
    with pytest.raises(NotFoundError, match="no session"):
        Library(copies).path("../0")


@pytest.mark.parametrize(
    ("sequence", "frame", "frame_from"),
    [(-1, None, 0), (0, 0, 0), (1, 1, 1), (3, None, 2), (4, 2, 2), (9, 3, 3), (10, None, 3)],
)
def test_frames_are_found_by_sequence(sequence: int, frame: int | None, frame_from: int) -> None:
    index = FrameIndex(np.array([0, 1, 4, 9]), np.array([10, 20, 50, 100]), 0)
    assert index.by_sequence(sequence) == frame
    assert index.from_sequence(sequence) == frame_from


@pytest.mark.parametrize(("at_ns", "frame"), [(0, 0), (10, 0), (19, 0), (20, 1), (99, 2), (1000, 3)])
def test_the_frame_at_a_time_is_the_newest_until_then(at_ns: int, frame: int) -> None:
    assert FrameIndex(np.array([0, 1, 4, 9]), np.array([10, 20, 50, 100]), 0).at_time(at_ns) == frame


def test_a_session_without_frames_has_an_index_too() -> None:
    index = FrameIndex(np.empty(0, np.int64), np.empty(0, np.int64), 0)
    assert (len(index), index.by_sequence(0), index.from_sequence(0), index.at_time(5), index.rate_hz()) == (0, None, 0, 0, None)


@pytest.mark.parametrize(
    ("state", "confidence", "doubtful"),
    [
        ("tracking", 0.9, False),
        ("tracking", 0.75, False),
        ("tracking", 0.74, True),
        ("tracking", None, True),
        ("lost", None, True),
        ("searching", None, False),
        ("stale", None, False),
    ],
)
def test_a_frame_is_doubtful_where_a_followed_needle_is_not_sure(state: str, confidence: float | None, doubtful: bool) -> None:
    assert is_doubtful({"needle": {"state": state}, "aim": {"confidence": confidence}}) is doubtful


@pytest.mark.parametrize(
    ("doubtful", "expected"),
    [
        ([], ()),
        ([0], (0,)),
        ([3, 4, 5], (3,)),
        ([3, 8, 13], (3,)),
        ([3, 9], (3, 9)),
        ([3, 8, 13, 19, 20, 39], (3, 19, 39)),
    ],
)
def test_doubtful_frames_within_half_a_second_are_one_stretch(doubtful: list[int], expected: tuple[int, ...]) -> None:
    flags = np.zeros(40, dtype=bool)
    flags[doubtful] = True
    assert starts(flags, np.linspace(0.0, 3.9, 40)) == expected


def test_the_newest_sample_before_a_time_counts() -> None:
    found = newest(np.array([1.0, 2.0]), np.array([10, 20], np.float32), np.array([0.5, 1.0, 1.9, 2.0, 9.0]))
    np.testing.assert_array_equal(found, np.array([np.nan, 10, 10, 20, 20], np.float32))
