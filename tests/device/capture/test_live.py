"""Live delivery: newest wins, losses are survived, recordings play at their own speed."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from barbotage_device.capture.clock import Clock
from barbotage_device.capture.frame import Delivery, Frame
from barbotage_device.capture.live import LiveSource, PacedSource, SourceEnded
from barbotage_device.capture.region import Region
from barbotage_device.capture.reopening import Backoff, Camera, ReopeningSource, SourceChange, SourceEvent
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.capture.v4l2 import CapturedCamera, device_path, missed_between, open_v4l2
from barbotage_device.errors import NotFoundError, SourceError, SourceLostError
from barbotage_models.contract.geometry import Scale

PATIENCE_S = 10.0
MEASURED = CaptureSettings(region=Region(4, 6, 40, 50), scale=Scale.isotropic(0.1), width_px=64, height_px=64)
PLAIN = CaptureSettings(width_px=64, height_px=64)


class ManualTime:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now_ns = 5_000
        self.slept_s: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_ns += round(seconds * 1e9)

    def clock(self) -> Clock:
        return Clock(lambda: self.now_ns, self.sleep)


class ScriptedCamera:
    """Hands out what it is told to; None is a loss. ``missed`` says how many pictures are missing before each."""

    def __init__(self, *pictures: npt.NDArray[Any] | None, missed: tuple[int, ...] = ()) -> None:
        self._pictures = list(pictures)
        self._missing = list(missed)
        self.missed = 0
        self.closed = False

    def read(self) -> npt.NDArray[Any] | None:
        self.missed = self._missing.pop(0) if self._missing else 0
        return self._pictures.pop(0) if self._pictures else None

    def close(self) -> None:
        self.closed = True


def _picture(value: int, side: int = 64) -> npt.NDArray[np.uint8]:
    return np.full((side, side, 3), value, np.uint8)


def _opener(*answers: Camera | Exception) -> Any:
    remaining = list(answers)

    def open_one() -> Camera:
        answer = remaining.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return open_one


class Recorded:
    """A source of frames at given times, which may end in an error; ``gate`` holds it back after the first."""

    delivery = Delivery.EVERY_FRAME
    name = "recorded"

    def __init__(self, times_ns: list[int], error: Exception | None = None, gate: threading.Event | None = None) -> None:
        self._times_ns, self._error, self._gate = times_ns, error, gate
        self.finished = threading.Event()
        self.closed = 0

    def frames(self) -> Iterator[Frame]:
        for sequence, at_ns in enumerate(self._times_ns):
            yield Frame(np.full((32, 32), sequence, np.uint8), at_ns, sequence, None, self.name)
            if self._gate is not None:
                assert self._gate.wait(PATIENCE_S)
        self.finished.set()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.closed += 1


def test_the_newest_frame_wins_and_the_missed_ones_are_counted() -> None:
    gate = threading.Event()
    inner = Recorded(list(range(10)), gate=gate)
    live = LiveSource(inner)
    frames = live.frames()
    assert next(frames).sequence == 0
    gate.set()
    assert inner.finished.wait(PATIENCE_S)
    assert [f.sequence for f in frames] == [9]
    assert live.dropped == 8
    assert live.delivery is Delivery.NEWEST_ONLY
    live.close()


@pytest.mark.parametrize("error", [SourceLostError("unplugged"), SourceError("damaged"), RuntimeError("a bug")])
def test_an_error_reaches_the_reader_after_the_last_frame(error: Exception) -> None:
    live = LiveSource(Recorded([0], error))
    frames = live.frames()
    assert next(frames).sequence == 0
    with pytest.raises(type(error), match=str(error)):
        next(frames)
    live.close()


def test_close_ends_a_waiting_reader_and_the_thread() -> None:
    gate = threading.Event()
    inner = Recorded([0, 1], gate=gate)
    live = LiveSource(inner)
    frames = live.frames()
    next(frames)
    rest: list[Frame] = []
    reader = threading.Thread(target=lambda: rest.extend(frames))
    reader.start()
    threading.Timer(0.02, gate.set).start()
    live.close()
    live.close()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()
    assert rest == []
    assert inner.closed == 2
    assert not [t for t in threading.enumerate() if t.name == "capture recorded"]


def test_a_live_source_is_read_once() -> None:
    live = LiveSource(Recorded([0]))
    assert len(list(live.frames())) == 1
    with pytest.raises(SourceError, match="read once"):
        next(live.frames())


def test_nobody_starts_to_listen_in_the_middle() -> None:
    live = LiveSource(Recorded([0]))
    assert len(list(live.frames())) == 1
    heard: list[Frame] = []
    with pytest.raises(SourceError, match="already being read"):
        live.listen(heard.append)


def test_taking_waits_no_longer_than_asked_and_ends_with_the_source() -> None:
    gate = threading.Event()
    live = LiveSource(Recorded([0, 1], gate=gate))
    first = live.take(PATIENCE_S)
    assert first is not None
    assert first.sequence == 0
    assert live.take(0.0) is None
    gate.set()
    second = live.take(PATIENCE_S)
    assert second is not None
    assert second.sequence == 1
    with pytest.raises(SourceEnded):
        live.take(PATIENCE_S)
    live.close()


def test_a_recording_plays_at_its_own_times() -> None:
    time = ManualTime()
    paced = PacedSource(Recorded([0, 40_000_000, 50_000_000, 150_000_000]), time.clock())
    assert [f.capture_ns for f in paced.frames()] == [5_000, 40_005_000, 50_005_000, 150_005_000]
    assert time.slept_s == pytest.approx([0.04, 0.01, 0.1])


def test_a_slow_reader_of_a_paced_recording_is_not_made_to_wait_more() -> None:
    time = ManualTime()
    frames = PacedSource(Recorded([0, 40_000_000, 80_000_000]), time.clock()).frames()
    next(frames)
    time.now_ns += 60_000_000
    next(frames)
    assert time.slept_s == []
    next(frames)
    assert time.slept_s == pytest.approx([0.02])


def test_close_ends_the_wait_of_a_paced_recording() -> None:
    live = LiveSource(PacedSource(Recorded([0, 3_600_000_000_000])))
    frames = live.frames()
    assert next(frames).sequence == 0
    live.close()
    assert list(frames) == []
    assert not [t for t in threading.enumerate() if t.name == "capture recorded"]


def test_a_lost_camera_is_reported_and_reopened_with_growing_pauses() -> None:
    time = ManualTime()
    first, second = ScriptedCamera(_picture(10), _picture(20)), ScriptedCamera(_picture(30))
    absent = NotFoundError("not there")
    events: list[SourceEvent] = []
    source = ReopeningSource(
        "v4l2:test", _opener(first, absent, absent, SourceError("busy"), second), MEASURED,
        clock=time.clock(), backoff=Backoff(0.25, 0.6), on_event=events.append,
    )  # fmt: skip
    frames = source.frames()
    got = [next(frames) for _ in range(3)]
    assert [f.sequence for f in got] == [0, 1, 2]
    assert [int(f.pixels[0, 0]) for f in got] == [10, 20, 30]
    assert [f.pixels.shape for f in got] == [(50, 40)] * 3
    assert (got[0].x0_px, got[0].y0_px, got[0].scale) == (4, 6, Scale.isotropic(0.1))
    assert time.slept_s == [0.25, 0.5, 0.6, 0.6]
    assert [e.change for e in events] == [SourceChange.LOST, SourceChange.RESTORED]
    assert "back after 1.9 s" in events[1].message
    assert first.closed
    source.close()
    frames.close()  # type: ignore[attr-defined]
    assert second.closed


def test_a_camera_that_is_absent_at_the_start_is_an_error() -> None:
    with pytest.raises(NotFoundError, match="not there"):
        next(ReopeningSource("v4l2:test", _opener(NotFoundError("not there")), PLAIN).frames())


def test_it_gives_up_when_told_to() -> None:
    time = ManualTime()
    opener = _opener(ScriptedCamera(_picture(1)), *[NotFoundError("no video device")] * 20)
    source = ReopeningSource("v4l2:test", opener, PLAIN, clock=time.clock(), backoff=Backoff(1.0, 1.0, give_up_s=3.0))
    frames = source.frames()
    next(frames)
    with pytest.raises(SourceLostError, match="not back after 3 s"):
        next(frames)


def test_close_ends_the_reopening() -> None:
    lost = threading.Event()
    opener = _opener(ScriptedCamera(_picture(1)), *[NotFoundError("gone")] * 50)
    source = ReopeningSource("v4l2:test", opener, PLAIN, backoff=Backoff(3600, 3600), on_event=lambda _: lost.set())
    live = LiveSource(source)
    assert next(live.frames()).sequence == 0
    assert lost.wait(PATIENCE_S)
    live.close()
    assert not [t for t in threading.enumerate() if t.name == "capture v4l2:test"]


@pytest.mark.parametrize("settings", [MEASURED, CaptureSettings(scale=Scale.isotropic(0.1), width_px=64, height_px=64)])
def test_a_scale_is_not_applied_to_another_picture_size(settings: CaptureSettings) -> None:
    source = ReopeningSource("v4l2:test", _opener(ScriptedCamera(_picture(1, side=80))), settings)
    with pytest.raises(SourceError, match="delivers 80x80 pixels, but region and scale are set for 64x64"):
        next(source.frames())


def test_without_region_and_scale_any_size_is_taken() -> None:
    source = ReopeningSource("v4l2:test", _opener(ScriptedCamera(_picture(1, side=80))), PLAIN)
    assert next(source.frames()).pixels.shape == (80, 80)


def _clip(path: Path, frames: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
        for index in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64), 20 * index, np.uint8), format="gray")))
        container.mux(stream.encode())
    return path


def test_a_real_capture_that_ends_is_a_loss_and_comes_back(tmp_path: Path) -> None:
    """cv2.VideoCapture on a clip stands for a grabber that is unplugged after three frames and plugged in again."""
    clip = _clip(tmp_path / "clip.avi", 3)
    time = ManualTime()
    events: list[SourceEvent] = []
    source = ReopeningSource(
        "v4l2:clip", lambda: CapturedCamera(cv2.VideoCapture(str(clip))), PLAIN, clock=time.clock(), on_event=events.append
    )
    frames = source.frames()
    got = [next(frames) for _ in range(7)]
    levels = [round(float(f.pixels.mean()) / 20) for f in got]
    assert levels == [0, 1, 2, 0, 1, 2, 0]
    assert [e.change for e in events] == [SourceChange.LOST, SourceChange.RESTORED] * 2
    source.close()
    assert list(frames) == []


def test_an_absent_device_lists_the_present_ones(tmp_path: Path) -> None:
    (tmp_path / "video2").touch()
    (tmp_path / "video4").touch()
    with pytest.raises(NotFoundError) as caught:
        open_v4l2("video0", PLAIN, folder=tmp_path)
    assert f"{tmp_path}/video0" in str(caught.value)
    assert f"devices present: {tmp_path}/video2, {tmp_path}/video4" in str(caught.value)


def test_no_device_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="devices present: none"):
        open_v4l2("0", PLAIN, folder=tmp_path)


def test_a_file_that_is_no_camera_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "video0").write_text("not a device")
    with pytest.raises(SourceError, match="cannot be opened as a video device"):
        next(open_v4l2("0", PLAIN, folder=tmp_path).frames())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("typed", "path"), [("0", "/dev/video0"), ("video3", "/dev/video3"), ("/dev/v4l/by-id/x", "/dev/v4l/by-id/x")]
)
def test_device_names(typed: str, path: str) -> None:
    assert device_path(typed) == Path(path)


def test_pictures_that_the_driver_dropped_leave_a_gap_in_the_numbers() -> None:
    camera = ScriptedCamera(*(_picture(value) for value in range(4)), missed=(0, 0, 3, 0))
    source = ReopeningSource("camera", _opener(camera), PLAIN, clock=ManualTime().clock())
    frames = source.frames()
    assert [next(frames).sequence for _ in range(4)] == [0, 1, 5, 6]
    source.close()


@pytest.mark.parametrize(
    ("before_ms", "now_ms", "fps_hz", "expected"),
    [
        (None, 5000.0, 25.0, 0),
        (1000.0, 1040.0, 25.0, 0),
        (1000.0, 1058.0, 25.0, 0),
        (1000.0, 1080.0, 25.0, 1),
        (1000.0, 1400.0, 25.0, 9),
        (1000.0, 1033.4, 30.0, 0),
        (1000.0, 1100.0, 0.0, 0),
        (1000.0, 1000.0, 25.0, 0),
        (1000.0, 900.0, 25.0, 0),
    ],
)
def test_missing_pictures_are_told_by_the_drivers_time_stamps(
    before_ms: float | None, now_ms: float, fps_hz: float, expected: int
) -> None:
    assert missed_between(before_ms, now_ms, fps_hz) == expected
