"""Frames on the wire: COBS, CRC-32, and finding them in any byte stream with bounded memory (docs/protocol.md, section 1)."""

import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from cobs import cobs

from barbotage_device.link.mending import MAX_MENDED_BYTES, find_damage

VERSION = 1
HEAD_BYTES = 3
CRC_BYTES = 4
TAG_BYTES = 16
MAX_BLOCK_BYTES = 8192
MAX_PAYLOAD_BYTES = 8240
"""A block of 8 KiB, its handle and its offset."""
MAX_BODY_BYTES = MAX_PAYLOAD_BYTES + TAG_BYTES
MAX_FRAME_BYTES = HEAD_BYTES + MAX_BODY_BYTES + CRC_BYTES
MAX_ENCODED_BYTES = MAX_FRAME_BYTES + -(-MAX_FRAME_BYTES // 254)
"""COBS adds one byte for each 254 begun."""
MIN_FRAME_BYTES = HEAD_BYTES + CRC_BYTES
DELIMITER = b"\0"

_SEALED_BIT = 0x20
_RESERVED_BIT = 0x10


class FrameType(IntEnum):
    """What a frame carries; direction and priority are in docs/protocol.md."""

    HELLO = 0
    NOISE = 1
    REQUEST = 2
    RESPONSE = 3
    EVENT = 4
    TELEMETRY = 5
    GET = 6
    DATA = 7
    LOG = 8
    CANCEL = 9
    GONE = 10


_TYPES = tuple(FrameType)


class RawFrame(NamedTuple):
    """A frame whose CRC is right. ``head`` and ``counter`` are as on the wire; ``body`` is still sealed when ``sealed``."""

    type: FrameType
    sealed: bool
    counter: int
    body: bytes
    associated: bytes
    """Head and counter, which the tag of a sealed frame covers."""
    mended: bool = False
    """Whether a damaged byte was guessed from the CRC; only the tag can tell whether rightly. Never without ``sealed``."""


def associated_data(frame_type: FrameType, sealed: bool, counter: int) -> bytes:
    """The first three bytes of a frame; only the low 16 bits of ``counter`` travel."""
    head = VERSION << 6 | (_SEALED_BIT if sealed else 0) | frame_type
    return bytes((head, counter & 0xFF, counter >> 8 & 0xFF))


def encode_frame(associated: bytes, body: bytes) -> bytes:
    """The wire form, its closing zero included. Raises ValueError when ``body`` is too long."""
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"a frame's body has at most {MAX_BODY_BYTES} bytes, got {len(body)}")
    covered = associated + body
    encoded: bytes = cobs.encode(covered + zlib.crc32(covered).to_bytes(CRC_BYTES, "little"))
    return encoded + DELIMITER


@dataclass(slots=True)
class FramingCounts:
    """What came in. Pieces are what stands between two zeros."""

    frames: int = 0
    damaged: int = 0
    """Pieces that were no COBS, too short, or had a wrong CRC."""
    foreign: int = 0
    """Whole frames of another version or type."""
    overlong: int = 0
    """Pieces that grew beyond the longest frame."""


class Deframer:
    """Finds frames in a byte stream, however it is cut into reads. Holds at most one encoded frame; never raises.

    ``mends``: whether one damaged byte of a sealed frame is looked for; of use only where there is a key to tell whether it was found.
    """

    def __init__(self, mends: bool = False) -> None:
        self.counts = FramingCounts()
        self.mends = mends
        self._rest = b""
        self._skipping = False

    @property
    def held_bytes(self) -> int:
        """Bytes kept until the next zero."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[RawFrame]:
        """The frames that ``data`` completes."""
        pieces = data.split(DELIMITER)
        pieces[0] = self._rest + pieces[0]
        self._rest = pieces.pop()
        frames: list[RawFrame] = []
        for piece in pieces:
            if self._skipping:
                self._skipping = False
            elif piece:
                frame = self._decode(piece)
                if frame is not None:
                    frames.append(frame)
        if len(self._rest) > MAX_ENCODED_BYTES or self._skipping:
            self._drop_rest()
        return frames

    def _drop_rest(self) -> None:
        if not self._skipping:
            self.counts.overlong += 1
        self._skipping = True
        self._rest = b""

    def _decode(self, piece: bytes) -> RawFrame | None:
        if len(piece) > MAX_ENCODED_BYTES:
            self.counts.overlong += 1
            return None
        try:
            frame = cobs.decode(piece)
        except cobs.DecodeError:
            self.counts.damaged += 1
            return None
        if len(frame) < MIN_FRAME_BYTES:
            self.counts.damaged += 1
            return None
        syndrome = zlib.crc32(frame[:-CRC_BYTES]) ^ int.from_bytes(frame[-CRC_BYTES:], "little")
        if syndrome:
            mended = self._mend(frame, syndrome)
            self.counts.damaged += mended is None
            return mended
        return self._parse(frame)

    def _mend(self, frame: bytes, syndrome: int) -> RawFrame | None:
        """The sealed frame that this was, if one byte of it was damaged."""
        if not self.mends or len(frame) > MAX_MENDED_BYTES:
            return None
        damage = find_damage(syndrome, len(frame) - CRC_BYTES)
        if damage is None:
            return None
        index, error = damage
        repaired = bytearray(frame)
        repaired[index] ^= error
        if repaired[0] >> 6 != VERSION or not repaired[0] & _SEALED_BIT:
            return None
        parsed = self._parse(bytes(repaired))
        return None if parsed is None else parsed._replace(mended=True)

    def _parse(self, frame: bytes) -> RawFrame | None:
        head = frame[0]
        kind = head & 0x0F
        if head >> 6 != VERSION or head & _RESERVED_BIT or kind >= len(_TYPES):
            self.counts.foreign += 1
            return None
        self.counts.frames += 1
        return RawFrame(
            _TYPES[kind],
            bool(head & _SEALED_BIT),
            frame[1] | frame[2] << 8,
            frame[HEAD_BYTES:-CRC_BYTES],
            frame[:HEAD_BYTES],
        )
