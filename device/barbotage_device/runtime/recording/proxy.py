"""The small video of a session: H.264 made from its frames when the procedure is over, for slow links and quick looks."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType

from barbotage_device.capture.encoding import decode
from barbotage_device.errors import SourceError
from barbotage_device.runtime.recording.derived import Progress, add_derived, silent
from barbotage_device.session.errors import SessionError
from barbotage_device.session.images import video_message
from barbotage_device.session.manifest import Segment
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.segment_writer import SegmentWriter
from barbotage_device.session.topics import PROXY, plan_of
from barbotage_models.contract.geometry import GreyImage

PROXY_NAME = "proxy-0000.mcap"
CRF = "23"
"""35 dB against the recorded JPEG at a quarter of its size; measured, see docs/session.md."""
KEY_EVERY_NS = 1_000_000_000
"""A player can start at every full second."""
NOMINAL_RATE_HZ = 30
"""Only x264's rate control asks; the true times are in the messages."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One H.264 access unit in Annex B, and the frame that it shows."""

    data: bytes
    index: int


def make_proxy(path: Path, progress: Progress = silent) -> Segment | None:
    """Makes proxy-0000.mcap of the session at ``path`` and enters it in the manifest; None when the session has no frame.

    ``progress`` hears of the frames done and their number. A proxy already there is replaced. Frames that cannot be read are left out.
    Raises NotFoundError; SessionError when the session must be recovered first or the disk fails.
    """
    return add_derived(path, PROXY_NAME, "the small video", lambda reader, partial: _write(reader, partial, progress))


def _write(reader: SessionReader, partial: Path, progress: Progress) -> Segment:
    header, times_ns, total = reader.manifest.header, reader.capture_ns, reader.frame_count
    writer = SegmentWriter(partial, plan_of("proxy"), header)
    try:
        for number, picture in enumerate(_encoded(reader)):
            at_ns = int(times_ns[picture.index])
            writer.write(PROXY, at_ns, video_message(picture.data, "h264", header.log_time_ns(at_ns)), number)
            progress(picture.index + 1, total)
        return writer.finish()
    finally:
        if writer.is_open:
            writer.abandon()


def _encoded(reader: SessionReader) -> Iterator[Picture]:
    """The session's frames as H.264, in order; a change of their size starts a new stream."""
    encoder: _H264 | None = None
    for index, pixels in _frames(reader):
        even = pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]
        if encoder is not None and encoder.shape != even.shape:
            yield from encoder.finish()
            encoder = None
        encoder = encoder or _H264(even.shape)
        yield from encoder.add(even, index, int(reader.capture_ns[index]))
    if encoder is not None:
        yield from encoder.finish()


def _frames(reader: SessionReader) -> Iterator[tuple[int, GreyImage]]:
    for index in range(reader.frame_count):
        with suppress(SessionError, SourceError):
            yield index, decode(reader.frame(index).data, f"{reader.path}: frame {index}")


class _H264:
    """One stream of pictures of one size. No B-frames: a picture depends on earlier ones only, and comes out in order."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        codec = av.CodecContext.create("libx264", "w")
        assert isinstance(codec, av.VideoCodecContext)  # noqa: S101 - libx264 is a video encoder; narrows the type
        codec.height, codec.width = shape
        codec.pix_fmt = "yuv420p"
        codec.time_base = Fraction(1, NOMINAL_RATE_HZ)
        codec.framerate = Fraction(NOMINAL_RATE_HZ)
        codec.options = {"preset": "veryfast", "crf": CRF, "bf": "0", "g": "100000", "forced-idr": "1"}
        self._codec = codec
        self._key_ns: int | None = None

    def add(self, pixels: GreyImage, index: int, at_ns: int) -> Iterator[Picture]:
        """The pictures that come out when one goes in."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="gray").reformat(format="yuv420p")
        frame.pts = index
        if self._key_ns is None or at_ns - self._key_ns >= KEY_EVERY_NS:
            self._key_ns = at_ns
            frame.pict_type = PictureType.I
        else:
            frame.pict_type = PictureType.NONE
        return self._pictures(frame)

    def finish(self) -> Iterator[Picture]:
        """The pictures that still are inside."""
        return self._pictures(None)

    def _pictures(self, frame: av.VideoFrame | None) -> Iterator[Picture]:
        for packet in self._codec.encode(frame):
            if packet.pts is not None:
                yield Picture(bytes(packet), packet.pts)
