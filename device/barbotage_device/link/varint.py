"""Whole numbers of variable length, as in QUIC (RFC 9000, section 16)."""

from barbotage_device.link.errors import MalformedError

LIMIT = 1 << 62
_LENGTHS = ((1, 1 << 6), (2, 1 << 14), (4, 1 << 30), (8, LIMIT))


def encode_varint(value: int) -> bytes:
    """The shortest form of ``value``. Raises ValueError outside 0 to 2^62 - 1."""
    if value >= 0:
        for prefix, (length, limit) in enumerate(_LENGTHS):
            if value < limit:
                return (prefix << (8 * length - 2) | value).to_bytes(length, "big")
    raise ValueError(f"{value} does not fit a variable-length integer (0 to 2^62 - 1)")


def decode_varint(data: bytes, offset: int) -> tuple[int, int]:
    """The number at ``offset`` and the offset behind it, in any form. Raises MalformedError when ``data`` ends before."""
    if offset >= len(data):
        raise MalformedError(f"no number at byte {offset}")
    first = data[offset]
    end = offset + (1 << (first >> 6))
    if end > len(data):
        raise MalformedError(f"the number at byte {offset} is cut")
    return int.from_bytes(data[offset:end], "big") & ((1 << (8 * (end - offset) - 2)) - 1), end
