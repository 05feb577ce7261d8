"""A range of a session as an MP4 (H.264): with the overlay as the bedside screen drew it, or the recorded frames alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from barbotage_device.bedside.texts import Language
from barbotage_device.capture.session_source import recorded_frame
from barbotage_device.errors import InvalidInputError
from barbotage_device.session.reader import SessionReader
from barbotage_host.review.frames import FrameIndex
from barbotage_host.review.overlay import MOST_FRAMES, overlay
from barbotage_host.review.pictures import Artist, Picture

Progress = Callable[[int, int], None]

TIME_BASE = Fraction(1, 90_000)
"""Of MPEG video (ISO/IEC 13818-1: a 90 kHz clock): every frame keeps its own capture time."""
USUAL_RATE_HZ = 25.0
CRF = "20"
"""x264: visually close to the source; speckle needs more bits than 23, the default, gives it."""


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """Which frames (``first`` to before ``end``; None: the last), with the overlay or without, in which language."""

    out: Path
    first: int = 0
    end: int | None = None
    with_overlay: bool = True
    language: Language = Language.EN


def write_video(reader: SessionReader, request: VideoRequest, progress: Progress) -> dict[str, Any]:
    """Writes the video; ``{"frames", "seconds", "width_px", "height_px"}``. The file appears when it is complete.

    With the overlay, a frame that was not processed live keeps the picture of the last one that was, as the screen did.
    Raises InvalidInputError for an empty range.
    """
    index = FrameIndex.of(reader)
    end = len(index) if request.end is None else min(request.end, len(index))
    if not 0 <= request.first < end:
        raise InvalidInputError(f"no frames from {request.first} to {end}; this session has {len(index)}")
    frames = range(request.first, end)
    pictures = _drawn(reader, index, frames, request.language) if request.with_overlay else _plain(reader, frames)
    partial = request.out.with_name(f".{request.out.name}.partial")
    try:
        size = _encode(partial, pictures, index, frames, progress)
        partial.replace(request.out)
    finally:
        partial.unlink(missing_ok=True)
    seconds = round(index.seconds(int(index.capture_ns[end - 1])) - index.seconds(int(index.capture_ns[request.first])), 3)
    return {"frames": len(frames), "seconds": seconds, "width_px": size[0], "height_px": size[1]}


def _encode(path: Path, pictures: Iterator[Picture], index: FrameIndex, frames: range, progress: Progress) -> tuple[int, int]:
    first = next(pictures)
    width, height = first.shape[1] // 2 * 2, first.shape[0] // 2 * 2
    rate = Fraction(index.rate_hz() or USUAL_RATE_HZ).limit_denominator(1000)
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = TIME_BASE
        stream.options = {"preset": "veryfast", "crf": CRF}
        start_ns = int(index.capture_ns[frames[0]])
        last = -1
        for number, picture in zip(frames, _with_first(first, pictures), strict=True):
            cut = np.ascontiguousarray(picture[:height, :width])
            image = av.VideoFrame.from_ndarray(cut, format="gray" if cut.ndim == 2 else "bgr24")
            last = image.pts = max(last + 1, round((int(index.capture_ns[number]) - start_ns) * TIME_BASE.denominator / 1e9))
            image.time_base = TIME_BASE
            container.mux(stream.encode(image))
            progress(number - frames[0] + 1, len(frames))
        container.mux(stream.encode())
    return width, height


def _with_first(first: Picture, others: Iterator[Picture]) -> Iterator[Picture]:
    yield first
    yield from others


def _plain(reader: SessionReader, frames: range) -> Iterator[Picture]:
    """The recorded frames; one of another size (the region was changed) is fitted onto that of the first."""
    shape: tuple[int, ...] | None = None
    for number in frames:
        pixels = recorded_frame(reader, number).pixels
        shape = shape or pixels.shape
        yield pixels if pixels.shape == shape else _fitted(pixels, shape)


def _fitted(pixels: Picture, shape: tuple[int, ...]) -> Picture:
    fitted = np.zeros(shape, np.uint8)
    height, width = min(shape[0], pixels.shape[0]), min(shape[1], pixels.shape[1])
    fitted[:height, :width] = pixels[:height, :width]
    return fitted


def _drawn(reader: SessionReader, index: FrameIndex, frames: range, language: Language) -> Iterator[Picture]:
    artist = Artist(language)
    shown: Picture | None = None
    for start in range(frames.start, frames.stop, MOST_FRAMES):
        for known in overlay(reader, index, start, min(MOST_FRAMES, frames.stop - start)):
            if known["guidance"] is not None or shown is None:
                shown = artist.draw(recorded_frame(reader, known["frame"]), known)
            yield shown
