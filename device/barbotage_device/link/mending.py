"""Finding the one damaged byte of a frame from its CRC-32: most of a noisy line's losses need not be sent again.

The CRC is linear: a frame whose byte at distance d from the end of what the CRC covers was changed by e (exclusive or) has the syndrome
(computed CRC xor received CRC) that e alone would have there. Walking the syndrome back byte by byte finds d and e. Of 2^32 syndromes some
n x 255 belong to a frame of n bytes, so a wrong repair is possible: only frames that a cryptographic tag covers may be mended.
"""

import zlib

MAX_MENDED_BYTES = 4200
"""Longest frame that is looked at: a block of a serial line with its headers. USB, where blocks are longer, has no bit errors."""


def _step_table() -> tuple[int, ...]:
    """CRC-32 of one byte alone, without the initial and final inversion."""
    zero = zlib.crc32(b"\0")
    return tuple(zlib.crc32(bytes((value,))) ^ zero for value in range(256))


_FORWARD = _step_table()
_BACK = {value >> 24: (index, value) for index, value in enumerate(_FORWARD)}
"""The top byte of a table entry is unique: it tells which entry was used in a step."""
_ERRORS = {value: error for error, value in enumerate(_FORWARD) if error}


def find_damage(syndrome: int, covered_bytes: int) -> tuple[int, int] | None:
    """Which covered byte (counted from the start) must be changed by which value to explain ``syndrome``; None when none does.

    The index is ``covered_bytes`` when the damage is in the CRC itself; there is then nothing to change.
    """
    if _in_one_byte(syndrome):
        return covered_bytes, 0
    for distance in range(covered_bytes):
        error = _ERRORS.get(syndrome)
        if error is not None:
            return covered_bytes - 1 - distance, error
        index, value = _BACK[syndrome >> 24]
        syndrome = (syndrome ^ value) << 8 & 0xFFFFFFFF | index
    return None


def _in_one_byte(syndrome: int) -> bool:
    return any(syndrome & ~(0xFF << shift) == 0 for shift in (0, 8, 16, 24))
