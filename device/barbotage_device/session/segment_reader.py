"""One closed MCAP segment being read by position: its index, its chunks, its attachments. Threads may share it."""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import zstandard
from mcap import records
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.writer import MCAP0_MAGIC

from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import read_at

RECORD_PREFIX = struct.Struct("<BQ")
MESSAGE_FRONT = struct.Struct("<HIQQ")
CHUNK_FRONT = struct.Struct("<QQQII")
"""Start and end time, uncompressed size and CRC, length of the compression's name."""
FOOTER = struct.Struct("<QQI")
END_BYTES = RECORD_PREFIX.size + FOOTER.size + len(MCAP0_MAGIC)
CHUNK_LIMIT_BYTES = 64 * 1024 * 1024
"""No writer of ours makes chunks near this size; a larger one is damage, not data."""


class DamageError(SessionError):
    """Part of a segment cannot be trusted."""


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Where a chunk lies and what it holds; times are log times in ns."""

    offset: int
    length: int
    first_ns: int
    last_ns: int
    channels: frozenset[int] | None
    """The channels it has messages of; None when that is not known without reading it."""


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A message as stored."""

    channel: int
    sequence: int
    log_time_ns: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SegmentIndex:
    """What the summary of a segment says."""

    topics: dict[str, int]
    chunks: tuple[ChunkPlace, ...]
    attachments: tuple[records.AttachmentIndex, ...]


class SegmentFile:
    """An open segment. Raises SessionError when the file is not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise SessionError(f"{path}: cannot be opened ({error.strerror}); recover the session") from error
        self.size_bytes = os.fstat(self._descriptor).st_size

    def close(self) -> None:
        """Closes the file; may be called more than once."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes. Raises DamageError at the end of the file."""
        if offset + length > self.size_bytes:
            raise DamageError(f"{self.path.name}: ends at byte {self.size_bytes}, needs {offset + length}")
        try:
            data = read_at(self._descriptor, length, offset)
        except OSError as error:
            raise DamageError(f"{self.path.name}: byte {offset} cannot be read ({error.strerror})") from error
        if len(data) != length:
            raise DamageError(f"{self.path.name}: cut short at byte {offset + len(data)}")
        return data

    def index(self) -> SegmentIndex:
        """The summary at the end of the file. Raises DamageError when there is none that holds."""
        if self.size_bytes < END_BYTES + len(MCAP0_MAGIC):
            raise DamageError(f"{self.path.name}: has no end")
        end = self.read(self.size_bytes - END_BYTES, END_BYTES)
        opcode, length = RECORD_PREFIX.unpack_from(end)
        start, _, crc = FOOTER.unpack_from(end, RECORD_PREFIX.size)
        if (
            not end.endswith(MCAP0_MAGIC)
            or (opcode, length) != (Opcode.FOOTER, FOOTER.size)
            or not 0 < start <= self.size_bytes - END_BYTES
        ):
            raise DamageError(f"{self.path.name}: has no end")
        summary = self.read(start, self.size_bytes - END_BYTES - start)
        if zlib.crc32(end[: -len(MCAP0_MAGIC) - 4], zlib.crc32(summary)) != crc:
            raise DamageError(f"{self.path.name}: its summary is damaged")
        return _parse_summary(summary)

    def messages(self, chunk: ChunkPlace) -> Iterator[RawMessage]:
        """The messages of a chunk, in order. Raises DamageError before the first when its checksum does not hold."""
        return messages_in(chunk_content(self.read(chunk.offset, chunk.length), self.path.name))

    def attachment(self, index: records.AttachmentIndex) -> bytes:
        """An attachment's data. Raises DamageError when its checksum does not hold."""
        record = self.read(index.offset, index.length)
        (crc,) = struct.unpack_from("<I", record, len(record) - 4)
        if zlib.crc32(memoryview(record)[RECORD_PREFIX.size : -4]) != crc:
            raise DamageError(f"{self.path.name}: its {index.name} table is damaged")
        return bytes(records.Attachment.read(ReadDataStream(BytesIO(record[RECORD_PREFIX.size :]))).data)


def chunk_content(record: bytes, where: str) -> bytes:
    """The uncompressed records of a whole chunk record. Raises DamageError when it is not one whose checksum holds."""
    try:
        opcode, length = RECORD_PREFIX.unpack_from(record)
        _, _, size, crc, name_length = CHUNK_FRONT.unpack_from(record, RECORD_PREFIX.size)
        position = RECORD_PREFIX.size + CHUNK_FRONT.size
        compression = record[position : position + name_length]
        (data_length,) = struct.unpack_from("<Q", record, position + name_length)
    except struct.error as error:
        raise DamageError(f"{where}: a chunk is cut short") from error
    data = memoryview(record)[position + name_length + 8 :]
    if (
        opcode != Opcode.CHUNK
        or length != len(record) - RECORD_PREFIX.size
        or data_length != len(data)
        or size > CHUNK_LIMIT_BYTES
    ):
        raise DamageError(f"{where}: a chunk is damaged")
    content = _uncompressed(data, bytes(compression), size, where)
    if len(content) != size or zlib.crc32(content) != crc:
        raise DamageError(f"{where}: a chunk is damaged")
    return content


def _uncompressed(data: memoryview, compression: bytes, size: int, where: str) -> bytes:
    if compression == b"":
        return bytes(data)
    if compression != b"zstd":
        raise DamageError(f"{where}: a chunk is damaged")
    try:
        return bytes(zstandard.ZstdDecompressor().decompress(data, max_output_size=size))
    except zstandard.ZstdError as error:
        raise DamageError(f"{where}: a chunk is damaged") from error


def messages_in(content: bytes) -> Iterator[RawMessage]:
    """The messages of a chunk's records, in order; stops at the first that is not whole."""
    position, end = 0, len(content)
    while position + RECORD_PREFIX.size <= end:
        opcode, length = RECORD_PREFIX.unpack_from(content, position)
        position += RECORD_PREFIX.size
        if position + length > end:
            return
        if opcode == Opcode.MESSAGE and length >= MESSAGE_FRONT.size:
            channel, sequence, log_time_ns, _ = MESSAGE_FRONT.unpack_from(content, position)
            yield RawMessage(channel, sequence, log_time_ns, content[position + MESSAGE_FRONT.size : position + length])
        position += length


def _parse_summary(summary: bytes) -> SegmentIndex:
    topics: dict[str, int] = {}
    chunks: list[ChunkPlace] = []
    attachments: list[records.AttachmentIndex] = []
    position = 0
    while position + RECORD_PREFIX.size <= len(summary):
        opcode, length = RECORD_PREFIX.unpack_from(summary, position)
        position += RECORD_PREFIX.size
        payload = summary[position : position + length]
        position += length
        if opcode == Opcode.CHUNK_INDEX:
            chunks.append(_chunk_place(payload))
        elif opcode == Opcode.CHANNEL:
            channel = records.Channel.read(ReadDataStream(BytesIO(payload)))
            topics[channel.topic] = channel.id
        elif opcode == Opcode.ATTACHMENT_INDEX:
            attachments.append(records.AttachmentIndex.read(ReadDataStream(BytesIO(payload))))
    return SegmentIndex(topics, tuple(chunks), tuple(attachments))


def _chunk_place(payload: bytes) -> ChunkPlace:
    first_ns, last_ns, offset, length, map_bytes = struct.unpack_from("<QQQQI", payload)
    numbers = struct.iter_unpack("<HQ", payload[36 : 36 + map_bytes])
    return ChunkPlace(offset, length, first_ns, last_ns, frozenset(number for number, _ in numbers))
