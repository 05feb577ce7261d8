"""What can still be read of a cut or damaged segment: whole chunks found again after damage, the front of a torn one, single frames."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import zstandard
from mcap.opcode import Opcode

from barbotage_device.session.frame_table import ROW, FrameTable
from barbotage_device.session.images import data_span
from barbotage_device.session.manifest import Header
from barbotage_device.session.segment_reader import (
    CHUNK_FRONT,
    CHUNK_LIMIT_BYTES,
    MESSAGE_FRONT,
    RECORD_PREFIX,
    ChunkPlace,
    DamageError,
    SegmentFile,
    chunk_content,
    messages_in,
)

MAGIC_BYTES = 8
WINDOW_BYTES = 1024 * 1024
"""How much of the file is looked at at once when a record's beginning is searched."""
CHUNK_START = re.compile(rb"\x06(?=.{4}\x00{4})", re.DOTALL)
"""A chunk record's opcode and a length below 4 GiB."""
UNCOMPRESSED_HEAD_BYTES = RECORD_PREFIX.size + CHUNK_FRONT.size + 8
CHUNK_HEAD_BYTES = RECORD_PREFIX.size + CHUNK_FRONT.size + len(b"zstd") + 8
INDEX_FRONT = struct.Struct("<HI")
INDEX_ENTRY_BYTES = 16
DATA_END_BYTES = 4
DATA_OPCODES = frozenset(
    {Opcode.HEADER, Opcode.SCHEMA, Opcode.CHANNEL, Opcode.CHUNK, Opcode.MESSAGE_INDEX, Opcode.ATTACHMENT, Opcode.DATA_END}
)
"""What our writer puts before the summary."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a segment. ``content``: the records of a chunk that can be trusted; empty where there is nothing to be had."""

    kind: Literal["chunk", "torn", "damage"]
    offset: int
    length: int
    content: bytes = b""


def pieces(file: SegmentFile) -> Iterator[Piece]:
    """The chunks of a segment in order, with the damaged stretches between them; reads one chunk at a time and never fails for what it finds."""
    position = MAGIC_BYTES
    while position < file.size_bytes:
        opcode, length = _prefix(file, position)
        end = position + RECORD_PREFIX.size + length
        if opcode == Opcode.DATA_END and length == DATA_END_BYTES:
            return
        if opcode == Opcode.CHUNK and _is_chunk_head(file, position, length):
            piece = _chunk(file, position, end)
        elif _is_other_record(file, opcode, position, length):
            position = end
            continue
        else:
            piece = None
        if piece is None:
            found = _next_chunk(file, position + 1)
            piece = Piece("damage", position, found - position)
        yield piece
        position = piece.offset + piece.length


def chunk_places(file: SegmentFile) -> Iterator[ChunkPlace]:
    """The chunks that can be trusted, for a segment whose summary cannot."""
    for piece in pieces(file):
        if piece.kind == "chunk":
            times = [message.log_time_ns for message in messages_in(piece.content)]
            yield ChunkPlace(piece.offset, piece.length, min(times, default=0), max(times, default=0), None)


def found_table(file: SegmentFile, header: Header) -> FrameTable:
    """The table of the frames in the chunks that can be trusted, for a video segment that has lost its own."""
    rows: list[tuple[int, int, int, int, int]] = []
    for piece in pieces(file):
        position = piece.offset + UNCOMPRESSED_HEAD_BYTES
        for message in messages_in(piece.content) if piece.kind == "chunk" else ():
            position += RECORD_PREFIX.size + MESSAGE_FRONT.size
            offset, length = data_span(message.data)
            crc32 = zlib.crc32(memoryview(message.data)[offset : offset + length])
            rows.append((header.capture_time_ns(message.log_time_ns), message.sequence, position + offset, length, crc32))
            position += len(message.data)
    return np.array(rows, ROW)


def index_holds(file: SegmentFile) -> bool:
    """Whether the message indexes behind every chunk say where its messages are. The segment has no damaged chunk."""
    for piece in pieces(file):
        entries: dict[int, list[tuple[int, int]]] = {}
        position = 0
        for message in messages_in(piece.content):
            entries.setdefault(message.channel, []).append((message.log_time_ns, position))
            position += RECORD_PREFIX.size + MESSAGE_FRONT.size + len(message.data)
        expected = b"".join(_index_record(channel, each) for channel, each in entries.items())
        place = piece.offset + piece.length
        if file.read(place, min(len(expected), file.size_bytes - place)) != expected:
            return False
    return True


def _index_record(channel: int, entries: list[tuple[int, int]]) -> bytes:
    payload = INDEX_FRONT.pack(channel, len(entries) * INDEX_ENTRY_BYTES) + b"".join(
        struct.pack("<QQ", *entry) for entry in entries
    )
    return RECORD_PREFIX.pack(Opcode.MESSAGE_INDEX, len(payload)) + payload


def _prefix(file: SegmentFile, position: int) -> tuple[int, int]:
    if position + RECORD_PREFIX.size > file.size_bytes:
        return 0, 0
    opcode, length = RECORD_PREFIX.unpack(file.read(position, RECORD_PREFIX.size))
    return opcode, length


def _is_chunk_head(file: SegmentFile, position: int, length: int) -> bool:
    """Whether the lengths inside a chunk's head agree with one another, which damage to any of them breaks."""
    head = file.read(position, min(CHUNK_HEAD_BYTES, file.size_bytes - position))
    if len(head) < CHUNK_HEAD_BYTES or length > CHUNK_LIMIT_BYTES:
        return False
    *_, name_length = CHUNK_FRONT.unpack_from(head, RECORD_PREFIX.size)
    name_at = RECORD_PREFIX.size + CHUNK_FRONT.size
    if head[name_at : name_at + name_length] not in (b"", b"zstd") or name_length not in (0, 4):
        return False
    (data_length,) = struct.unpack_from("<Q", head, name_at + name_length)
    return bool(length == CHUNK_FRONT.size + name_length + 8 + data_length)


def _chunk(file: SegmentFile, position: int, end: int) -> Piece | None:
    """The chunk at ``position``; None when it is damaged and its length cannot be trusted either."""
    if end > file.size_bytes:
        return Piece(
            "torn", position, file.size_bytes - position, _front_of_chunk(file.read(position, file.size_bytes - position))
        )
    try:
        return Piece("chunk", position, end - position, chunk_content(file.read(position, end - position), file.path.name))
    except DamageError:
        opcode, length = _prefix(file, end)
        follows = end == file.size_bytes or _is_other_record(file, opcode, end, length)
        return Piece("damage", position, end - position) if follows else None


def _front_of_chunk(record: bytes) -> bytes:
    """The records at the start of a chunk whose end is missing; there is no checksum for them, but a cut changes nothing before it."""
    name_at = RECORD_PREFIX.size + CHUNK_FRONT.size
    *_, name_length = CHUNK_FRONT.unpack_from(record, RECORD_PREFIX.size)
    data = record[name_at + name_length + 8 :]
    if not name_length:
        return data
    try:
        return bytes(zstandard.ZstdDecompressor().decompressobj().decompress(data))
    except zstandard.ZstdError:
        return b""


def _is_other_record(file: SegmentFile, opcode: int, position: int, length: int) -> bool:
    """Whether a record other than a chunk lies whole at ``position``."""
    end = position + RECORD_PREFIX.size + length
    if opcode not in DATA_OPCODES or opcode == Opcode.CHUNK or end > file.size_bytes:
        return False
    if opcode == Opcode.MESSAGE_INDEX:
        if length < INDEX_FRONT.size:
            return False
        _, entries = INDEX_FRONT.unpack(file.read(position + RECORD_PREFIX.size, INDEX_FRONT.size))
        return bool(entries == length - INDEX_FRONT.size and entries % INDEX_ENTRY_BYTES == 0)
    if opcode == Opcode.DATA_END:
        return length == DATA_END_BYTES
    following, _ = _prefix(file, end)
    return end == file.size_bytes or following in DATA_OPCODES


def _next_chunk(file: SegmentFile, start: int) -> int:
    """Where the next chunk begins whose checksum holds, or that is torn by the end of the file; the end of the file when there is none."""
    while start < file.size_bytes:
        window = file.read(start, min(WINDOW_BYTES, file.size_bytes - start))
        for found in CHUNK_START.finditer(window):
            position = start + found.start()
            _, length = _prefix(file, position)
            if _is_chunk_head(file, position, length):
                piece = _chunk(file, position, position + RECORD_PREFIX.size + length)
                if piece is not None and piece.content:
                    return position
        start += max(1, len(window) - RECORD_PREFIX.size) if start + len(window) < file.size_bytes else len(window)
    return file.size_bytes


def crc_holds(file: SegmentFile, offset: int, length: int, crc32: int) -> bool:
    """Whether the bytes there have this checksum."""
    try:
        return zlib.crc32(file.read(offset, length)) == crc32
    except DamageError:
        return False
