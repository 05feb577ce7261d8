"""The serial port of a pod: finding it, opening it, and what to do when that fails."""

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from barbotage_device.errors import NotFoundError, RefusedError, SourceLostError

if TYPE_CHECKING:
    from serial import Serial
    from serial.tools.list_ports_common import ListPortInfo

PRODUCT = "Barbotage probe pod"
"""The product string of the pod's own image (device/pod/boards/BARBOTAGE_POD/mpconfigboard.h)."""
_BAUD = 115200
"""USB knows no baud rate; a number is asked for all the same."""
_WRITE_TIMEOUT_S = 1.0
"""A command fits into any buffer; pyserial counts the time that a busy machine takes before it looks again, too."""
_NO_PYSERIAL = "the Python package pyserial is not installed; pip install 'barbotage[device]'"
_HINTS = {
    errno.EACCES: "your user may not open it: sudo usermod -aG dialout $USER, then log in again",
    errno.ENOENT: "it is not there: is the cable in, and not one that only charges?",
    errno.EBUSY: "another program has it open",
    errno.EAGAIN: "another program has it open",
}


class PodPort(Protocol):
    """An open port."""

    def read(self, timeout_s: float) -> bytes:
        """What has arrived, after waiting for the first byte; empty when none came. Raises SourceLostError."""
        ...

    def write(self, data: bytes) -> None:
        """Sends. Raises SourceLostError."""
        ...

    def close(self) -> None:
        """Gives the port back."""
        ...


OpenPort = Callable[[str], PodPort]


def find_pods() -> list[str]:
    """Ports at which a pod is plugged in, without opening any. Raises NotFoundError without pyserial."""
    try:
        from serial.tools.list_ports import comports
    except ImportError as error:
        raise NotFoundError(_NO_PYSERIAL) from error
    found: list[ListPortInfo] = [port for port in comports() if PRODUCT in (port.product or port.description or "")]
    return sorted(port.device for port in found)


def the_pod() -> str:
    """The port of the only pod. Raises NotFoundError for none and RefusedError for several."""
    ports = find_pods()
    if not ports:
        raise NotFoundError("no probe pod is plugged in; name its port if it shows under another name")
    if len(ports) > 1:
        raise RefusedError(f"several probe pods are plugged in ({', '.join(ports)}); name one")
    return ports[0]


def open_serial(port: str) -> PodPort:
    """Opens a port for this program alone. Raises NotFoundError with what to do about it."""
    try:
        import serial
    except ImportError as error:
        raise NotFoundError(_NO_PYSERIAL) from error
    try:
        line = serial.Serial(port, _BAUD, timeout=0, write_timeout=_WRITE_TIMEOUT_S, exclusive=True)
    except (serial.SerialException, OSError) as error:
        number = getattr(error, "errno", None)
        hint = _HINTS.get(number, str(error)) if number is not None else _busy_or(str(error))
        raise NotFoundError(f"{port}: {hint}") from error
    return _SerialPort(port, line)


def _busy_or(text: str) -> str:
    return _HINTS[errno.EBUSY] if "lock" in text.lower() else text


class _SerialPort:
    def __init__(self, name: str, line: "Serial") -> None:
        self._name = name
        self._line = line

    def read(self, timeout_s: float) -> bytes:
        try:
            self._line.timeout = timeout_s
            first: bytes = self._line.read(1)
            waiting = self._line.in_waiting if first else 0
            return first + (self._line.read(waiting) if waiting else b"")
        except (OSError, TypeError) as error:
            # TypeError: pyserial's, when the port is closed while it reads.
            raise SourceLostError(f"{self._name}: the pod is gone ({error})") from error

    def write(self, data: bytes) -> None:
        try:
            self._line.write(data)
        except OSError as error:
            raise SourceLostError(f"{self._name}: the pod takes nothing ({error})") from error

    def close(self) -> None:
        self._line.close()
