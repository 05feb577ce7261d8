"""The files of one session being written, by one thread: segments in step, the event chain, the manifest. No queue, no thread, no clock."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from barbotage_device.session.errors import SessionError
from barbotage_device.session.events import Chain, Event, event_document
from barbotage_device.session.images import image_message
from barbotage_device.session.manifest import Drops, Header, Manifest, Segment, header_document, write_manifest
from barbotage_device.session.segment_writer import SegmentWriter
from barbotage_device.session.summary import summarise
from barbotage_device.session.topics import EVENTS, GEOMETRY, SESSION, plan_of
from barbotage_device.session.video_writer import VideoWriter
from barbotage_models.contract.geometry import GreyImage

Encoder = Callable[[GreyImage], bytes]
"""Grey picture -> bytes in the header's image format; takes no longer than a frame may."""


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One captured frame: the region's pixels, where it lies in the whole picture, and its scale (x, z) or None."""

    pixels: GreyImage
    capture_ns: int
    sequence: int
    x0_px: int
    y0_px: int
    scale_mm_per_px: tuple[float, float] | None


class EncodingError(SessionError):
    """A picture could not be encoded."""


class SessionWriter:
    """Writes a session. Methods raise OSError when the disk does: then what was to be added was not, what is already there stays, and it may be
    tried again, or ``close``.
    """

    def __init__(self, directory: Path, header: Header, encoder: Encoder, segment_ns: int) -> None:
        """Starts the session in ``directory``, which exists and is empty. A new segment begins every ``segment_ns`` of the capture clock."""
        self._directory = directory
        self._header = header
        self._encoder = encoder
        self._segment_ns = segment_ns
        self._segment_end_ns = header.started_capture_ns + segment_ns
        self._number = 0
        self._closed: list[Segment] = []
        self._chain = Chain(header.id)
        self._events: list[Event] = []
        self._frames = 0
        self._geometry: dict[str, Any] | None = None
        self._geometry_due = True
        self._counts: Counter[str] = Counter()
        self._last_ns = header.started_capture_ns
        self._telemetry, self._video = self._open_segments(header.started_capture_ns)
        self._replace_manifest()

    @property
    def last_ns(self) -> int:
        """The latest moment of the capture clock that was written."""
        return self._last_ns

    def event(self, kind: str, at_ns: int, by: str, value: dict[str, Any]) -> None:
        """Adds an event to the chain. Raises TypeError, ValueError for a value that JSON cannot say."""
        event = self._chain.next(kind, at_ns, by, value)
        self.message(EVENTS, at_ns, event_document(event))
        self._chain.accept(event)
        self._events.append(event)

    def message(self, topic: str, capture_ns: int, document: Mapping[str, Any]) -> None:
        """Adds a message to the telemetry. Raises TypeError, ValueError for what JSON cannot say."""
        data = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
        self._advance(capture_ns)
        self._telemetry.write(topic, capture_ns, data, self._counts[topic])
        self._counts[topic] += 1

    def frame(self, frame: RecordedFrame) -> None:
        """Encodes and adds a frame. Raises EncodingError when the encoder fails, SessionError when it gives no picture."""
        try:
            data = self._encoder(frame.pixels)
        except Exception as error:  # whatever an encoder raises, OSError too, is not the disk's
            raise EncodingError(f"{type(error).__name__}: {error}") from error
        self._advance(frame.capture_ns)
        self._note_geometry(frame)
        message = image_message(data, self._header.image_format, self._header.log_time_ns(frame.capture_ns))
        self._video.write(frame.capture_ns, frame.sequence, message)
        self._frames += 1

    def flush(self) -> None:
        """Finishes the open chunks and asks the disk to keep them."""
        for segment in (self._telemetry, self._video.file):
            if segment.has_open_chunk:
                segment.finish_chunk()
                segment.sync()

    def close(self, drops: Drops) -> Manifest:
        """Closes the segments and the manifest, which it returns. May be tried again after an OSError."""
        self._close_segments()
        summary = summarise(self._events, self._frames, self._last_ns - self._header.started_capture_ns)
        manifest = replace(self._manifest(), state="closed", drops=drops, ended_capture_ns=self._last_ns, summary=summary)
        write_manifest(self._directory, manifest)
        return manifest

    def abandon(self) -> Manifest:
        """Lets go of the files as they are, for recovery; returns the manifest as last known."""
        self._telemetry.abandon()
        self._video.file.abandon()
        return self._manifest()

    def _advance(self, capture_ns: int) -> None:
        """Begins new segments when ``capture_ns`` lies beyond the present ones."""
        self._last_ns = max(self._last_ns, capture_ns)
        if capture_ns >= self._segment_end_ns:
            self._close_segments()
            self._segment_end_ns += ((capture_ns - self._segment_end_ns) // self._segment_ns + 1) * self._segment_ns
            self._number += 1
        if not self._telemetry.is_open:
            self._telemetry, self._video = self._open_segments(capture_ns)
            self._replace_manifest()

    def _open_segments(self, capture_ns: int) -> tuple[SegmentWriter, VideoWriter]:
        telemetry = SegmentWriter(self._path("telemetry"), plan_of("telemetry"), self._header)
        try:
            telemetry.write(SESSION, capture_ns, json.dumps(header_document(self._header)).encode(), self._counts[SESSION])
            telemetry.finish_chunk()
            telemetry.sync()
            video = VideoWriter(self._path("video"), self._header)
        except OSError:
            telemetry.abandon()
            telemetry.path.unlink(missing_ok=True)
            raise
        self._counts[SESSION] += 1
        self._geometry_due = True
        return telemetry, video

    def _path(self, kind: str) -> Path:
        return self._directory / f"{kind}-{self._number:04}.mcap"

    def _close_segments(self) -> None:
        if self._video.file.is_open:
            self._closed.append(self._video.finish())
        if self._telemetry.is_open:  # after the video, so that an event can still be written when that fails
            self._closed.append(self._telemetry.finish())

    def _note_geometry(self, frame: RecordedFrame) -> None:
        height_px, width_px = frame.pixels.shape
        scale = frame.scale_mm_per_px
        geometry = {
            "width_px": width_px,
            "height_px": height_px,
            "x0_px": frame.x0_px,
            "y0_px": frame.y0_px,
            "scale_mm_per_px": None if scale is None else list(scale),
        }
        if self._geometry_due or geometry != self._geometry:
            self._geometry, self._geometry_due = geometry, False
            self.message(GEOMETRY, frame.capture_ns, {"sequence": frame.sequence, **geometry})

    def _manifest(self) -> Manifest:
        segments = sorted(self._closed, key=lambda segment: (segment.name.rpartition("-")[2], segment.name))
        return Manifest(header=self._header, state="recording", segments=tuple(segments), events=self._chain.digest)

    def _replace_manifest(self) -> None:
        write_manifest(self._directory, self._manifest())
