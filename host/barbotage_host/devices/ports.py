"""Serial ports that may lead to a device, and why. Nothing is opened to find out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from barbotage_device.errors import NotFoundError, UsageError
from barbotage_device.link.keys import KnownDevice

PRODUCT = "barbotage"
"""The USB gadget of a device says so in its product or manufacturer string."""
BY_ID = Path("/dev/serial/by-id")


class PortInfo(Protocol):
    """What pyserial says of a port."""

    device: str
    description: str | None
    manufacturer: str | None
    product: str | None
    serial_number: str | None
    vid: int | None
    pid: int | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A port. ``ours``: whether it leads to a device for all that can be known without opening it; ``why`` says so in words."""

    port: str
    ours: bool
    why: str
    serial: str | None = None
    usb_id: str | None = None


def list_candidates(ports: Sequence[PortInfo], known: Sequence[KnownDevice]) -> list[Candidate]:
    """Every port, ours first."""
    found = [_judge(port, {device.port: device for device in known if device.port}) for port in ports]
    listed = {candidate.port for candidate in found}
    found += [
        Candidate(device.port, True, f"device {device.serial} was here last", device.serial)
        for device in known
        if device.port and device.port not in listed and Path(device.port).exists()
    ]
    return sorted(found, key=lambda candidate: (not candidate.ours, candidate.port))


def system_ports() -> list[PortInfo]:
    """The ports of this computer, as pyserial lists them."""
    from serial.tools import list_ports

    return cast(list[PortInfo], list(list_ports.comports()))


def choose_port(candidates: Sequence[Candidate], known: Sequence[KnownDevice], serial: str | None) -> str:
    """The port to open. Raises NotFoundError when there is none, UsageError when there are several."""
    ours = [candidate for candidate in candidates if candidate.ours]
    if serial is not None:
        chosen = [candidate for candidate in ours if candidate.serial == serial]
        remembered = [device.port for device in known if device.serial == serial and device.port and Path(device.port).exists()]
        if chosen or remembered:
            return chosen[0].port if chosen else remembered[0]
        raise NotFoundError(f"device {serial} is not connected; a cable that only charges carries no data; see 'barbotage ports'")
    if not ours:
        raise NotFoundError(
            "no Barbotage device is connected; a cable that only charges carries no data; a UART must be named with --port; see 'barbotage ports'"
        )
    if len(ours) > 1:
        names = ", ".join(candidate.serial or candidate.port for candidate in ours)
        raise UsageError(f"{len(ours)} devices are connected ({names}); choose one with --device or --port")
    return ours[0].port


def _judge(port: PortInfo, remembered: dict[str, KnownDevice]) -> Candidate:
    usb_id = f"{port.vid:04x}:{port.pid:04x}" if port.vid is not None and port.pid is not None else None
    words = f"{port.manufacturer or ''} {port.product or ''}".lower()
    if PRODUCT in words:
        return Candidate(port.device, True, "its USB name is Barbotage", port.serial_number, usb_id)
    if port.device in remembered:
        device = remembered[port.device]
        return Candidate(port.device, True, f"device {device.serial} was here last", device.serial, usb_id)
    what = port.description if port.description and port.description != "n/a" else "a serial port"
    return Candidate(port.device, False, f"{what}; name it with --port if a device is behind it", port.serial_number, usb_id)
