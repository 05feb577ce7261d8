"""NOISE frames and the prologue that binds a handshake to both HELLOs (docs/protocol.md, section 6)."""

import struct

from barbotage_device.link.errors import MalformedError

KIND_SESSION = 0
KIND_PAIRING = 1
_LABEL = b"barbotage-link-1"


def prologue(host_hello: bytes, device_hello: bytes) -> bytes:
    """Binds to the payloads of both HELLO frames: whoever alters one makes the handshake fail."""
    return b"".join((_LABEL, struct.pack("<H", len(host_hello)), host_hello, struct.pack("<H", len(device_hello)), device_hello))


def shake(kind: int, step: int, message: bytes) -> bytes:
    """The payload of a NOISE frame."""
    return bytes((kind, step)) + message


def parse_noise(payload: bytes) -> tuple[int, int, bytes]:
    """Kind, step and Noise message. Raises MalformedError."""
    if len(payload) < 2 or payload[0] not in (KIND_SESSION, KIND_PAIRING) or payload[1] not in (1, 2, 3):
        raise MalformedError("not a NOISE payload")
    return payload[0], payload[1], payload[2:]
