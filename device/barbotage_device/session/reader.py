"""A closed session being read: any frame by number in one read, messages chunk by chunk, never a whole file in memory."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from barbotage_device.errors import InvalidInputError, NotFoundError
from barbotage_device.session.catalogue import is_session
from barbotage_device.session.errors import SessionError
from barbotage_device.session.events import Event, parse_event
from barbotage_device.session.fields import Fields
from barbotage_device.session.files import is_claimed
from barbotage_device.session.frame_table import TABLE_NAME, FrameTable, unpack_table
from barbotage_device.session.manifest import Manifest, read_manifest, recovery_advice
from barbotage_device.session.salvage import chunk_places, found_table
from barbotage_device.session.segment_reader import DamageError, SegmentFile, SegmentIndex
from barbotage_device.session.topics import EVENTS, GEOMETRY, TELEMETRY_TOPICS

Int64Array = npt.NDArray[np.int64]
TELEMETRY_NUMBERS = {name: number for number, name in enumerate(TELEMETRY_TOPICS, 1)}


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One frame as recorded: ``data`` in ``image_format`` (jpeg or png), its time on the capture clock and its number at the source."""

    data: bytes
    image_format: str
    capture_ns: int
    sequence: int


@dataclass(frozen=True, slots=True)
class TopicMessage:
    """One telemetry message."""

    capture_ns: int
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Geometry:
    """The recorded frames' size, place in the whole picture and scale (x, z), from frame number ``sequence`` on."""

    sequence: int
    width_px: int
    height_px: int
    x0_px: int
    y0_px: int
    scale_mm_per_px: tuple[float, float] | None


class SessionReader:
    """Reads one session; made by ``open``. Threads may share it."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._damage: list[str] = []
        self._damage_lock = Lock()
        self._telemetry = [SegmentFile(path / each.name) for each in manifest.of_kind("telemetry")]
        self._video = [SegmentFile(path / each.name) for each in manifest.of_kind("video")]
        self._tables = [self._table(file) for file in self._video]
        self._ends = np.cumsum([len(table) for table in self._tables], dtype=np.int64)

    @classmethod
    def open(cls, path: Path) -> "SessionReader":
        """Opens the session at ``path``. Raises NotFoundError, and SessionError when it must be recovered first."""
        if not is_session(path):
            raise NotFoundError(f"{path}: no session there; give the folder that holds session.json")
        manifest = read_manifest(path)
        if manifest.state == "recording":
            if is_claimed(path):
                raise SessionError(f"{path}: is being recorded; open it when the recording has ended")
            raise SessionError(f"{path}: was cut off while recording; {recovery_advice(path)}")
        for segment in manifest.segments:
            file = path / segment.name
            if not file.is_file() or file.stat().st_size != segment.bytes:
                raise SessionError(f"{file}: missing or not of {segment.bytes} bytes; {recovery_advice(path)}")
        return cls(path, manifest)

    def close(self) -> None:
        """Closes the files; may be called more than once."""
        for file in (*self._telemetry, *self._video):
            file.close()

    def __enter__(self) -> "SessionReader":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def damage(self) -> tuple[str, ...]:
        """What was skipped so far because it is damaged, in words."""
        with self._damage_lock:
            return tuple(self._damage)

    @property
    def frame_count(self) -> int:
        """How many frames were recorded."""
        return int(self._ends[-1]) if len(self._ends) else 0

    @cached_property
    def capture_ns(self) -> Int64Array:
        """The frames' times on the capture clock, (n,)."""
        return self._column("capture_ns")

    @cached_property
    def sequences(self) -> Int64Array:
        """The frames' numbers at the source, (n,); a gap is a frame that was not recorded."""
        return self._column("sequence")

    @cached_property
    def frame_bytes(self) -> Int64Array:
        """How long each frame is as recorded, (n,)."""
        return self._column("length")

    def frame(self, index: int) -> EncodedFrame:
        """The frame as recorded. Raises InvalidInputError out of range, SessionError when it is damaged."""
        if not 0 <= index < self.frame_count:
            raise InvalidInputError(f"there is no frame {index}; the session has {self.frame_count}, from 0")
        which = int(np.searchsorted(self._ends, index, side="right"))
        table = self._tables[which]
        row = table[index - int(self._ends[which]) + len(table)]
        data = self._video[which].read(int(row["offset"]), int(row["length"]))
        if zlib.crc32(data) != row["crc32"]:
            raise DamageError(f"{self.path}: frame {index} is damaged; {recovery_advice(self.path)}")
        return EncodedFrame(data, self.manifest.header.image_format, int(row["capture_ns"]), int(row["sequence"]))

    def messages(self, topic: str, start_ns: int | None = None, end_ns: int | None = None) -> Iterator[TopicMessage]:
        """The topic's messages with start_ns <= capture_ns < end_ns, in the order recorded; what is damaged is skipped (see ``damage``)."""
        header = self.manifest.header
        first = 0 if start_ns is None else header.log_time_ns(start_ns)
        last = np.iinfo(np.int64).max if end_ns is None else header.log_time_ns(end_ns) - 1
        for file, index in zip(self._telemetry, self._indexes, strict=True):
            number = index.topics.get(topic)
            for chunk in index.chunks:
                if (
                    number is None
                    or chunk.first_ns > last
                    or chunk.last_ns < first
                    or number not in (chunk.channels or (number,))
                ):
                    continue
                try:
                    for message in file.messages(chunk):
                        if message.channel == number and first <= message.log_time_ns <= last:
                            yield TopicMessage(header.capture_time_ns(message.log_time_ns), json.loads(message.data))
                except (DamageError, ValueError) as error:
                    self._note(str(error))

    def events(self) -> list[Event]:
        """The events in order; those that cannot be read are left out (see ``damage``)."""
        found: list[Event] = []
        for message in self.messages(EVENTS):
            try:
                found.append(parse_event(message.value))
            except SessionError as error:
                self._note(str(error))
        return found

    def geometry_at(self, sequence: int) -> Geometry | None:
        """The geometry of the frame with this number; None before the first known."""
        known = [geometry for geometry in self.geometries if geometry.sequence <= sequence]
        return known[-1] if known else None

    @cached_property
    def geometries(self) -> tuple[Geometry, ...]:
        """Every change of the frames' geometry, in order."""
        changes: list[Geometry] = []
        for message in self.messages(GEOMETRY):
            fields = Fields(message.value, "/geometry")
            geometry = Geometry(
                fields.whole("sequence"),
                fields.whole("width_px"),
                fields.whole("height_px"),
                fields.whole("x0_px"),
                fields.whole("y0_px"),
                fields.pair_or_none("scale_mm_per_px"),
            )
            if not changes or _shape(changes[-1]) != _shape(geometry):
                changes.append(geometry)
        return tuple(changes)

    @cached_property
    def _indexes(self) -> list[SegmentIndex]:
        return [self._index(file) for file in self._telemetry]

    def _index(self, file: SegmentFile) -> SegmentIndex:
        try:
            return file.index()
        except DamageError as error:
            self._note(str(error))
            return SegmentIndex(TELEMETRY_NUMBERS, tuple(chunk_places(file)), ())

    def _table(self, file: SegmentFile) -> FrameTable:
        try:
            for attachment in file.index().attachments:
                if attachment.name == TABLE_NAME:
                    return unpack_table(file.attachment(attachment))
        except SessionError as error:
            self._note(str(error))
        return found_table(file, self.manifest.header)

    def _column(self, name: str) -> Int64Array:
        columns = [table[name].astype(np.int64) for table in self._tables]
        return np.concatenate(columns) if columns else np.empty(0, np.int64)

    def _note(self, words: str) -> None:
        with self._damage_lock:
            if words not in self._damage:
                self._damage.append(words)


def _shape(geometry: Geometry) -> tuple[object, ...]:
    return (geometry.width_px, geometry.height_px, geometry.x0_px, geometry.y0_px, geometry.scale_mm_per_px)
