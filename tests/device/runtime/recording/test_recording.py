"""A run leaves a whole session, whatever happens to it; the run itself never suffers."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import ScreenSize
from barbotage_device.bedside.window import Key, Touch
from barbotage_device.capture.encoding import LOSSLESS, Encoding, encoder_of
from barbotage_device.capture.frame import Delivery, Frame
from barbotage_device.capture.opening import parse_src
from barbotage_device.capture.session_source import recorded_frame
from barbotage_device.config import DeviceConfig, RecordingConfig, RegionConfig
from barbotage_device.runtime.feed import feed_of
from barbotage_device.runtime.identity import device_identity, software, source_sha256
from barbotage_device.runtime.interpreter import Interpreter, LoadedModel
from barbotage_device.runtime.loop import LiveLoop, LoopSettings, Reports, Screen
from barbotage_device.runtime.operator import Operator, Presentation
from barbotage_device.runtime.outlets import Outlets
from barbotage_device.runtime.pipeline import Pipeline, PipelineSettings
from barbotage_device.runtime.recording.recording import Clocks, SessionRecording
from barbotage_device.runtime.recording.starting import (
    RecordingRequest,
    Subject,
    recording_request,
    settings_record,
    start_recording,
)
from barbotage_device.runtime.screen import BedsideScreen, blank_view
from barbotage_device.runtime.status import Condition, Status, Summary, status_line, status_record
from barbotage_device.session.audit import verify
from barbotage_device.session.manifest import Header, Manifest
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.recorder import Recorder, RecorderSettings
from barbotage_models.contract.card import ModelCard
from barbotage_models.contract.geometry import GreyImage

MakeFrame = Callable[..., Frame]
MS = 1_000_000
DEPOSIT = (100, 120)
DARK = np.zeros((256, 256), dtype=np.uint8)
LONG_S = 20.0


class Scripted:
    """A source that plays frames and raises errors as told."""

    name = "scripted"

    def __init__(self, script: list[Frame | BaseException], delivery: Delivery = Delivery.EVERY_FRAME) -> None:
        self.delivery = delivery
        self.finished = threading.Event()
        self._script = script

    def frames(self) -> Iterator[Frame]:
        for item in self._script:
            if isinstance(item, BaseException):
                raise item
            yield item
        self.finished.set()

    def close(self) -> None:
        pass


@dataclass
class Told:
    statuses: list[Status] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def reports(self) -> Reports:
        return Reports(self.statuses.append, self.events.append)

    def outlets(self, recording: SessionRecording | None) -> Outlets:
        return Outlets(lambda _level, text: self.events.append(text), recording)


@dataclass
class Bench:
    """Runs scripts through the loop into a session."""

    root: Path
    model: LoadedModel
    told: Told = field(default_factory=Told)
    now_ns: int = 0

    def recording(self, clocks: Clocks | None = None) -> SessionRecording:
        subject = Subject("scripted", simulated=True, started_capture_ns=0)
        config = settings_record(PipelineSettings())
        return start_recording(RecordingRequest(self.root, LOSSLESS), subject, self.model, clocks or Clocks(None), config)

    def run(self, script: list[Frame | BaseException], recording: SessionRecording, screen: Screen | None = None) -> Summary:
        pipeline = Pipeline(self.model.interpreter, self.model.card)
        feed = feed_of(Scripted(script), None, recording.frame)
        settings = LoopSettings(accept_best=screen is None, status_every_s=0.1)
        return LiveLoop(feed, pipeline, self.told.reports(), settings, self._tick, screen, self.told.outlets(recording)).run()

    def _tick(self) -> int:
        self.now_ns += 5 * MS
        return self.now_ns


@pytest.fixture
def bench(tmp_path: Path, drawn: Interpreter, card: ModelCard) -> Bench:
    return Bench(tmp_path / "sessions", LoadedModel(drawn, card))


@pytest.fixture
def good(picture: MakeFrame) -> Callable[[int], list[Frame | BaseException]]:
    return lambda count: [picture(number, DEPOSIT) for number in range(count)]


Good = Callable[[int], list[Frame | BaseException]]


def _kinds(path: Path) -> list[str]:
    with SessionReader.open(path) as reader:
        return [event.kind for event in reader.events()]


def _values(path: Path, topic: str) -> list[dict[str, Any]]:
    with SessionReader.open(path) as reader:
        return [message.value for message in reader.messages(topic)]


def test_a_run_is_recorded_whole(bench: Bench, good: Good) -> None:
    recording = bench.recording()
    bench.run(good(8), recording)
    manifest = recording.close()
    assert (manifest.state, verify(recording.path).problems) == ("closed", ())
    with SessionReader.open(recording.path) as reader:
        assert reader.sequences.tolist() == list(range(8))
        first = recorded_frame(reader, 0)
    original = good(1)[0]
    assert isinstance(original, Frame)
    assert np.array_equal(first.pixels, original.pixels)
    assert first.scale == original.scale
    assert [one["sequence"] for one in _values(recording.path, "/detections")] == list(range(8))
    assert [one["sequence"] for one in _values(recording.path, "/guidance")] == list(range(8))
    assert _kinds(recording.path) == ["session-started", "target-accepted", "session-ended"]
    assert _values(recording.path, "/config")[0]["tracker"]["confirm_frames"] == 3
    assert _values(recording.path, "/health")[0]["recorder_drops"] == 0
    assert "rec" in status_line(bench.told.statuses[0]).split(" | ")


def test_frames_that_the_loop_misses_are_recorded(bench: Bench, good: Good) -> None:
    recording = bench.recording()
    source = Scripted(good(12), Delivery.NEWEST_ONLY)
    feed = feed_of(source, None, recording.frame)
    newest = feed.next(0.0)
    assert source.finished.wait(LONG_S)
    if newest is None or newest.sequence < 11:  # it may have come at once
        newest = feed.next(LONG_S)
    feed.close()
    recording.close()
    assert newest is not None
    assert newest.sequence == 11
    assert feed.dropped >= 10
    with SessionReader.open(recording.path) as reader:
        assert reader.sequences.tolist() == list(range(12))


@pytest.mark.parametrize("end", [KeyboardInterrupt(), None])
def test_ctrl_c_leaves_a_closed_session(bench: Bench, good: Good, end: BaseException | None) -> None:
    recording = bench.recording()
    summary = bench.run([*good(5), *([] if end is None else [end])], recording)
    assert summary.interrupted is (end is not None)
    assert recording.close().state == "closed"
    assert _kinds(recording.path)[-1] == "session-ended"


def test_troubles_of_the_run_are_in_the_log_and_among_the_events(bench: Bench, good: Good) -> None:
    script = good(8)
    frames = [one for one in script if isinstance(one, Frame)]
    script[4] = replace(frames[4], pixels=DARK)
    script[6] = replace(frames[6], pixels=np.zeros((4, 4), dtype=np.uint8))
    recording = bench.recording()
    bench.run(script, recording)
    recording.close()
    assert _kinds(recording.path).count("model-error") == 2
    levels = [(one["level"], one["text"].split(":")[0]) for one in _values(recording.path, "/log")]
    assert levels == [("error", "MODEL ERROR"), ("info", "the model works again"), ("warning", "frame 6 is skipped")]
    assert [one["sequence"] for one in _values(recording.path, "/detections")] == [0, 1, 2, 3, 5, 7]


class Pressing:
    """A window whose keys are pressed one a frame."""

    closed = False

    def __init__(self, *keys: Key) -> None:
        self.left = list(keys)

    def show(self, picture: GreyImage) -> None:
        pass

    def keys(self) -> tuple[Key, ...]:
        return (self.left.pop(0),) if self.left else ()

    def touches(self) -> tuple[Touch, ...]:
        return ()

    def typed(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        pass


def test_what_the_operator_does_is_recorded(bench: Bench, good: Good) -> None:
    keys = (Key.LANGUAGE, Key.OVERLAY, Key.FREEZE, Key.BOOKMARK, Key.PATIENT_EVENT, Key.LANGUAGE, Key.PEDAL)
    recording = bench.recording()
    pipeline = Pipeline(bench.model.interpreter, bench.model.card)
    screen = BedsideScreen(
        Pressing(*keys), Operator(pipeline, Presentation(Language.EN), recording.operator), ScreenSize(800, 480), "x"
    )
    feed = feed_of(Scripted(good(10)), None, recording.frame)
    LiveLoop(feed, pipeline, bench.told.reports(), LoopSettings(), bench._tick, screen, bench.told.outlets(recording)).run()
    recording.close()
    with SessionReader.open(recording.path) as reader:
        events = reader.events()
    assert [(one.kind, one.by) for one in events[1:-1]] == [
        ("overlay", "pedal"),
        ("frozen", "pedal"),
        ("bookmark", "pedal"),
        ("patient-event", "pedal"),
        ("target-accepted", "pedal"),
    ]
    assert [one.value for one in events[1:3]] == [{"on": False}, {"on": True}]
    assert events[3].at_ns == 3 * 40 * MS


def _small_recorder(bench: Bench, encoder: Callable[[GreyImage], bytes], **settings: int) -> SessionRecording:
    bench.root.mkdir(parents=True, exist_ok=True)
    header = Header("01KE0000000000000000000000", image_format="png")
    recorder = Recorder(bench.root, header, encoder, RecorderSettings(**settings))
    return SessionRecording(recorder, header, Clocks(lambda: bench.now_ns, lambda: bench.now_ns))


def test_a_full_disk_stops_the_recording_and_not_the_run(bench: Bench, good: Good) -> None:
    # No disk has an exabyte free: the recorder finds less room than it is to leave.
    recording = _small_recorder(bench, encoder_of(LOSSLESS), keep_free_bytes=10**18, flush_ns=1)
    script = good(30)
    first = script[0]
    assert isinstance(first, Frame)
    recording.frame(first)
    for _ in range(2000):
        if recording.stopped is not None:
            break
        threading.Event().wait(0.005)
    summary = bench.run(script, recording)
    assert (summary.frames, summary.exit_code) == (30, 0)
    assert [event for event in bench.told.events if event.startswith("RECORDING STOPPED: the disk is full")] != []
    assert len([event for event in bench.told.events if "RECORDING STOPPED" in event]) == 1
    assert "NOT RECORDING: the disk is full" in status_line(bench.told.statuses[-1])
    assert status_record(bench.told.statuses[-1])["recording_stopped"] is not None
    manifest: Manifest = recording.close()
    assert manifest.state == "closed"
    assert "recorder-stopped" in _kinds(recording.path)


def test_a_slow_recorder_drops_and_says_how_much(bench: Bench, good: Good) -> None:
    gate = threading.Event()

    def slow(pixels: GreyImage) -> bytes:
        assert gate.wait(LONG_S)
        return encoder_of(LOSSLESS)(pixels)

    recording = _small_recorder(bench, slow, frame_queue=3)
    summary = bench.run(good(20), recording)
    recording.health(25.0, 2)
    gate.set()
    manifest = recording.close()
    assert summary.frames == 20
    assert manifest.drops.recorder_frames >= 16
    assert manifest.drops.source == 2
    told = [one.value for one in _events(recording.path) if one.kind == "drops"]
    assert told
    assert told[-1]["recorder_frames"] == manifest.drops.recorder_frames
    assert _values(recording.path, "/health")[-1]["recorder_drops"] == manifest.drops.recorder_frames


def _events(path: Path) -> list[Any]:
    with SessionReader.open(path) as reader:
        return list(reader.events())


def test_a_recording_played_fast_loses_no_frame(bench: Bench, good: Good) -> None:
    def slow(pixels: GreyImage) -> bytes:
        threading.Event().wait(0.004)
        return encoder_of(LOSSLESS)(pixels)

    bench.root.mkdir(parents=True)
    header = Header("01KE0000000000000000000001", image_format="png")
    recording = SessionRecording(Recorder(bench.root, header, slow), header, Clocks(None))
    for frame in good(150):
        assert isinstance(frame, Frame)
        recording.frame(frame)
    assert recording.close().drops.recorder_frames == 0


def test_a_wall_clock_that_is_set_is_an_event_and_bends_nothing(bench: Bench) -> None:
    utc_ns = [1_700_000_000_000_000_000]
    mono_ns = [0]
    header = Header("01KE0000000000000000000002", image_format="png", started_utc_ns=utc_ns[0])
    bench.root.mkdir(parents=True)
    recorder = Recorder(bench.root, header, encoder_of(LOSSLESS))
    recording = SessionRecording(recorder, header, Clocks(lambda: mono_ns[0], lambda: utc_ns[0]))
    recording.begin({})
    for step_ns in (0, 30 * MS, -3_600_000 * MS, 0):
        mono_ns[0] += 1000 * MS
        utc_ns[0] += 1000 * MS + step_ns
        recording.health(25.0, 0)
    recording.close()
    assert [one["step_ns"] for one in _values(recording.path, "/clock")] == [0, 0, 30 * MS, -3_600_000 * MS, 0]
    assert [one.value for one in _events(recording.path) if one.kind == "clock-step"] == [{"step_ns": -3_600_000 * MS}]
    with SessionReader.open(recording.path) as reader:
        times = [message.capture_ns for message in reader.messages("/clock")]
    assert times == [0, 1000 * MS, 2000 * MS, 3000 * MS, 4000 * MS]


def test_going_stale_is_recorded_with_the_time_at_which_it_was_noticed(bench: Bench, good: Good) -> None:
    recording = bench.recording()
    pipeline = Pipeline(bench.model.interpreter, bench.model.card)
    for frame in good(6):
        assert isinstance(frame, Frame)
        recording.frame(frame)
        recording.turn(pipeline.step(frame), _condition(), pipeline.accepted, {})
    looked_ns = 5 * 40 * MS + 333 * MS
    stale = pipeline.stale(looked_ns)
    recording.turn(stale, _condition(), None, {})
    recording.turn(stale, _condition(), None, {})
    recording.close()
    with SessionReader.open(recording.path) as reader:
        messages = [message for message in reader.messages("/guidance") if message.value["stale"]]
    assert [message.capture_ns for message in messages] == [looked_ns]
    assert [one.value["kind"] for one in _events(recording.path) if one.kind == "prompt"] == ["stale"]


def _condition() -> Condition:
    return Condition(0, 0, 0, None, None, 0, None)


def test_the_device_is_named_without_its_machine_id(tmp_path: Path) -> None:
    (tmp_path / "machine-id").write_text("0123456789abcdef\n")
    (tmp_path / "device-tree").mkdir()
    (tmp_path / "device-tree" / "model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    device = device_identity(tmp_path, tmp_path, tmp_path)
    assert device.model == "Raspberry Pi 4 Model B Rev 1.4"
    assert len(device.id) == 16
    assert "0123456789" not in device.id
    assert device_identity(tmp_path / "gone", tmp_path / "gone", tmp_path / "gone").id == "unknown"


def _config(**changes: object) -> DeviceConfig:
    return replace(DeviceConfig(), recording=replace(RecordingConfig(), **changes))  # type: ignore[arg-type]


def test_the_configuration_says_how_to_record_and_an_option_overrides_it(tmp_path: Path) -> None:
    spec = parse_src("sim")
    made = recording_request(tmp_path, _config(jpeg_quality=95, disk_budget_gb=2.0, keep_free_gb=0.5), spec, "left", None)
    assert (made.side, made.encoding) == ("left", Encoding(quality=95))
    assert made.room is not None
    assert (made.room.retention.budget_bytes, made.room.retention.keep_free_bytes) == (2_000_000_000, 500_000_000)
    assert recording_request(tmp_path, _config(), spec, None, "lossless").encoding == LOSSLESS
    assert recording_request(tmp_path, _config(image_format="lossless"), spec, None, "jpeg").encoding == Encoding()


def test_the_room_needed_grows_with_the_picture_the_length_and_the_format(tmp_path: Path) -> None:
    def needed(source: str, config: DeviceConfig, image_format: str | None = None) -> int:
        made = recording_request(tmp_path, config, parse_src(source), None, image_format)
        assert made.room is not None
        return made.room.needed_bytes(made.encoding)

    ten = _config(expected_minutes=10.0)
    assert needed("file:x.mp4", ten) == pytest.approx(1.29e9, rel=0.02), "128 MB a minute at 640x480, 30 Hz"
    assert needed("file:x.mp4", _config(expected_minutes=20.0)) == pytest.approx(2 * needed("file:x.mp4", ten))
    assert needed("file:x.mp4", ten, "lossless") > 1.7 * needed("file:x.mp4", ten)
    small = replace(ten, capture=replace(ten.capture, region=RegionConfig(0, 0, 320, 240), fps_hz=15.0))
    assert needed("v4l2:0", small) < 0.2 * needed("file:x.mp4", ten)


@pytest.mark.parametrize(
    ("recording", "stopped", "mark"), [(False, None, "sim"), (True, None, "sim · REC"), (True, "disk full", "sim · NO REC")]
)
def test_the_screen_shows_whether_it_records(recording: bool, stopped: str | None, mark: str) -> None:
    condition = replace(_condition(), recording=recording, recording_stopped=stopped)
    assert blank_view(condition, Presentation(Language.FR), "sim").source_text == mark


def test_the_software_is_told_by_its_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one_package").mkdir()
    module = tmp_path / "one_package" / "__init__.py"
    module.write_text("VALUE = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    digest = source_sha256.__wrapped__
    before = digest(("one_package",))
    assert before == digest(("one_package",))
    module.write_text("VALUE = 2\n", encoding="utf-8")
    assert digest(("one_package",)) != before
    assert software().sha256 == source_sha256()
