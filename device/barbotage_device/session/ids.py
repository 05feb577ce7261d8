"""Names of sessions: ULIDs, which sort by the time they were made."""

import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, as the ULID specification (github.com/ulid/spec) asks."""
ULID_LENGTH = 26
RANDOM_BITS = 80
NS_PER_MS = 1_000_000
ULID_PATTERN = re.compile(rf"[0-7][{ALPHABET}]{{{ULID_LENGTH - 1}}}")


def new_ulid(utc_ns: int) -> str:
    """A new ULID: 48 bits of milliseconds since 1970, then 80 random bits. Source: github.com/ulid/spec."""
    value = (utc_ns // NS_PER_MS % (1 << 48)) << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
    return "".join(ALPHABET[value >> shift & 31] for shift in range(5 * (ULID_LENGTH - 1), -1, -5))


def is_ulid(text: str) -> bool:
    """Whether ``text`` is a ULID in its canonical, upper-case form."""
    return ULID_PATTERN.fullmatch(text) is not None
