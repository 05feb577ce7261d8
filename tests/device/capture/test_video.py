"""Video files written with PyAV, whole and damaged at byte level."""

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from barbotage_device.capture.files import open_file
from barbotage_device.capture.frame import Frame
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.capture.video import VideoSource
from barbotage_device.errors import SourceError

SETTINGS = CaptureSettings()
FRAMES = 40
FASTSTART = {"movflags": "faststart"}


@dataclass(frozen=True)
class Format:
    ending: str
    codec: str
    pixel_format: str
    faststart: bool = False

    def __str__(self) -> str:
        return f"{self.codec}-{self.ending}"


FORMATS = [
    Format("mp4", "libx264", "yuv420p", True),
    Format("m4v", "mpeg4", "yuv420p", True),
    Format("avi", "mjpeg", "yuvj420p"),
    Format("avi", "mpeg4", "yuv420p"),
    Format("mkv", "ffv1", "gray"),
    Format("mkv", "libx264", "yuv420p"),
    Format("webm", "libvpx", "yuv420p"),
]


def _write(path: Path, form: Format, frames: int = FRAMES, ticks: list[int] | None = None) -> Path:
    """Bars of 0, 128 and 255, some noise below, and a bright column at x = 2 * frame; 25 frames a second unless ``ticks`` (ms)."""
    with av.open(str(path), "w", options=FASTSTART if form.faststart else {}) as container:
        stream = container.add_stream(form.codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.thread_count = 1
        stream.options = {"preset": "ultrafast", "deadline": "realtime", "cpu-used": "8"} if form.codec.startswith("lib") else {}
        stream.width, stream.height, stream.pix_fmt = 160, 120, form.pixel_format
        if ticks:
            stream.codec_context.time_base = Fraction(1, 1000)
        for index in range(frames):
            picture = np.zeros((120, 160), np.uint8)
            picture[:, 60:110], picture[:, 110:] = 128, 255
            picture[90:] = np.random.default_rng(index).integers(0, 256, (30, 160))
            frame = av.VideoFrame.from_ndarray(picture, format="gray")
            if ticks:
                frame.pts, frame.time_base = ticks[index], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[Format, bytes]:
    """One clip of each format, encoded once."""
    folder = tmp_path_factory.mktemp("clips")
    return {form: _write(folder / f"{form}.{form.ending}", form).read_bytes() for form in FORMATS}


def _collect(path: Path) -> tuple[list[Frame], str]:
    """The frames that come, and the error after them ('' when there is none)."""
    frames: list[Frame] = []
    try:
        for frame in open_file(path, SETTINGS).frames():
            frames.append(frame)  # noqa: PERF402 - extend would lose the frames before the error
    except SourceError as error:
        return frames, str(error)
    return frames, ""


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_every_frame_comes_with_its_time_and_full_range_grey(tmp_path: Path, clips: dict[Format, bytes], form: Format) -> None:
    path = tmp_path / f"v.{form.ending}"
    path.write_bytes(clips[form])
    frames, error = _collect(path)
    assert error == ""
    assert [f.sequence for f in frames] == list(range(FRAMES))
    assert [round(f.capture_ns / 1e6) for f in frames] == [40 * i for i in range(FRAMES)]
    levels = frames[5].pixels[30, [30, 90, 140]].astype(int)
    assert np.abs(levels - [0, 128, 255]).max() <= 3


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    ticks = [0, 20, 100, 101, 400, 1000]
    frames, error = _collect(_write(tmp_path / "v.mkv", Format("mkv", "ffv1", "gray"), len(ticks), ticks))
    assert error == ""
    assert [f.capture_ns // 1_000_000 for f in frames] == ticks


@pytest.mark.parametrize("form", FORMATS, ids=str)
@pytest.mark.parametrize("kept", [0.4, 0.8])
def test_a_video_cut_short_gives_its_whole_frames_and_then_the_place(
    tmp_path: Path, clips: dict[Format, bytes], form: Format, kept: float
) -> None:
    data = clips[form]
    whole = tmp_path / f"v.{form.ending}"
    whole.write_bytes(data)
    intact = {frame.capture_ns: frame.pixels for frame in _collect(whole)[0]}
    whole.write_bytes(data[: int(len(data) * kept)])
    frames, error = _collect(whole)
    assert all(np.array_equal(frame.pixels, intact[frame.capture_ns]) for frame in frames)
    assert 5 < len(frames) < FRAMES
    assert f"after {len(frames)} readable frames" in error
    assert f"damaged at {frames[-1].capture_ns / 1e9 + 0.04:.2f} s" in error
    assert "\n" not in error


@pytest.mark.parametrize("form", [*(f for f in FORMATS if f.faststart), Format("avi", "mpeg4", "yuv420p")], ids=str)
def test_a_hole_in_the_middle_stops_there(tmp_path: Path, clips: dict[Format, bytes], form: Format) -> None:
    path = tmp_path / f"v.{form.ending}"
    data = bytearray(clips[form])
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(data)
    frames, error = _collect(path)
    assert 5 < len(frames) < FRAMES
    assert f"after {len(frames)} readable frames" in error


BAD = [
    ("no_index.mp4", b"\0\0\0\x18ftypisom" + bytes(2000), "not a readable video"),
    ("text.mp4", b"hello" * 200, "not a readable video"),
    ("mark_only.mkv", b"\x1a\x45\xdf\xa3", "not a readable video"),
    ("mark_only.gif", b"GIF89a", "not a readable video"),
]


@pytest.mark.parametrize(("name", "content", "fragment"), BAD, ids=[row[0] for row in BAD])
def test_what_is_no_video_gets_one_clear_line(tmp_path: Path, name: str, content: bytes, fragment: str) -> None:
    (tmp_path / name).write_bytes(content)
    frames, error = _collect(tmp_path / name)
    assert frames == []
    assert fragment in error
    assert name in error
    assert "\n" not in error


def test_an_mp4_without_its_index_is_told(tmp_path: Path) -> None:
    path = _write(tmp_path / "v.mp4", Format("mp4", "libx264", "yuv420p"))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    frames, error = _collect(path)
    assert frames == []
    assert "a recording that was cut off" in error


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    _, error = _collect(path)
    assert "no video in it" in error


def test_a_playlist_does_not_reach_the_network(tmp_path: Path) -> None:
    visits: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with suppress(OSError):
                connection, address = server.accept()
                visits.append(address)
                with connection:
                    connection.sendall(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                server.close()

        listener = threading.Thread(target=answer, daemon=True)
        listener.start()
        path = tmp_path / "list.m3u8"
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n")
        with pytest.raises(SourceError, match=r"list\.m3u8"):
            list(VideoSource(path, SETTINGS).frames())
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        listener.join(10)
    assert visits == []


def test_a_second_pass_starts_again(tmp_path: Path) -> None:
    source = open_file(_write(tmp_path / "v.mkv", Format("mkv", "ffv1", "gray"), 5), SETTINGS)
    first = next(iter(source.frames()))
    assert len(list(source.frames())) == 5
    assert np.array_equal(first.pixels, next(iter(source.frames())).pixels)
    source.close()
    source.close()


def test_a_cut_after_the_index_keeps_the_frames_that_the_decoder_still_held(tmp_path: Path) -> None:
    # H.264 with reordered frames and its index at the front, as the demo writes it: the last frames come when the decoder is emptied.
    whole = tmp_path / "whole.mp4"
    with av.open(str(whole), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=20)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        rng = np.random.default_rng(0)
        for _ in range(40):
            picture = rng.integers(0, 255, (240, 320, 3), dtype=np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    seen: list[Frame] = []
    with pytest.raises(SourceError, match=r"damaged at \d+\.\d+ s, after \d+ readable frames"):
        seen.extend(VideoSource(cut, CaptureSettings()).frames())
    assert 10 < len(seen) < 30
    assert [frame.capture_ns for frame in seen] == [
        pytest.approx(number * 50_000_000, abs=1_000_000) for number in range(len(seen))
    ]
