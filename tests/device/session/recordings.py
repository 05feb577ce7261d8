"""Small sessions for the tests of the session package, and what lies where in their files."""

import json
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from barbotage_device.session.manifest import Device, Drops, Header, Manifest, ModelIdentity, Software
from barbotage_device.session.salvage import pieces
from barbotage_device.session.segment_reader import MESSAGE_FRONT, RECORD_PREFIX, SegmentFile, messages_in
from barbotage_device.session.writing import RecordedFrame, SessionWriter
from barbotage_models.contract.geometry import GreyImage

NS_PER_S = 1_000_000_000
STEP_NS = NS_PER_S // 30
STARTED_NS = 7 * NS_PER_S
UTC_NS = 1_790_000_000 * NS_PER_S
ULID = "01K6ZZZZZZ0000000000000000"
FLUSH_EVERY = 15
"""Frames: half a second, as the recorder does."""


def header(session_id: str = ULID, started_utc_ns: int = UTC_NS) -> Header:
    """A header that fills every field."""
    return Header(
        id=session_id,
        source="sim:test",
        simulated=True,
        side="left",
        image_format="jpeg",
        image_quality=90,
        scale_mm_per_px=(0.1, 0.12),
        started_utc_ns=started_utc_ns,
        started_capture_ns=STARTED_NS,
        device=Device("d1", "bench"),
        software=Software("0.1.0", "0" * 64),
        model=ModelIdentity("net", "3", "a" * 64, "b" * 64, "litert"),
    )


def at_ns(index: int) -> int:
    """When frame ``index`` was captured."""
    return STARTED_NS + index * STEP_NS


def encode(pixels: GreyImage) -> bytes:
    """Bytes that begin like a JPEG and say which picture they are; incompressible, of changing length."""
    number = int.from_bytes(pixels.tobytes()[:4], "little")
    return b"\xff\xd8" + random.Random(number).randbytes(900 + number * 37 % 900)


def frame(index: int) -> RecordedFrame:
    """Frame ``index``, whose first pixels hold its number."""
    pixels = np.zeros((4, 6), np.uint8)
    pixels.ravel()[:4] = np.frombuffer(index.to_bytes(4, "little"), np.uint8)
    return RecordedFrame(pixels, at_ns(index), index, 3, 5, (0.1, 0.12))


def guidance(index: int) -> dict[str, object]:
    """A telemetry message of about a kilobyte that does not compress away."""
    return {"sequence": index, "noise": random.Random(index).randbytes(400).hex()}


def write_frames(writer: SessionWriter, first: int, end: int) -> None:
    """Frames with their guidance and now and then an event, flushed as the recorder does."""
    for index in range(first, end):
        writer.frame(frame(index))
        writer.message("/guidance", at_ns(index), guidance(index))
        if index % 10 == 0:
            writer.event("bookmark", at_ns(index), "pedal", {"number": index})
        if index % FLUSH_EVERY == FLUSH_EVERY - 1:
            writer.flush()


def write_session(
    directory: Path, frames: int = 60, segment_frames: int = 40, close: bool = True, head: Header | None = None
) -> Manifest:
    """A session in ``directory`` with a new segment every ``segment_frames``."""
    directory.mkdir(parents=True)
    writer = SessionWriter(directory, head or header(), encode, segment_frames * STEP_NS)
    write_frames(writer, 0, frames)
    if close:
        return writer.close(Drops())
    return writer.abandon()


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as it lies in a file: the chunk's bytes, and its own where the chunk is not compressed."""

    file: str
    chunk: tuple[int, int]
    span: tuple[int, int]
    channel: int
    sequence: int
    log_time_ns: int
    data: bytes

    @property
    def key(self) -> tuple[str, int, int, int, bytes]:
        """What must come back unchanged."""
        return (self.file, self.channel, self.sequence, self.log_time_ns, self.data)


def stored(directory: Path) -> list[Stored]:
    """Every message of every segment, in order."""
    found: list[Stored] = []
    for path in sorted(directory.glob("*.mcap")):
        file = SegmentFile(path)
        for piece in pieces(file):
            assert piece.kind == "chunk"
            chunk = (piece.offset, piece.offset + piece.length)
            position = piece.offset + 49
            for message in messages_in(piece.content):
                end = position + RECORD_PREFIX.size + MESSAGE_FRONT.size + len(message.data)
                span = (position, end) if path.name.startswith("video") else chunk
                found.append(Stored(path.name, chunk, span, message.channel, message.sequence, message.log_time_ns, message.data))
                position = end
        file.close()
    return found


def edit_manifest(directory: Path, **changes: object) -> None:
    """Changes top-level members of session.json."""
    path = directory / "session.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def flip(path: Path, offset: int, bit: int = 0) -> None:
    """Inverts one bit."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << bit]))


def cut(path: Path, length: int) -> None:
    """Ends the file after ``length`` bytes."""
    with path.open("r+b") as file:
        file.truncate(length)
