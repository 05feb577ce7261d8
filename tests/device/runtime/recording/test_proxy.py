"""The small video of a session: every frame at its time, playable, entered in the manifest."""

import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from mcap.reader import make_reader

from barbotage_device.capture.encoding import LOSSLESS, decode, encoder_of
from barbotage_device.errors import NotFoundError
from barbotage_device.runtime.progress import Progress
from barbotage_device.runtime.recording.proxy import PROXY_NAME, make_proxy
from barbotage_device.session.audit import verify
from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import claimed
from barbotage_device.session.manifest import Header, read_manifest
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.recorder import RecordedFrame, Recorder

STORED = Path(__file__).parents[3] / "data" / "session-small"
KEY_NAL, SPS_NAL = 5, 7


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORED, tmp_path / "session"))


def _messages(path: Path) -> list[tuple[int, CompressedVideo]]:
    with (path / PROXY_NAME).open("rb") as file:
        found = []
        for _, channel, message in make_reader(file).iter_messages():
            assert channel.topic == "/camera/us_proxy"
            found.append((message.log_time, CompressedVideo.FromString(message.data)))
        return found


def _nal_types(data: bytes) -> list[int]:
    """Of an Annex B access unit."""
    return [part[0] & 31 for part in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]]


def _decoded(messages: list[tuple[int, CompressedVideo]]) -> list[np.ndarray]:
    codec = av.CodecContext.create("h264", "r")
    assert isinstance(codec, av.VideoCodecContext)
    frames = [frame for _, message in messages for frame in codec.decode(av.Packet(message.data))]
    frames += codec.decode(None)
    return [frame.to_ndarray(format="gray") for frame in frames]


def test_every_frame_is_in_it_at_its_time(session: Path) -> None:
    told: list[tuple[int, int]] = []
    segment = make_proxy(session, lambda done, total: told.append((done, total)))
    assert segment is not None
    messages = _messages(session)
    with SessionReader.open(session) as reader:
        header = reader.manifest.header
        assert [at for at, _ in messages] == [header.log_time_ns(int(at)) for at in reader.capture_ns]
        originals = [decode(reader.frame(index).data, "x").astype(int) for index in range(reader.frame_count)]
        assert segment in reader.manifest.segments
    pictures = _decoded(messages)
    assert len(pictures) == 32
    errors = [float(np.abs(picture - original).mean()) for picture, original in zip(pictures, originals, strict=True)]
    assert max(errors) < 12.0, "in order: two neighbouring frames of speckle differ by more"
    assert {message.format for _, message in messages} == {"h264"}
    assert segment.bytes < 0.35 * (session / "video-0000.mcap").stat().st_size
    assert verify(session).problems == ()
    assert told[-1] == (32, 32)
    assert [file.name for file in session.iterdir() if "partial" in file.name] == []


def test_a_player_can_start_at_every_second(session: Path) -> None:
    make_proxy(session)
    starts = [at for at, message in _messages(session) if KEY_NAL in _nal_types(message.data)]
    assert len(starts) == 2
    assert starts[1] - starts[0] == 1_000_000_000
    first = next(message for _, message in _messages(session))
    assert SPS_NAL in _nal_types(first.data)
    assert first.data.startswith((b"\0\0\0\1", b"\0\0\1"))


def test_made_again_it_replaces_the_old_one(session: Path) -> None:
    first, second = make_proxy(session), make_proxy(session)
    assert first == second
    assert len(read_manifest(session).of_kind("proxy")) == 1


def test_odd_and_changing_sizes_are_taken(tmp_path: Path) -> None:
    header = Header("01KE0000000000000000000003", image_format="png")
    recorder = Recorder(tmp_path, header, encoder_of(LOSSLESS))
    shapes = [(65, 81)] * 3 + [(96, 128)] * 2
    for number, shape in enumerate(shapes):
        recorder.frame(RecordedFrame(np.full(shape, 40 * number, np.uint8), number * 40_000_000, number, 0, 0, None))
    recorder.close()
    assert make_proxy(recorder.path) is not None
    assert [picture.shape for picture in _decoded(_messages(recorder.path))] == [(64, 80)] * 3 + [(96, 128)] * 2


def test_a_session_without_frames_has_none(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, Header("01KE0000000000000000000004"), encoder_of(LOSSLESS))
    recorder.close()
    assert make_proxy(recorder.path) is None
    assert not (recorder.path / PROXY_NAME).exists()


def test_nothing_is_touched_while_somebody_else_holds_the_session(session: Path) -> None:
    with claimed(session), pytest.raises(SessionError, match="being recorded"):
        make_proxy(session)
    with pytest.raises(NotFoundError, match="no session there"):
        make_proxy(session / "gone")


def test_progress_is_told_only_when_somebody_would_wonder() -> None:
    now_s = [100.0]
    said: list[str] = []
    progress = Progress("small video", said.append, lambda: now_s[0])
    for done in range(1, 10):
        now_s[0] += 1.0
        progress(done, 10)
    assert said == ["small video: 20%", "small video: 70%"]
