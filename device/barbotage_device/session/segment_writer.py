"""One MCAP file being written: chunks finished when full or when told, every byte hashed on its way, nothing half-written left behind.

The writer of the ``mcap`` package cannot finish a chunk by age nor take back a failed write, so this one stands on its public record classes.
Format: mcap.dev/spec.
"""

import hashlib
import os
import struct
import zlib
from collections import defaultdict
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import zstandard
from mcap import records
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.writer import MCAP0_MAGIC

from barbotage_device.session.files import write_whole
from barbotage_device.session.manifest import Header, Segment
from barbotage_device.session.topics import Plan

MESSAGE_PREFIX_BYTES = 9 + 22
"""Of a message record before its data: opcode and length, then channel, sequence and two times."""
CHUNK_PREFIX_BYTES = 9 + 8 + 8 + 8 + 4 + 4 + 8
"""Of an uncompressed chunk record before its records."""

BLOCK_BYTES = 8 * 1024
"""Of telemetry that a cut in the middle of a chunk may take with it: some four messages; ends of blocks cost under 2 % in size."""


class SegmentWriter:
    """Writes one segment. Every method raises OSError when the disk does; what was written before it stays readable, and it may be tried again."""

    def __init__(self, path: Path, plan: Plan, header: Header) -> None:
        """Creates ``path``, which must not exist."""
        self.path = path
        self.plan = plan
        self._header = header
        self._numbers = {topic.name: number for number, topic in enumerate(plan.topics, 1)}
        self._hash = hashlib.sha256()
        self._size_bytes = 0
        self._chunk = _OpenChunk()
        self._indexes: list[records.ChunkIndex] = []
        self._attachments: list[records.AttachmentIndex] = []
        self._counts: dict[int, int] = defaultdict(int)
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            self._append(MCAP0_MAGIC + self._front())
        except OSError:
            self.abandon()
            path.unlink(missing_ok=True)
            raise

    @property
    def has_open_chunk(self) -> bool:
        """Whether messages wait in memory for their chunk."""
        return self._chunk.messages > 0

    @property
    def is_open(self) -> bool:
        """Whether the file can still be written to."""
        return self._descriptor >= 0

    @property
    def messages(self) -> int:
        """How many messages it was given."""
        return sum(self._counts.values())

    def write(self, topic: str, capture_ns: int, data: bytes, sequence: int = 0) -> int:
        """Adds a message; returns where its data will lie in the file (only true without compression).

        When it raises, the message was not taken.
        """
        if self._chunk.size >= self.plan.chunk_bytes:
            self.finish_chunk()
        number = self._numbers[topic]
        position = self._size_bytes + CHUNK_PREFIX_BYTES + self._chunk.size + MESSAGE_PREFIX_BYTES
        self._chunk.add(number, self._header.log_time_ns(capture_ns), data, sequence & 0xFFFFFFFF)
        self._counts[number] += 1
        self._first_ns = capture_ns if self._first_ns is None else min(self._first_ns, capture_ns)
        self._last_ns = capture_ns if self._last_ns is None else max(self._last_ns, capture_ns)
        return position

    def finish_chunk(self) -> None:
        """Puts the messages that wait into the file as one chunk."""
        if not self._chunk.messages:
            return
        chunk = self._chunk.as_record(self.plan.compression)
        index = records.ChunkIndex(
            message_start_time=chunk.message_start_time,
            message_end_time=chunk.message_end_time,
            chunk_start_offset=self._size_bytes,
            chunk_length=0,
            message_index_offsets={},
            message_index_length=0,
            compression=chunk.compression,
            compressed_size=len(chunk.data),
            uncompressed_size=chunk.uncompressed_size,
        )
        out = RecordBuilder()
        chunk.write(out)
        index.chunk_length = out.count
        for number, entries in self._chunk.entries.items():
            index.message_index_offsets[number] = self._size_bytes + out.count
            records.MessageIndex(number, entries).write(out)
        index.message_index_length = out.count - index.chunk_length
        self._append(_taken(out))
        self._indexes.append(index)
        self._chunk = _OpenChunk()

    def attach(self, name: str, media_type: str, data: bytes) -> None:
        """Adds an attachment after the chunks; the last thing before ``finish``."""
        self.finish_chunk()
        log_time_ns = self._header.log_time_ns(self._last_ns or self._header.started_capture_ns)
        out = RecordBuilder()
        records.Attachment(create_time=log_time_ns, log_time=log_time_ns, name=name, media_type=media_type, data=data).write(out)
        index = records.AttachmentIndex(self._size_bytes, out.count, log_time_ns, log_time_ns, len(data), name, media_type)
        self._append(_taken(out))
        self._attachments.append(index)

    def sync(self) -> None:
        """Asks the disk to keep what is in the file."""
        os.fdatasync(self._descriptor)

    def finish(self) -> Segment:
        """Closes the file with its summary and returns what the manifest says of it."""
        self.finish_chunk()
        end = RecordBuilder()
        records.DataEnd(0).write(end)
        data_end = _taken(end)
        # In one piece, so that it is there or not when the disk fails.
        self._append(data_end + self._summary(self._size_bytes + len(data_end)) + MCAP0_MAGIC)
        os.fsync(self._descriptor)
        self.abandon()
        return Segment(
            name=self.path.name,
            kind=self.plan.kind,
            bytes=self._size_bytes,
            sha256=self._hash.hexdigest(),
            first_ns=self._first_ns,
            last_ns=self._last_ns,
            messages=self.messages,
        )

    def abandon(self) -> None:
        """Gives the file up as it is, without a summary; may be called more than once."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, data: bytes) -> None:
        try:
            write_whole(self._descriptor, data)
        except OSError:
            with suppress(OSError):  # leave a whole record at the end; recovery copes where even this fails
                os.ftruncate(self._descriptor, self._size_bytes)
                os.lseek(self._descriptor, self._size_bytes, os.SEEK_SET)
            raise
        self._hash.update(data)
        self._size_bytes += len(data)

    def _front(self) -> bytes:
        out = RecordBuilder()
        records.Header(profile="", library=f"barbotage mcap/{version('mcap')}").write(out)
        self._write_topics(out)
        return _taken(out)

    def _write_topics(self, out: RecordBuilder) -> tuple[int, int]:
        """Schemas, then channels; returns the bytes of each group."""
        start = out.count
        for number, topic in enumerate(self.plan.topics, 1):
            records.Schema(id=number, name=topic.schema_name, encoding=topic.schema_encoding, data=topic.schema).write(out)
        middle = out.count
        for number, topic in enumerate(self.plan.topics, 1):
            records.Channel(
                id=number, topic=topic.name, message_encoding=topic.message_encoding, metadata={}, schema_id=number
            ).write(out)
        return middle - start, out.count - middle

    def _summary(self, start: int) -> bytes:
        """Summary and footer; ``start`` is where they will lie."""
        out = RecordBuilder()
        schemas, channels = topic_records(self.plan)
        out.write(schemas + channels)
        groups = [(Opcode.SCHEMA, len(schemas)), (Opcode.CHANNEL, len(channels))]
        content: list[tuple[Opcode, list[records.McapRecord]]] = [
            (Opcode.STATISTICS, [self._statistics()]),
            (Opcode.CHUNK_INDEX, list(self._indexes)),
            (Opcode.ATTACHMENT_INDEX, list(self._attachments)),
        ]
        for opcode, group in content:
            before = out.count
            for record in group:
                record.write(out)
            groups.append((opcode, out.count - before))
        position, offsets_start = start, start + out.count
        for opcode, length in groups:
            if length:
                records.SummaryOffset(group_opcode=opcode, group_start=position, group_length=length).write(out)
            position += length
        return _with_footer(_taken(out), start, offsets_start)

    def _statistics(self) -> records.Statistics:
        clock = self._header
        return records.Statistics(
            attachment_count=len(self._attachments),
            channel_count=len(self.plan.topics),
            channel_message_counts=dict(self._counts),
            chunk_count=len(self._indexes),
            message_count=self.messages,
            message_start_time=0 if self._first_ns is None else clock.log_time_ns(self._first_ns),
            message_end_time=0 if self._last_ns is None else clock.log_time_ns(self._last_ns),
            metadata_count=0,
            schema_count=len(self.plan.topics),
        )


def topic_records(plan: Plan) -> tuple[bytes, bytes]:
    """The schema records and the channel records of a segment, numbered from 1 in the plan's order."""
    schemas, channels = RecordBuilder(), RecordBuilder()
    for number, topic in enumerate(plan.topics, 1):
        records.Schema(id=number, name=topic.schema_name, encoding=topic.schema_encoding, data=topic.schema).write(schemas)
        records.Channel(
            id=number, topic=topic.name, message_encoding=topic.message_encoding, metadata={}, schema_id=number
        ).write(channels)
    return _taken(schemas), _taken(channels)


class _OpenChunk:
    """The messages of a chunk not yet in the file."""

    def __init__(self) -> None:
        self._out = RecordBuilder()
        self.entries: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self.messages = 0
        self._start_ns = 0
        self._end_ns = 0
        self._bytes: bytes | None = None

    @property
    def size(self) -> int:
        return len(self._bytes) if self._bytes is not None else self._out.count

    def add(self, number: int, log_time_ns: int, data: bytes, sequence: int) -> None:
        self._reopen()
        self.entries[number].append((log_time_ns, self._out.count))
        records.Message(channel_id=number, log_time=log_time_ns, publish_time=log_time_ns, data=data, sequence=sequence).write(
            self._out
        )
        self._start_ns = min(self._start_ns, log_time_ns) if self.messages else log_time_ns
        self._end_ns = max(self._end_ns, log_time_ns)
        self.messages += 1

    def as_record(self, compression: str) -> records.Chunk:
        if self._bytes is None:
            self._bytes = _taken(self._out)
        content = self._bytes
        return records.Chunk(
            compression=compression,
            data=_in_blocks(content) if compression else content,
            message_start_time=self._start_ns,
            message_end_time=self._end_ns,
            uncompressed_crc=zlib.crc32(content),
            uncompressed_size=len(content),
        )

    def _reopen(self) -> None:
        """After a failed write of the chunk the messages are still here, and more may join them."""
        if self._bytes is not None:
            self._out.write(self._bytes)
            self._bytes = None


def _in_blocks(content: bytes) -> bytes:
    """One zstd frame whose blocks end often, so that what lies before a cut can still be unpacked."""
    compressor = zstandard.ZstdCompressor().compressobj(size=len(content))
    parts: list[bytes] = []
    for start in range(0, len(content), BLOCK_BYTES):
        parts.append(compressor.compress(content[start : start + BLOCK_BYTES]))
        parts.append(compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
    return b"".join([*parts, compressor.flush()])


def _taken(out: RecordBuilder) -> bytes:
    return bytes(out.end())  # type: ignore[no-untyped-call]  # of the mcap package, which annotates all but this


def _with_footer(summary: bytes, summary_start: int, offsets_start: int) -> bytes:
    footer_front = struct.pack("<BQQQ", Opcode.FOOTER, 8 + 8 + 4, summary_start, offsets_start)
    crc = zlib.crc32(footer_front, zlib.crc32(summary))
    out = RecordBuilder()
    records.Footer(summary_start=summary_start, summary_offset_start=offsets_start, summary_crc=crc).write(out)
    return summary + _taken(out)
