"""Making one segment whole again: told sound as it is, or rewritten from what can still be read."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import sync_directory
from barbotage_device.session.frame_table import TABLE_NAME, unpack_table
from barbotage_device.session.images import data_span, image_message
from barbotage_device.session.manifest import Header, Segment, SegmentKind, header_document
from barbotage_device.session.salvage import Piece, crc_holds, index_holds, pieces
from barbotage_device.session.segment_reader import DamageError, RawMessage, SegmentFile, messages_in
from barbotage_device.session.segment_writer import SegmentWriter, topic_records
from barbotage_device.session.topics import SESSION, plan_of
from barbotage_device.session.video_writer import VideoWriter

HASH_BLOCK_BYTES = 1024 * 1024
DRAFT_SUFFIX = ".recovering"


@dataclass(frozen=True, slots=True)
class Repair:
    """What became of a segment: ``lost`` in words, empty when nothing is; ``draft`` the clean copy, None when the file is sound as it is."""

    segment: Segment
    lost: tuple[str, ...]
    draft: Path | None


def file_sha256(path: Path) -> str:
    """The file's digest in hex, read block by block. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def repair(path: Path, kind: SegmentKind, header: Header) -> Repair:
    """Judges the segment and, unless it is sound, writes a clean copy beside it. Raises OSError when there is no room for that."""
    file = SegmentFile(path)
    try:
        found = list(_placed(file))
        if all(piece.kind == "chunk" for piece in found) and _is_sound(file, kind, found):
            return Repair(_described(file, kind, header), (), None)
        return _rewritten(file, kind, header)
    finally:
        file.close()


def adopt(fixed: Repair, path: Path) -> None:
    """Puts the clean copy in the segment's place. Raises OSError."""
    if fixed.draft is not None:
        fixed.draft.replace(path)
        sync_directory(path.parent)


def _placed(file: SegmentFile) -> Iterator[Piece]:
    """The pieces without what is in them, to hold none in memory."""
    for piece in pieces(file):
        yield replace(piece, content=b"")


def _is_sound(file: SegmentFile, kind: SegmentKind, found: list[Piece]) -> bool:
    """Whether a segment with no damaged chunk also has its schemas, indexes, table and summary."""
    try:
        index = file.index()
        front = b"".join(topic_records(plan_of(kind)))
        tables = [file.attachment(each) for each in index.attachments]
        complete = [chunk.offset for chunk in index.chunks] == [piece.offset for piece in found]
        return (
            complete
            and front in file.read(0, min(file.size_bytes, len(front) + 256))
            and len(tables) == (kind == "video")
            and index_holds(file)
        )
    except DamageError:
        return False


def _described(file: SegmentFile, kind: SegmentKind, header: Header) -> Segment:
    times: list[int] = []
    for piece in pieces(file):
        times.extend(message.log_time_ns for message in messages_in(piece.content))
    return Segment(
        name=file.path.name,
        kind=kind,
        bytes=file.size_bytes,
        sha256=file_sha256(file.path),
        first_ns=header.capture_time_ns(min(times)) if times else None,
        last_ns=header.capture_time_ns(max(times)) if times else None,
        messages=len(times),
    )


def _rewritten(file: SegmentFile, kind: SegmentKind, header: Header) -> Repair:
    draft = file.path.with_name(f".{file.path.name}{DRAFT_SUFFIX}")
    draft.unlink(missing_ok=True)
    plan = plan_of(kind)
    video = VideoWriter(draft, header) if kind == "video" else None
    writer = video.file if video else SegmentWriter(draft, plan, header)
    lost: list[str] = []
    try:
        for piece in pieces(file):
            kept = 0
            for message in _messages(file, kind, header, piece):
                if not 0 < message.channel <= len(plan.topics):
                    continue
                kept += 1
                if video:
                    video.write(header.capture_time_ns(message.log_time_ns), message.sequence, message.data)
                else:
                    _copy(writer, header, message)
            if piece.kind != "chunk":
                lost.append(_words(file.path.name, piece, kept))
        segment = video.finish() if video else writer.finish()
    except BaseException:
        writer.abandon()
        draft.unlink(missing_ok=True)
        raise
    return Repair(replace(segment, name=file.path.name), tuple(lost), draft)


def _copy(writer: SegmentWriter, header: Header, message: RawMessage) -> None:
    """Adds the message; a telemetry segment that lost the header it began with gets it again."""
    topic, capture_ns = writer.plan.topics[message.channel - 1].name, header.capture_time_ns(message.log_time_ns)
    if writer.plan.kind == "telemetry" and writer.messages == 0 and topic != SESSION:
        writer.write(SESSION, capture_ns, json.dumps(header_document(header)).encode())
    writer.write(topic, capture_ns, message.data, message.sequence)


def _messages(file: SegmentFile, kind: SegmentKind, header: Header, piece: Piece) -> Iterator[RawMessage]:
    """The messages of a piece that can be trusted; of a damaged chunk of video the frames whose own checksum holds."""
    if piece.kind != "damage":
        for message in messages_in(piece.content):
            if kind != "video" or _has_picture(message):
                yield message
    elif kind == "video":
        yield from _frames_of_damage(file, header, piece)


def _has_picture(message: RawMessage) -> bool:
    try:
        return data_span(message.data)[1] > 0
    except SessionError:
        return False


def _frames_of_damage(file: SegmentFile, header: Header, piece: Piece) -> Iterator[RawMessage]:
    try:
        tables = [unpack_table(file.attachment(each)) for each in file.index().attachments if each.name == TABLE_NAME]
    except SessionError:
        return
    for table in tables:
        for row in table[(table["offset"] >= piece.offset) & (table["offset"] < piece.offset + piece.length)]:
            offset, length = int(row["offset"]), int(row["length"])
            if crc_holds(file, offset, length, int(row["crc32"])):
                log_time_ns = header.log_time_ns(int(row["capture_ns"]))
                message = image_message(file.read(offset, length), header.image_format, log_time_ns)
                yield RawMessage(1, int(row["sequence"]), log_time_ns, message)


def _words(name: str, piece: Piece, kept: int) -> str:
    what = "cut off inside its last chunk" if piece.kind == "torn" else "damaged"
    return f"{name}: {piece.length} bytes from byte {piece.offset} {what}, {kept} messages of them kept"
