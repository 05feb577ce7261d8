"""One end's view of the byte stream: packs payloads into frames and takes frames out, plain or sealed."""

from dataclasses import dataclass
from typing import NamedTuple

from barbotage_device.link.framing import DELIMITER, Deframer, FrameType, associated_data, encode_frame
from barbotage_device.link.sealing import Opener, Sealer

IDLE_S = 0.010
"""After so long a silence a zero is sent first: noise of the idle line then ends in a frame of its own."""


class Incoming(NamedTuple):
    """A frame that is whole, and genuine when it was sealed."""

    type: FrameType
    payload: bytes
    sealed: bool


@dataclass(slots=True)
class StreamCounts:
    """Bytes and frames of this end."""

    sent_bytes: int = 0
    received_bytes: int = 0
    keyless: int = 0
    """Sealed frames that came while there were no keys."""


class FrameStream:
    """Frames out, frames in."""

    def __init__(self) -> None:
        self.deframer = Deframer()
        self.counts = StreamCounts()
        self.sealer: Sealer | None = None
        self.opener: Opener | None = None
        self._plain_counter = 0
        self._last_sent_s = float("-inf")

    @property
    def secured(self) -> bool:
        """Whether there are keys."""
        return self.sealer is not None

    def secure(self, send_key: bytes, receive_key: bytes) -> None:
        """Seals and opens with these keys from now on."""
        self.sealer, self.opener = Sealer(send_key), Opener(receive_key)
        self.deframer.mends = True

    def clear(self) -> None:
        """Forgets the keys."""
        self.sealer = self.opener = None
        self.deframer.mends = False

    def pack(self, frame_type: FrameType, payload: bytes, plain: bool, now_s: float) -> bytes:
        """The bytes to write: sealed when there are keys, unless ``plain``."""
        if self.sealer is None or plain:
            wire = encode_frame(associated_data(frame_type, sealed=False, counter=self._plain_counter), payload)
            self._plain_counter += 1
        else:
            wire = self.sealer.seal(frame_type, payload)
        if now_s - self._last_sent_s >= IDLE_S:
            wire = DELIMITER + wire
        self._last_sent_s = now_s
        self.counts.sent_bytes += len(wire)
        return wire

    def unpack(self, data: bytes) -> list[Incoming]:
        """The frames that ``data`` completes; what is damaged or does not open is counted and dropped."""
        self.counts.received_bytes += len(data)
        incoming = []
        for frame in self.deframer.feed(data):
            if not frame.sealed:
                incoming.append(Incoming(frame.type, frame.body, sealed=False))
            elif self.opener is None:
                self.counts.keyless += not frame.mended
            else:
                payload = self.opener.open(frame)
                if payload is not None:
                    incoming.append(Incoming(frame.type, payload, sealed=True))
        return incoming
