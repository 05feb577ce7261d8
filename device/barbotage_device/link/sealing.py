"""Sealed frames: ChaCha20-Poly1305 with a counter as nonce, keys that rotate, replays refused (docs/protocol.md, section 6)."""

import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from barbotage_device.link.errors import LinkError
from barbotage_device.link.framing import FrameType, RawFrame, associated_data, encode_frame

KEY_BYTES = 32
EPOCH_FRAMES = 1 << 20
"""Frames of a direction under one key; ChaCha20-Poly1305 would bear 2^48, short epochs cost nothing and forget earlier traffic."""
LAST_COUNTER = (1 << 48) - 1
_REKEY_NONCE = bytes(4) + b"\xff" * 8


def rekeyed(key: bytes) -> bytes:
    """The next key: REKEY of the Noise framework, revision 34, section 4.2."""
    return ChaCha20Poly1305(key).encrypt(_REKEY_NONCE, bytes(KEY_BYTES), b"")[:KEY_BYTES]


def nonce_of(counter: int) -> bytes:
    """4 zero bytes and the counter, little-endian, as in the Noise framework."""
    return struct.pack("<IQ", 0, counter)


class _EpochKey:
    """The key of the epoch of a counter; goes forward only."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._epoch = 0
        self.cipher = ChaCha20Poly1305(key)

    def ahead(self, counter: int) -> "_EpochKey":
        """The key for ``counter``: this one, or a later one that replaces it once a frame has proved it right."""
        epoch = counter // EPOCH_FRAMES
        if epoch == self._epoch:
            return self
        key = self._key
        for _ in range(epoch - self._epoch):
            key = rekeyed(key)
        later = _EpochKey(key)
        later._epoch = epoch
        return later


class Sealer:
    """Seals frames of one direction; its counter starts at 0."""

    def __init__(self, key: bytes, counter: int = 0) -> None:
        self._key = _EpochKey(key)
        self.counter = counter

    def seal(self, frame_type: FrameType, payload: bytes) -> bytes:
        """The wire form of the next frame. Raises LinkError when the counter is used up."""
        counter = self.counter
        if counter > LAST_COUNTER:
            raise LinkError("this connection has sent 2^48 frames and must be made anew")
        self.counter = counter + 1
        self._key = self._key.ahead(counter)
        associated = associated_data(frame_type, sealed=True, counter=counter)
        return encode_frame(associated, self._key.cipher.encrypt(nonce_of(counter), payload, associated))


class Opener:
    """Opens frames of one direction, each counter once and in ascending order."""

    def __init__(self, key: bytes) -> None:
        self._key = _EpochKey(key)
        self.expected = 0
        """The lowest counter that is still accepted."""
        self.opened = 0
        self.missed = 0
        """Counters skipped: frames lost on the way."""
        self.mended = 0
        """Frames of which a damaged byte was rightly guessed from the CRC."""
        self.unmended = 0
        """Frames of which it was guessed wrongly: line noise."""
        self.refused = 0
        """Frames with a good CRC that did not open: replayed, reordered, altered, or of other keys."""

    def open(self, frame: RawFrame) -> bytes | None:
        """The payload; None when the frame is not the next one or a later one of this direction."""
        counter = self.expected + ((frame.counter - self.expected) & 0xFFFF)
        key = self._key.ahead(counter)
        try:
            payload = key.cipher.decrypt(nonce_of(counter), frame.body, frame.associated)
        except InvalidTag:
            if frame.mended:
                self.unmended += 1
            else:
                self.refused += 1
            return None
        self._key = key
        self.missed += counter - self.expected
        self.expected = counter + 1
        self.opened += 1
        self.mended += frame.mended
        return payload
