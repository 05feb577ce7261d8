"""The manifest, the flags, the names and the list of sessions."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.device.session.recordings import ULID, edit_manifest, header, write_session

from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import replace_atomically
from barbotage_device.session.flags import Flags, mark, read_flags, set_synced
from barbotage_device.session.ids import is_ulid, new_ulid
from barbotage_device.session.manifest import (
    DepositSize,
    Drops,
    EventsDigest,
    Header,
    LinkSetting,
    Manifest,
    Recovery,
    Segment,
    Summary,
    add_segment,
    read_manifest,
    write_manifest,
)

SEGMENT = Segment("video-0000.mcap", "video", 10, "c" * 64, 5, 7, 2)
FULL = Manifest(
    header=header(),
    state="recovered",
    segments=(Segment("telemetry-0000.mcap", "telemetry", 10, "c" * 64, None, None, 0), SEGMENT),
    events=EventsDigest(3, "d" * 64),
    drops=Drops(1, 2, 3),
    ended_capture_ns=99,
    summary=Summary(12.5, 30, "lavage", DepositSize(10.1, 3.0, 22.0), DepositSize(None, None, None), {"near-bone": 2}, 1),
    recovery=Recovery(("something",), 7),
)
BARE = Manifest(Header(id="x"), "recording", (), EventsDigest(0, ""))


@pytest.mark.parametrize("manifest", [FULL, BARE])
def test_a_manifest_is_read_back_as_written(tmp_path: Path, manifest: Manifest) -> None:
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    assert [each.name for each in tmp_path.iterdir()] == ["session.json"], "no draft is left"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"schema": "other"}, "is other version 1"),
        ({"schema_version": 2}, "reads barbotage.session version 1; update it"),
        ({"state": "open"}, "'state' is 'open', must be one of recording, closed, recovered"),
        ({"side": "up"}, "'side' is 'up', must be one of left, right"),
        ({"simulated": 1}, "'simulated' is 1, must be true or false"),
        ({"segments": {}}, "'segments' is {}, must be a list"),
        ({"segments": [7]}, r"segments\[0\]: must be a JSON object"),
        ({"events": {"count": 1}}, "events: 'digest' is missing"),
        ({"started_utc_ns": True}, "'started_utc_ns' is True, must be a whole number"),
        ({"started_utc_ns": 1.5}, "'started_utc_ns' is 1.5, must be a whole number"),
        ({"scale_mm_per_px": [1]}, r"'scale_mm_per_px' is \[1\], must be two numbers or null"),
        ({"device": {"id": 5, "model": "x"}}, "device: 'id' is 5, must be a text"),
        ({"link": "open"}, "'link' is 'open', must be one of none, secured, unsecured"),
        ({"drops": None}, "drops: must be a JSON object, is NoneType"),
        ({"recovery": {"lost": "x", "messages": 1}}, "'lost' is 'x', must be a list of texts"),
    ],
)
def test_a_manifest_that_is_wrong_names_file_and_key(tmp_path: Path, changes: dict[str, object], expected: str) -> None:
    write_manifest(tmp_path, FULL)
    edit_manifest(tmp_path, **changes)
    with pytest.raises(SessionError, match=expected) as caught:
        read_manifest(tmp_path)
    assert str(tmp_path / "session.json") in str(caught.value)


@pytest.mark.parametrize("link", ["none", "secured", "unsecured", None])
def test_the_manifest_tells_how_a_pc_could_reach_the_recorder(tmp_path: Path, link: LinkSetting | None) -> None:
    write_manifest(tmp_path, replace(FULL, header=replace(FULL.header, link=link)))
    assert read_manifest(tmp_path).header.link == link


def test_a_manifest_of_before_the_link_was_noted_is_read(tmp_path: Path) -> None:
    write_manifest(tmp_path, FULL)
    path = tmp_path / "session.json"
    document = json.loads(path.read_text())
    del document["link"]
    path.write_text(json.dumps(document))
    assert read_manifest(tmp_path).header.link is None


@pytest.mark.parametrize("name", ["../video-0000.mcap", "a/b.mcap", ".hidden"])
def test_a_segment_outside_the_session_is_refused(tmp_path: Path, name: str) -> None:
    write_manifest(tmp_path, replace(FULL, segments=(replace(SEGMENT, name=name),)))
    with pytest.raises(SessionError, match="must be a plain file name"):
        read_manifest(tmp_path)


def test_a_segment_made_later_is_added_or_replaced(tmp_path: Path) -> None:
    write_manifest(tmp_path, FULL)
    proxy = Segment("proxy-0000.mcap", "proxy", 1, "e" * 64, 0, 1, 1)
    add_segment(tmp_path, proxy)
    add_segment(tmp_path, replace(proxy, bytes=2))
    assert read_manifest(tmp_path) == replace(FULL, segments=(*FULL.segments, replace(proxy, bytes=2)))


def test_replacing_a_file_leaves_the_old_one_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "session.json"
    replace_atomically(path, b"old")

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.write", full)
        with pytest.raises(OSError, match="No space"):
            replace_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def test_flags_are_those_of_a_new_session_until_they_are_set(tmp_path: Path) -> None:
    assert read_flags(tmp_path) == Flags(marked=False, synced_utc_ns=None)
    mark(tmp_path, True)
    set_synced(tmp_path, 17)
    assert read_flags(tmp_path) == Flags(marked=True, synced_utc_ns=17)
    mark(tmp_path, False)
    set_synced(tmp_path, None)
    assert read_flags(tmp_path) == Flags()


@pytest.mark.parametrize(
    "content", ["", "[]", '{"marked": 1, "synced_utc_ns": null}', '{"marked": true, "synced_utc_ns": "x"}', "{}"]
)
def test_flags_that_are_malformed_are_never_taken_for_unmarked(tmp_path: Path, content: str) -> None:
    (tmp_path / "flags.json").write_text(content)
    with pytest.raises(SessionError, match=r"flags\.json"):
        read_flags(tmp_path)


def test_names_of_sessions_sort_by_time_and_differ() -> None:
    times = [0, 1_000_000, 1_790_000_000_000_000_000, 1_790_000_000_001_000_000, 4_000_000_000_000_000_000]
    names = [new_ulid(each) for each in times]
    assert names == sorted(names)
    assert all(is_ulid(name) for name in names)
    assert len({new_ulid(5) for _ in range(100)}) == 100


def test_the_time_of_a_name_is_that_of_the_ulid_specification() -> None:
    assert new_ulid(1_469_918_176_385 * 1_000_000)[:10] == "01ARYZ6S41", "the example of github.com/ulid/javascript"


@pytest.mark.parametrize(
    "text", ["", "x", ULID[:-1], ULID.lower(), ULID[:-1] + "U", "8" + ULID[1:], ULID + "0", "../" + ULID[3:]]
)
def test_other_texts_are_not_names_of_sessions(text: str) -> None:
    assert not is_ulid(text)


def test_sessions_are_found_in_a_folder_its_children_and_grandchildren(tmp_path: Path) -> None:
    wanted = {}
    for name, place in (("01A", "."), ("01B", "device"), ("01C", "archive/device"), ("01D", ".hidden")):
        path = tmp_path / place / name
        write_session(path, frames=1)
        wanted[name] = path
    (wanted["01B"] / "session.json").unlink()
    (wanted["01A"] / "review").mkdir()
    assert [each.name for each in find_sessions(tmp_path)] == ["01A", "01B"]
    assert [each.name for each in find_sessions(tmp_path / "archive")] == ["01C"]
    assert find_sessions(wanted["01C"]) == [wanted["01C"]]
    assert find_sessions(tmp_path / "nothing") == []


def test_session_json_has_the_members_of_the_format(tmp_path: Path) -> None:
    write_manifest(tmp_path, FULL)
    members = json.loads((tmp_path / "session.json").read_text())
    assert list(members) == [
        "schema", "schema_version", "id", "source", "simulated", "side", "image_format", "image_quality", "scale_mm_per_px",
        "started_utc_ns", "started_capture_ns", "device", "software", "model", "link",
        "state", "segments", "events", "drops", "ended_capture_ns", "summary", "recovery",
    ]  # fmt: skip
