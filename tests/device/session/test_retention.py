"""Room for a new session: the oldest synced and unmarked go first, no other ever, and without room nothing begins."""

from pathlib import Path

import pytest
from tests.device.session.recordings import UTC_NS, header, write_session

from barbotage_device.errors import RefusedError
from barbotage_device.session.files import claimed
from barbotage_device.session.flags import mark, set_synced
from barbotage_device.session.retention import REMOVING_PREFIX, RetentionSettings, holdings, make_room

PLENTY = 1 << 50


def fill(root: Path, sessions: dict[str, str]) -> int:
    """Sessions by name, oldest first, with flags as letters: s synced, m marked, k killed, u unreadable. Returns the bytes of one."""
    for number, (name, flags) in enumerate(sessions.items()):
        path = root / name
        write_session(path, frames=3, close="k" not in flags, head=header(name, UTC_NS + number))
        if "s" in flags:
            set_synced(path, 5)
        if "m" in flags:
            mark(path, True)
        if "u" in flags:
            (path / "session.json").write_text("{")
    return max(each.bytes for each in holdings(root))


@pytest.mark.parametrize(
    ("sessions", "room_for", "removed"),
    [
        ({}, 1, []),
        ({"A": "s", "B": "s"}, 4, []),
        ({"A": "s", "B": "s"}, 2.5, ["A"]),
        ({"A": "s", "B": "s"}, 1.5, ["A", "B"]),
        ({"B": "s", "A": "s"}, 2.5, ["B"]),
        ({"A": "", "B": "s", "C": "s"}, 3.5, ["B"]),
        ({"A": "sm", "B": "s", "C": "s"}, 2.5, ["B", "C"]),
        ({"A": "sk", "B": "s"}, 2, ["B"]),
        ({"A": "su", "B": "s"}, 2.5, ["B"]),
    ],
)
def test_only_as_many_as_needed_go_and_the_oldest_first(
    tmp_path: Path, sessions: dict[str, str], room_for: float, removed: list[str]
) -> None:
    one = fill(tmp_path, sessions) if sessions else 1_000
    gone = make_room(tmp_path, RetentionSettings(round(room_for * one), 0), one, lambda: PLENTY)
    assert [path.name for path in gone] == removed
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(sessions.keys() - set(removed))


@pytest.mark.parametrize(
    ("sessions", "words"),
    [
        ({"A": "", "B": ""}, "2 not synced"),
        ({"A": "sm", "B": ""}, "1 marked"),
        ({"A": "sk", "B": ""}, "1 to be recovered"),
        ({"A": "su", "B": ""}, "1 unreadable"),
        ({"A": "s", "B": "m"}, "1 marked"),
    ],
)
def test_without_room_it_refuses_says_what_holds_it_and_removes_nothing(
    tmp_path: Path, sessions: dict[str, str], words: str
) -> None:
    one = fill(tmp_path, sessions)
    with pytest.raises(RefusedError, match=words) as caught:
        make_room(tmp_path, RetentionSettings(one, 0), one, lambda: PLENTY)
    text = str(caught.value)
    assert "\n" not in text
    assert "sync or unmark sessions, or raise the budget" in text
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(sessions)


@pytest.mark.parametrize(("free", "removed"), [(3.0, []), (1.5, ["A"]), (0.5, ["A", "B"])])
def test_the_disk_counts_as_well_as_the_budget(tmp_path: Path, free: float, removed: list[str]) -> None:
    one = fill(tmp_path, {"A": "s", "B": "s", "C": "s"})
    gone = make_room(tmp_path, RetentionSettings(PLENTY, one), one, lambda: round(free * one))
    assert [path.name for path in gone] == removed


def test_a_session_that_is_being_used_stays(tmp_path: Path) -> None:
    one = fill(tmp_path, {"A": "s", "B": "s"})
    with claimed(tmp_path / "A"):
        gone = make_room(tmp_path, RetentionSettings(round(2.5 * one), 0), one, lambda: PLENTY)
        assert [path.name for path in gone] == ["B"]
        with pytest.raises(RefusedError, match="1 being recorded"):
            make_room(tmp_path, RetentionSettings(one, 0), one, lambda: PLENTY)


def test_a_removal_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    one = fill(tmp_path, {"A": "s", "B": "s"})
    (tmp_path / "A").rename(tmp_path / f"{REMOVING_PREFIX}A")
    assert [each.path.name for each in holdings(tmp_path)] == ["B"]
    assert make_room(tmp_path, RetentionSettings(2 * one, 0), one, lambda: PLENTY) == []
    assert [each.name for each in tmp_path.iterdir()] == ["B"]


def test_the_free_space_of_the_real_disk_is_asked_without_a_function(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no room to record"):
        make_room(tmp_path, RetentionSettings(PLENTY * 4, PLENTY * 2), 1)
