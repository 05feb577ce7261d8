"""The recorder: everything queued is written, nothing holds the caller up, and what goes wrong is counted and said."""

import errno
import subprocess
import sys
import time
from pathlib import Path
from threading import Event as Signal

import pytest
from tests.device.session.recordings import UTC_NS, at_ns, encode, frame, header

from barbotage_device.errors import InvalidInputError
from barbotage_device.session import files, segment_writer
from barbotage_device.session.audit import verify
from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import RESERVE_NAME, is_claimed
from barbotage_device.session.manifest import read_manifest
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.recorder import Recorder, RecorderSettings
from barbotage_device.session.recovery import recover
from barbotage_models.contract.geometry import GreyImage

ROOT = Path(__file__).parents[3]
PATIENCE_S = 20.0


class Gate:
    """An encoder that waits until it is opened."""

    def __init__(self) -> None:
        self.entered = Signal()
        self.opened = Signal()

    def __call__(self, pixels: GreyImage) -> bytes:
        self.entered.set()
        assert self.opened.wait(PATIENCE_S)
        return encode(pixels)


def fail(_pixels: GreyImage) -> bytes:
    raise ValueError("no such picture")


def wait_for(path: Path, topic_bytes: bytes) -> None:
    """Until the file holds these bytes."""
    ended = time.monotonic() + PATIENCE_S
    while topic_bytes not in path.read_bytes():
        assert time.monotonic() < ended, "never written"
        time.sleep(0.005)


def test_what_is_recorded_is_read_back(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, header(), encode)
    for index in range(50):
        assert recorder.frame(frame(index))
        assert recorder.message("/guidance", at_ns(index), lambda index=index: {"sequence": index})  # type: ignore[misc]
    recorder.event("bookmark", at_ns(20), "pedal")
    recorder.event("phase", at_ns(30), value={"from": "scan", "to": "advance"})
    manifest = recorder.close(source_drops=3)
    assert manifest.state == "closed"
    assert manifest.header == header()
    assert manifest.drops.source == 3
    assert manifest.summary is not None
    assert (manifest.summary.frames, manifest.summary.phase_reached) == (50, "advance")
    assert manifest == read_manifest(recorder.path)
    with SessionReader.open(recorder.path) as reader:
        assert [reader.frame(index).data for index in range(50)] == [encode(frame(index).pixels) for index in range(50)]
        assert reader.capture_ns.tolist() == [at_ns(index) for index in range(50)]
        assert reader.sequences.tolist() == list(range(50))
        assert [(each.capture_ns, each.value) for each in reader.messages("/guidance")] == [
            (at_ns(i), {"sequence": i}) for i in range(50)
        ]
        assert [(event.kind, event.by, event.at_ns) for event in reader.events()] == [
            ("bookmark", "pedal", at_ns(20)),
            ("phase", "device", at_ns(30)),
        ]
        assert reader.damage == ()
    assert verify(recorder.path).intact


def test_segments_are_rotated_together_on_the_capture_clock(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, header(), encode, RecorderSettings(segment_ns=500_000_000))
    for index in range(60):
        recorder.frame(frame(index))
    manifest = recorder.close()
    assert [segment.name for segment in manifest.segments] == [
        f"{kind}-{number:04}.mcap" for number in range(4) for kind in ("telemetry", "video")
    ]
    video = manifest.of_kind("video")
    assert sum(segment.messages for segment in video) == 60
    starts = [segment.first_ns for segment in video]
    assert starts == [at_ns(0), at_ns(16), at_ns(31), at_ns(46)], "each the first frame at or after its half second"
    with SessionReader.open(recorder.path) as reader:
        assert len(list(reader.messages("/session"))) == len(list(reader.messages("/geometry"))) == 4
        assert len(reader.geometries) == 1


def test_a_wall_clock_that_is_set_does_not_bend_log_times(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, header(), encode)
    recorder.message("/clock", at_ns(30), lambda: {"utc_ns": 5, "capture_ns": at_ns(30), "step_ns": -UTC_NS})
    recorder.frame(frame(60))
    recorder.close()
    with SessionReader.open(recorder.path) as reader:
        assert [each.capture_ns for each in reader.messages("/clock")] == [at_ns(30)]
        assert reader.capture_ns.tolist() == [at_ns(60)]


def test_messages_are_in_the_file_before_their_chunk_is_full(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, header(), encode, RecorderSettings(flush_ns=5_000_000))
    recorder.frame(frame(0))
    wait_for(recorder.path / "video-0000.mcap", encode(frame(0).pixels))
    recorder.close()


def test_a_full_queue_drops_and_counts_frames_and_messages_but_never_events(tmp_path: Path) -> None:
    gate = Gate()
    recorder = Recorder(tmp_path, header(), gate, RecorderSettings(frame_queue=4, message_queue=6))
    recorder.frame(frame(0))
    assert gate.entered.wait(PATIENCE_S)
    taken = [recorder.frame(frame(index)) for index in range(1, 10)]
    made = [recorder.message("/log", at_ns(index), lambda: {"level": "info", "text": "x"}) for index in range(10)]
    for index in range(5_000):
        recorder.event("bookmark", at_ns(index))
    assert taken == [True] * 4 + [False] * 5
    assert made == [True] * 6 + [False] * 4
    assert recorder.queued == 4
    gate.opened.set()
    manifest = recorder.close()
    assert (manifest.drops.recorder_frames, manifest.drops.recorder_messages) == (5, 4)
    assert manifest.events.count == 5_000
    with SessionReader.open(recorder.path) as reader:
        assert reader.sequences.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("topic", "value"),
    [("/guidance", {"tip": float("nan")}), ("/guidance", {"tip": object()}), ("/pod", {"pressure_kpa": float("inf")})],
)
def test_a_message_that_cannot_be_written_is_dropped_counted_and_told(
    tmp_path: Path, topic: str, value: dict[str, object]
) -> None:
    recorder = Recorder(tmp_path, header(), encode)
    recorder.message(topic, at_ns(0), lambda: value)
    recorder.message(topic, at_ns(1), lambda: {"good": True})
    manifest = recorder.close()
    assert (manifest.state, manifest.drops.recorder_messages) == ("closed", 1)
    with SessionReader.open(recorder.path) as reader:
        assert [each.value for each in reader.messages(topic)] == [{"good": True}]
        (told,) = reader.messages("/log")
    assert told.value["text"].startswith(f"dropped from {topic}")


def test_a_failing_encoder_costs_its_frames_only(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, header(), fail)
    for index in range(3):
        recorder.frame(frame(index))
    recorder.event("bookmark", at_ns(1))
    manifest = recorder.close()
    assert (manifest.state, manifest.drops.recorder_frames, manifest.events.count) == ("closed", 3, 1)
    assert recorder.stopped is None


def test_an_event_whose_value_json_cannot_say_is_still_in_the_chain(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, header(), encode)
    recorder.event("bookmark", at_ns(0), value={"at": object()})
    recorder.close()
    with SessionReader.open(recorder.path) as reader:
        (event,) = reader.events()
    assert event.kind == "bookmark"
    assert "unrecordable" in event.value
    assert verify(recorder.path).intact


def test_a_topic_that_sessions_do_not_have_is_refused_at_once(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, header(), encode)
    with pytest.raises(InvalidInputError, match="no topic '/nonsense'"):
        recorder.message("/nonsense", 0, dict)
    recorder.close()


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SessionError, match="cannot record there") as caught:
        Recorder(tmp_path / "file", header(), encode)
    assert "\n" not in str(caught.value)


def test_a_disk_without_room_for_the_reserve_is_refused_and_nothing_is_left_there(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="make room"):
        Recorder(tmp_path, header(), encode, RecorderSettings(reserve_bytes=1 << 60))
    assert list(tmp_path.iterdir()) == []


def test_a_session_of_the_same_name_is_not_written_over(tmp_path: Path) -> None:
    Recorder(tmp_path, header(), encode).close()
    before = read_manifest(tmp_path / header().id)
    with pytest.raises(SessionError, match="cannot record there"):
        Recorder(tmp_path, header(), encode)
    assert read_manifest(tmp_path / header().id) == before


def test_the_session_is_claimed_while_it_is_recorded(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, header(), encode)
    assert is_claimed(recorder.path)
    with pytest.raises(SessionError, match="is being recorded"):
        SessionReader.open(recorder.path)
    recorder.close()
    assert not is_claimed(recorder.path)
    assert recorder.close() == read_manifest(recorder.path), "closing again changes nothing"
    assert not recorder.frame(frame(9)), "nothing more is taken"


def test_recording_stops_by_itself_before_the_disk_is_full(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, header(), encode, RecorderSettings(flush_ns=5_000_000, keep_free_bytes=1 << 60))
    ended = time.monotonic() + PATIENCE_S
    while recorder.stopped is None and time.monotonic() < ended:
        recorder.frame(frame(0))
        time.sleep(0.002)
    assert "disk is full" in str(recorder.stopped)
    assert not recorder.frame(frame(1))
    manifest = recorder.close()
    assert manifest.state == "closed"
    assert manifest.drops.recorder_frames >= 1
    with SessionReader.open(recorder.path) as reader:
        assert reader.events()[-1].kind == "recorder-stopped"
    assert verify(recorder.path).intact


@pytest.mark.parametrize("room_bytes", [0, 30_000, 61_000, 90_000, 150_000])
def test_a_disk_that_is_full_all_the_same_leaves_room_to_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room_bytes: int
) -> None:
    """The disk of this test takes ``room_bytes`` more, and the rest when the recorder gives its reserve free."""
    reserve = tmp_path / header().id / RESERVE_NAME
    settings = RecorderSettings(flush_ns=1, segment_ns=900_000_000, frame_queue=1_000)
    recorder = Recorder(tmp_path, header(), encode, settings)
    left = [room_bytes]
    write_whole = files.write_whole

    def write(descriptor: int, data: bytes) -> None:
        if reserve.exists() and len(data) > left[0]:
            write_whole(descriptor, data[: left[0]])
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= len(data)
        write_whole(descriptor, data)

    for module in (files, segment_writer):
        monkeypatch.setattr(module, "write_whole", write)
    for index in range(90):
        recorder.event("bookmark", at_ns(index))
        recorder.frame(frame(index))
    manifest = recorder.close()
    assert "No space left" in str(recorder.stopped)
    assert manifest.state == "closed"
    assert verify(recorder.path).intact
    assert not reserve.exists()
    with SessionReader.open(recorder.path) as reader:
        events = reader.events()
        assert [event.kind for event in events] == ["bookmark"] * (len(events) - 1) + ["recorder-stopped"]
        assert reader.frame_count + manifest.drops.recorder_frames == 90
        assert reader.sequences.tolist() == list(range(reader.frame_count))


def test_a_write_that_fails_stops_the_recording_and_loses_nothing_before_it(tmp_path: Path) -> None:
    limit_bytes = 60_000
    command = [sys.executable, "-m", "tests.device.session.recording_child", str(tmp_path), "150", str(limit_bytes)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    *_, last, ended = child.stdout.splitlines()
    assert last == "149", "the loop went on to its end"
    state, why = ended.split("|")
    assert "File too large" in why
    (path,) = tmp_path.iterdir()
    assert recover(path).changed == (state == "recording")
    with SessionReader.open(path) as reader:
        numbers = reader.sequences.tolist()
        pictures = [reader.frame(index).data for index in numbers]
    assert numbers == list(range(len(numbers)))
    assert pictures == [encode(frame(index).pixels) for index in numbers]
    half_a_second_bytes = 15 * 2_000
    assert sum(len(each) for each in pictures) > limit_bytes - 2 * half_a_second_bytes
    assert verify(path).intact
