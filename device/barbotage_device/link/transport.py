"""Byte streams under the link: a tty on the device and on Linux hosts, and what every transport offers."""

import contextlib
import errno
import fcntl
import os
import select
import struct
import termios
import threading
import tty
from typing import Protocol

from barbotage_device.link.errors import LinkError, LinkLostError

READ_BYTES = 64 * 1024
BAUD_RATES = {int(name[1:]): value for name, value in vars(termios).items() if name[0] == "B" and name[1:].isdigit()}


CLOSE_WITHIN_S = 1.0
"""So long a program waits for the driver of a port that it closes."""


class Transport(Protocol):
    """A byte stream that does not block. Everything but ``wake`` is called from one thread."""

    def wait(self, timeout_s: float, want_write: bool) -> bool:
        """Waits until something can be read (then true), written (when wanted), or ``wake`` was called."""
        ...

    def read(self) -> bytes:
        """What has come, empty when nothing has. Raises LinkLostError when the port is gone."""
        ...

    def write(self, data: bytes | memoryview) -> int:
        """Hands over as much as goes without waiting; how much. Raises LinkLostError when the port is gone."""
        ...

    def held_bytes(self) -> int | None:
        """What the driver holds and has not sent yet; None where it does not tell."""
        ...

    def set_baud(self, baud: int) -> None:
        """Switches the rate. Raises LinkError when it cannot."""
        ...

    def wake(self) -> None:
        """Ends a ``wait`` early; from any thread."""
        ...

    def close(self) -> None:
        """Gives the port free; may be called again."""
        ...


class DescriptorTransport:
    """A transport on an open, non-blocking descriptor of a tty, which it does not own."""

    def __init__(self, descriptor: int, name: str) -> None:
        self.descriptor = descriptor
        self.name = name
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wake_lock = threading.Lock()

    def wait(self, timeout_s: float, want_write: bool) -> bool:
        """As in Transport."""
        writers = [self.descriptor] if want_write else []
        readable, _, _ = select.select([self.descriptor, self._wake_read], writers, [], max(0.0, timeout_s))
        if self._wake_read in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
        return self.descriptor in readable

    def read(self) -> bytes:
        """As in Transport."""
        parts: list[bytes] = []
        count = 0
        while count < READ_BYTES:  # a tty gives at most 4 KiB at a time
            try:
                data = os.read(self.descriptor, READ_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                raise self._lost(error) from error
            if not data:
                raise LinkLostError(f"{self.name} was unplugged")
            parts.append(data)
            count += len(data)
        return b"".join(parts)

    def write(self, data: bytes | memoryview) -> int:
        """As in Transport."""
        try:
            return os.write(self.descriptor, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._lost(error) from error

    def held_bytes(self) -> int | None:
        """As in Transport; pseudo-terminals say 0 always."""
        try:
            held: int = struct.unpack("i", fcntl.ioctl(self.descriptor, termios.TIOCOUTQ, bytes(4)))[0]
        except OSError:
            return None
        return held

    def set_baud(self, baud: int) -> None:
        """As in Transport."""
        if baud not in BAUD_RATES:
            raise LinkError(f"{baud} baud is not a rate of this system")
        try:
            attributes = termios.tcgetattr(self.descriptor)
            attributes[4] = attributes[5] = BAUD_RATES[baud]
            termios.tcsetattr(self.descriptor, termios.TCSADRAIN, attributes)
        except termios.error as error:
            raise LinkError(f"{self.name} cannot be set to {baud} baud ({error.args[-1]})") from error

    def wake(self) -> None:
        """As in Transport."""
        # Under a lock: the number of a pipe closed meanwhile may already be that of another file, a session's for example.
        with self._wake_lock, contextlib.suppress(OSError):  # a full pipe wakes as well; a closed one needs no waking
            os.write(self._wake_write, b"\0")

    def close(self) -> None:
        """As in Transport."""
        with self._wake_lock:
            for descriptor in (self._wake_read, self._wake_write):
                with contextlib.suppress(OSError):
                    os.close(descriptor)
            self._wake_read = self._wake_write = -1

    def _lost(self, error: OSError) -> LinkLostError:
        if error.errno in (errno.EIO, errno.ENXIO, errno.ENODEV):
            return LinkLostError(f"{self.name} was unplugged")
        return LinkLostError(f"{self.name}: {error.strerror}")


class TtyTransport(DescriptorTransport):
    """Opens a tty in raw mode, for itself alone. ``baud`` None leaves the rate as it is (USB, pseudo-terminals)."""

    def __init__(self, path: str, baud: int | None = None) -> None:
        """Raises LinkLostError when there is no such port, LinkError when it cannot be used."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise LinkLostError(f"there is no port {path}") from error
        except OSError as error:
            kind = LinkLostError if error.errno in (errno.EIO, errno.ENXIO, errno.ENODEV) else LinkError
            raise kind(f"{path} cannot be opened: {error.strerror}") from error
        try:
            _make_raw(descriptor)
            fcntl.ioctl(descriptor, termios.TIOCEXCL)
        except (OSError, termios.error) as error:
            os.close(descriptor)
            raise LinkError(f"{path} is not a serial port") from error
        super().__init__(descriptor, path)
        if baud is not None:
            self.set_baud(baud)

    def close(self) -> None:
        """As in Transport."""
        super().close()
        if self.descriptor >= 0:
            with contextlib.suppress(OSError, termios.error):
                fcntl.ioctl(
                    self.descriptor, termios.TIOCNXCL
                )  # somebody else may hold the port open, and then it would stay ours
            _close_port(self.descriptor)
            self.descriptor = -1


def _make_raw(descriptor: int) -> None:
    """Eight bits, one stop bit, bytes as they are, and no waiting for a carrier: what the last program has set stays in the driver.

    Hardware flow control is left as it is: whether the wires are there, only who laid them knows (stty crtscts).
    """
    tty.setraw(descriptor, termios.TCSANOW)
    attributes = termios.tcgetattr(descriptor)
    attributes[2] = (attributes[2] | termios.CLOCAL | termios.CREAD) & ~termios.CSTOPB
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
    termios.tcflush(
        descriptor, termios.TCOFLUSH
    )  # what the last program could not send is nobody's, and setting the rate would wait for it


def _close_port(descriptor: int) -> None:
    """Closes a tty without waiting for a peer that does not read.

    Kernels wait for bytes that are unsent, flushed or not: 30 s in cdc-acm, 15 s in the gadget's u_serial (Linux 6.1, tests/drivers).
    The thread that waits does not hold up the end of the process, and the end of the process ends the wait.
    """

    def close() -> None:
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(descriptor, termios.TCOFLUSH)
        with contextlib.suppress(OSError):
            os.close(descriptor)

    thread = threading.Thread(target=close, name="closing a port", daemon=True)
    thread.start()
    thread.join(CLOSE_WITHIN_S)
