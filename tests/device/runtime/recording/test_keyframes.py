"""Key frames: the recorded pictures unchanged, at what matters first, within their share; sessions stay whole with and without them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from mcap.reader import make_reader
from tests.support.sessions import Script, write_session

from barbotage_device.runtime.recording.keyframes import FEWEST, KEYFRAMES_NAME, MOST_OF_VIDEO, choose, make_keyframes
from barbotage_device.session.audit import verify
from barbotage_device.session.errors import SessionError
from barbotage_device.session.events import Event
from barbotage_device.session.files import claimed
from barbotage_device.session.findings import segment_files
from barbotage_device.session.manifest import MANIFEST_NAME, read_manifest
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.recovery import needs_recovery, recover

NS_PER_S = 1_000_000_000
RATE_HZ = 30


def times(frames: int) -> np.ndarray:
    return np.arange(frames, dtype=np.int64) * NS_PER_S // RATE_HZ


def event(second: float, kind: str, **value: object) -> Event:
    return Event(0, round(second * NS_PER_S), kind, "device", dict(value), "", "")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_session(tmp_path_factory.mktemp("recorded"), Script(frames=90))


@pytest.fixture
def session(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / recorded.name))


def pictures(path: Path) -> list[tuple[int, int, str, bytes]]:
    with path.open("rb") as file:
        return [
            (message.sequence, message.log_time, channel.topic, CompressedImage.FromString(message.data).data)
            for _, channel, message in make_reader(file).iter_messages()
        ]


def test_key_frames_are_the_recorded_bytes_at_their_times(session: Path) -> None:
    segment = make_keyframes(session)
    assert segment is not None
    found = pictures(session / KEYFRAMES_NAME)
    assert len(found) == segment.messages >= FEWEST
    with SessionReader.open(session) as reader:
        for sequence, log_time, topic, data in found:
            frame = reader.frame(sequence)
            assert (topic, data, log_time) == ("/camera/us_key", frame.data, reader.manifest.header.log_time_ns(frame.capture_ns))
        shown = {sequence for sequence, *_ in found}
        at_events = [each for each in reader.events() if each.kind in ("phase", "target-accepted", "measurement", "bookmark")]
        assert at_events
        assert all(int(np.abs(reader.capture_ns - each.at_ns).argmin()) in shown for each in at_events)
        assert segment in reader.manifest.segments
        assert reader.frame_count == 90, "they are no frames of their own"
    assert verify(session).problems == ()
    assert not needs_recovery(session)
    assert make_keyframes(session) == segment, "made again they are the same"
    assert len(read_manifest(session).of_kind("keyframes")) == 1


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "manifest gone"])
def test_recovery_keeps_a_session_whole_whatever_happens_to_its_key_frames(session: Path, damage: str) -> None:
    make_keyframes(session)
    before = read_manifest(session)
    path = session / KEYFRAMES_NAME
    data = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif damage == "gone":
        path.unlink()
    else:
        (session / MANIFEST_NAME).unlink()
    assert verify(session).problems
    after = recover(session).manifest
    assert verify(session).problems == ()
    assert (after.summary, after.events) == (before.summary, before.events)
    assert [each.kind for each in after.segments if each.kind != "keyframes"] == ["telemetry", "video"]
    assert len(after.of_kind("keyframes")) == (damage != "gone")
    if damage == "manifest gone":
        assert after.of_kind("keyframes") == before.of_kind("keyframes")


def test_what_was_made_afterwards_comes_after_all_that_was_recorded(tmp_path: Path) -> None:
    names = ["telemetry-0000.mcap", "video-0000.mcap", "telemetry-0001.mcap", "proxy-0000.mcap", "keyframes-0000.mcap"]
    for name in reversed(names):
        (tmp_path / name).touch()
    assert [name for name, _ in segment_files(tmp_path)] == names


def test_a_long_session_gives_its_share_and_no_more() -> None:
    frames = 600 * RATE_HZ
    prompts = [event(at, "prompt", shown=True) for at in np.arange(0, 600, 0.4)]
    marked = [event(123.4, "patient-event"), event(400.0, "bookmark")]
    chosen = choose(times(frames), np.full(frames, 70_000, np.int64), [*prompts, *marked])
    assert len(chosen) == int(MOST_OF_VIDEO * frames)
    assert chosen == sorted(set(chosen))
    assert {0, frames - 1, round(123.4 * RATE_HZ), 400 * RATE_HZ} <= set(chosen)
    assert {at * RATE_HZ for at in range(0, 600, 10)} <= set(chosen)
    assert max(np.diff(chosen)) <= 4 * RATE_HZ, "prompts that do not all fit are spread over the session"


def test_a_prompt_held_back_is_not_looked_for() -> None:
    frames = 60 * RATE_HZ
    chosen = {
        shown: set(choose(times(frames), np.full(frames, 70_000, np.int64), [event(33.3, "prompt", shown=shown)]))
        for shown in (True, False)
    }
    assert chosen[True] - chosen[False] == {round(at * RATE_HZ) for at in (32.8, 33.3, 33.8)}


@pytest.mark.parametrize("frames", [1, 2, 19, 20, 21])
def test_short_sessions_have_key_frames_too(frames: int) -> None:
    events = [event(at / RATE_HZ, "bookmark") for at in range(frames)]
    assert len(choose(times(frames), np.full(frames, 70_000, np.int64), events)) == min(frames, FEWEST)


def test_key_frames_are_not_made_of_a_session_that_somebody_holds(session: Path) -> None:
    with claimed(session), pytest.raises(SessionError, match="being recorded"):
        make_keyframes(session)
    assert not (session / KEYFRAMES_NAME).exists()
