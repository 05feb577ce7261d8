"""The controls of the kernel's virtual video driver, by their names: V4L2's ioctls, without a tool."""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

QUERYCTRL = struct.Struct("=II32siiiiI8x")
CONTROL = struct.Struct("=Ii")
NEXT_CONTROL = 0x80000000
_BOTH_WAYS = 3


def _request(number: int, size: int) -> int:
    """_IOWR('V', number, size) of linux/ioctl.h."""
    return (_BOTH_WAYS << 30) | (size << 16) | (ord("V") << 8) | number


VIDIOC_S_CTRL, VIDIOC_QUERYCTRL = _request(28, CONTROL.size), _request(36, QUERYCTRL.size)


@contextmanager
def _opened(device: Path) -> Iterator[int]:
    line = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    try:
        yield line
    finally:
        os.close(line)


def controls(device: Path) -> dict[str, int]:
    """The id of each control by its name. Raises OSError."""
    found: dict[str, int] = {}
    with _opened(device) as line:
        number = 0
        while True:
            asked = QUERYCTRL.pack((number | NEXT_CONTROL) & 0xFFFFFFFF, 0, b"", 0, 0, 0, 0, 0)
            try:
                answer = fcntl.ioctl(line, VIDIOC_QUERYCTRL, asked)
            except OSError:
                return found
            number, _, name, *_ = QUERYCTRL.unpack(answer)
            found[name.split(b"\0")[0].decode()] = number


def set_control(device: Path, name: str, value: int = 1) -> None:
    """Sets a control, or presses it where it is a button. Raises LookupError, OSError."""
    known = controls(device)
    if name not in known:
        raise LookupError(f"{device} has no control {name!r}, only {', '.join(sorted(known))}")
    with _opened(device) as line:
        fcntl.ioctl(line, VIDIOC_S_CTRL, CONTROL.pack(known[name], value))
