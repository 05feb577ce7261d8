"""The CBOR that the link speaks: one item, definite lengths, no tags, distinct text keys, bounded depth (docs/protocol.md, section 1)."""

import io
from typing import Any, NoReturn

import cbor2

from barbotage_device.link.errors import MalformedError

MAX_DEPTH = 8
INTEGER_MIN, INTEGER_MAX = -(1 << 63), (1 << 63) - 1

_KNOWN_TAGS = (*range(70), 100, 256, 258, 260, 261, 1004, 43000, 55799)
"""Tags that cbor2 would turn into dates, regular expressions, e-mails and the like, unasked. Unknown ones go to the tag hook."""


def _refuse(*_: Any) -> NoReturn:
    raise ValueError("tags are not used")


_DECODERS = dict.fromkeys(_KNOWN_TAGS, _refuse)


def encode(value: Any) -> bytes:
    """Deterministic CBOR of texts, bytes, numbers, booleans, None, lists and maps."""
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes) -> Any:
    """The one item in ``data``. Raises MalformedError for anything else, whatever the bytes are."""
    stream = io.BytesIO(data)
    decoder = cbor2.CBORDecoder(
        stream,
        tag_hook=_refuse,
        semantic_decoders=_DECODERS,
        max_depth=MAX_DEPTH,
        allow_indefinite=False,
        allow_duplicate_keys=False,
        strict_hashable_types=True,
    )
    try:
        value = decoder.decode()
    except (cbor2.CBORError, ValueError, OverflowError, MemoryError, RecursionError) as error:
        raise MalformedError(f"not the CBOR of this protocol ({error})") from error
    if stream.tell() != len(data):
        raise MalformedError(f"{len(data) - stream.tell()} bytes behind the CBOR item")
    _check(value)
    return value


def _check(value: Any) -> None:
    if value is None or isinstance(value, bool | str | bytes | float):
        return
    if isinstance(value, int):
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            raise MalformedError(f"the number {value} does not fit in 64 bits")
    elif isinstance(value, list):
        for each in value:
            _check(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str):
                raise MalformedError(f"a map's key is {type(key).__name__}, must be text")
            _check(each)
    else:
        raise MalformedError(f"a value of type {type(value).__name__} is not used")
