"""Video files through PyAV: every frame, grey, with the times stored in the file."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from barbotage_device.capture.frame import Delivery, Frame
from barbotage_device.capture.settings import NS_PER_S, CaptureSettings, Stamp, frame_of, one_line
from barbotage_device.errors import SourceError
from barbotage_models.contract.geometry import GreyImage

END_TOLERANCE_PERIODS = 2.0
"""By how many frame periods a whole file may end before the length it states (rounding, a dropped last frame)."""
_OPEN_OPTIONS = {"protocol_whitelist": "file"}
"""A playlist must not make the decoder open a network address. FFmpeg keeps to this for a local file anyway; here it is stated."""


class VideoSource:
    """A video file. EVERY_FRAME; each pass opens the file anew.

    Colours become luma; limited-range video is stretched to 0..255. A rotation mark of a telephone is not applied.
    """

    delivery = Delivery.EVERY_FRAME

    def __init__(self, path: Path, settings: CaptureSettings) -> None:
        self._path = path
        self._settings = settings

    @property
    def name(self) -> str:
        """The path."""
        return str(self._path)

    def frames(self) -> Iterator[Frame]:
        """Every frame with its own time, from 0.

        Raises SourceError when the file is no video; after the last readable frame when it is damaged or cut short,
        saying how many frames were read and at which time it broke.
        """
        with _opened(self._path) as container:
            progress = _Progress(self._path, _period_s(container.streams.video[0]), _stated_end_s(container))
            for picture, time_s in _decoded(container, progress):
                stamp = Stamp(progress.stamp_ns(time_s), progress.frames_read, self.name)
                progress.frames_read += 1
                yield frame_of(picture, self._settings.region, self._settings.scale, stamp)
        progress.check_end()

    def close(self) -> None:
        """Nothing is held outside a pass over the frames."""


@dataclass(slots=True)
class _Progress:
    path: Path
    period_s: float
    stated_end_s: float | None
    frames_read: int = 0
    end_s: float = 0.0
    last_ns: int = -1

    def stamp_ns(self, time_s: float) -> int:
        """The time in ns, always later than the one before (a damaged index may repeat a time)."""
        self.last_ns = max(self.last_ns + 1, round(time_s * NS_PER_S))
        return self.last_ns

    def broken(self, why: str) -> SourceError:
        return SourceError(
            f"{self.path}: the video is damaged at {self.end_s:.2f} s, after {self.frames_read} readable frames ({why})"
        )

    def check_end(self) -> None:
        if self.frames_read == 0:
            raise SourceError(f"{self.path}: the video has no readable frame")
        if self.stated_end_s is None:
            return
        if self.stated_end_s - self.end_s > END_TOLERANCE_PERIODS * self.period_s:
            raise self.broken(f"it should last {self.stated_end_s:.2f} s")


def _opened(path: Path) -> InputContainer:
    try:
        # An absolute path, since "name:rest" would be taken for a protocol.
        container = av.open(str(path.resolve()), mode="r", options=_OPEN_OPTIONS)
    except (FFmpegError, OSError, ValueError) as error:
        raise SourceError(
            f"{path}: not a readable video ({_reason(error)}); a recording that was cut off may need a repair tool"
        ) from error
    if not container.streams.video:
        container.close()
        raise SourceError(f"{path}: the file has no video in it")
    return container


def _decoded(container: InputContainer, progress: _Progress) -> Iterator[tuple[GreyImage, float]]:
    stream = container.streams.video[0]
    start_s: float | None = None
    try:
        for decoded in _decoded_until_cut(container, stream, progress):
            if decoded.is_corrupt:
                if start_s is None:
                    continue  # before the first whole picture: a recording may begin between two key frames
                raise progress.broken("a frame is incomplete")
            stated_s = _time_s(decoded, stream)
            time_s = progress.end_s + (start_s or 0.0) if stated_s is None else stated_s
            if start_s is None:
                start_s = time_s
            progress.end_s = max(progress.end_s, time_s - start_s + (_duration_s(decoded) or progress.period_s))
            yield np.asarray(decoded.to_ndarray(format="gray"), dtype=np.uint8), time_s - start_s
    except (FFmpegError, OSError, ValueError) as error:
        raise progress.broken(_reason(error)) from error


def _decoded_until_cut(container: InputContainer, stream: VideoStream, progress: _Progress) -> Iterator[VideoFrame]:
    """The decoder's frames up to the first packet that the file holds only in part: decoders fill such a picture up without a word."""
    for packet in container.demux(stream):
        if packet.is_corrupt and progress.frames_read:
            yield from stream.decode(None)  # what the decoder still holds from whole packets
            raise progress.broken("a frame is cut short")
        if not packet.is_corrupt:
            yield from stream.decode(packet)


def _reason(error: BaseException) -> str:
    """What FFmpeg says, without its number and the name of its own function."""
    text = getattr(error, "strerror", None)
    return str(text) if text else one_line(error)


def _duration_s(frame: VideoFrame) -> float | None:
    ticks, base = frame.duration, frame.time_base
    return float(ticks * base) if ticks and base else None


def _time_s(frame: VideoFrame, stream: VideoStream) -> float | None:
    """The frame's time; by the stream's time base, which the last frames out of a decoder that is emptied do not carry themselves."""
    return None if frame.pts is None or not stream.time_base else float(frame.pts * stream.time_base)


def _period_s(stream: VideoStream) -> float:
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    return float(1 / rate)


def _stated_end_s(container: InputContainer) -> float | None:
    """How long the file says that its video lasts, by the most trustworthy of its fields; None when it does not say."""
    stream = container.streams.video[0]
    with suppress(KeyError, ValueError):  # Matroska keeps it as a tag, "00:00:02.400000000"
        hours, minutes, seconds = stream.metadata["DURATION"].split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if container.format.name == "avi" and stream.frames:  # its stream duration is recomputed from what is left
        return stream.frames * _period_s(stream)
    ends = []
    if stream.duration and stream.time_base:
        ends.append(float(stream.duration * stream.time_base))
    if container.duration and (not ends or container.format.name.startswith("mov")):
        ends.append(container.duration / av.time_base)
    return min(ends) if ends and (stream.duration or not container.streams.audio) else None
