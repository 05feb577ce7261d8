# COBS in place, compiled to machine code; see cobs.py for what the functions do.
import micropython


@micropython.viper
def encode(buffer: ptr8, first: int, end: int):  # noqa: F821
    last = first
    at = first + 1
    while at < end:
        if buffer[at] == 0:
            buffer[last] = at - last
            last = at
        at += 1
    buffer[last] = end - last


@micropython.viper
def decode(buffer: ptr8, size: int) -> int:  # noqa: F821
    at = 0
    while at < size:
        code = buffer[at]
        if code == 0 or at + code > size:
            return 0
        buffer[at] = 0
        at += code
    return 1
