"""Frames of the pod's link: 0x00, COBS(id, sequence, payload, CRC-32), 0x00. Bytes in, messages out; no I/O."""

import struct
from dataclasses import dataclass
from zlib import crc32

from barbotage_device.errors import InvalidInputError
from barbotage_device.probe_pod.protocol import FRAME_BYTES, MESSAGES, PAYLOAD_MAX_BYTES, PROTOCOL, Command, Hello, PodMessage

_HEAD_BYTES = 2
_CRC_BYTES = 4
_LARGEST_BYTES = FRAME_BYTES - 2
"""A frame between its zeros."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that arrived whole."""

    message: int
    sequence: int
    payload: bytes


def encode(message: int, sequence: int, payload: bytes) -> bytes:
    """The bytes of a frame on the wire, with a zero before and behind. Raises InvalidInputError when the payload is too long."""
    if len(payload) > PAYLOAD_MAX_BYTES:
        raise InvalidInputError(f"pod frame: {len(payload)} bytes of payload, at most {PAYLOAD_MAX_BYTES} fit")
    body = bytes((message, sequence)) + payload
    return b"\0" + _stuff(body + crc32(body).to_bytes(_CRC_BYTES, "little")) + b"\0"


def encode_command(command: Command, sequence: int) -> bytes:
    """A command on the wire."""
    return encode(command.ID, sequence & 0xFF, command.pack())


def decode(stuffed: bytes) -> Frame | None:
    """The frame between two zeros, or None when it is damaged."""
    body = _unstuff(stuffed) if len(stuffed) <= _LARGEST_BYTES else None
    if body is None or len(body) < _HEAD_BYTES + _CRC_BYTES:
        return None
    content, crc = body[:-_CRC_BYTES], body[-_CRC_BYTES:]
    if crc32(content).to_bytes(_CRC_BYTES, "little") != crc:
        return None
    return Frame(content[0], content[1], content[_HEAD_BYTES:])


def parse(frame: Frame) -> PodMessage | None:
    """The pod's message in a frame, or None for an id or a length that the table does not know.

    The hello of another protocol is read as far as it goes: its first two bytes say which.
    """
    kind = MESSAGES.get(frame.message)
    if kind is None:
        return None
    payload = frame.payload
    if kind is Hello and payload[:2] != PROTOCOL.to_bytes(2, "little"):
        payload = payload.ljust(Hello.LAYOUT.size, b"\0")[: Hello.LAYOUT.size]
    try:
        return kind.unpack(payload)
    except struct.error:
        return None


class Receiver:
    """Cuts a stream of bytes into frames. ``damaged`` counts what was not one; ``lost`` what the sequence numbers say is missing."""

    def __init__(self) -> None:
        self._rest = b""
        self._sequence: int | None = None
        self.damaged = 0
        self.lost = 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes."""
        *pieces, self._rest = (self._rest + data).split(b"\0")
        if len(self._rest) > _LARGEST_BYTES:
            # Not a frame any more, whatever follows: keep its length above the limit, not its bytes.
            self._rest = self._rest[: _LARGEST_BYTES + 1]
        frames = []
        for piece in pieces:
            frame = decode(piece) if piece else None
            if frame is not None:
                self._follow(frame.sequence)
                frames.append(frame)
            elif piece:
                self.damaged += 1
        return frames

    def forget_sequence(self) -> None:
        """The pod started anew: its next sequence number says nothing about losses."""
        self._sequence = None

    def _follow(self, sequence: int) -> None:
        if self._sequence is not None:
            self.lost += (sequence - self._sequence - 1) % 256
        self._sequence = sequence


def _stuff(body: bytes) -> bytes:
    """COBS for bodies below 254 bytes (Cheshire and Baker, 1999): each zero becomes the distance to the next."""
    return b"".join(bytes((len(piece) + 1,)) + piece for piece in body.split(b"\0"))


def _unstuff(stuffed: bytes) -> bytes | None:
    pieces, at = [], 0
    while at < len(stuffed):
        code = stuffed[at]
        if code == 0 or at + code > len(stuffed):
            return None
        pieces.append(stuffed[at + 1 : at + code])
        at += code
    return b"\0".join(pieces)
