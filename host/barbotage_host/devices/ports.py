"""Serial ports that may lead to a device, and why. Nothing is opened to find out."""

import os
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
    """A port. ``ours``: whether it leads to a device for all that can be known without opening it; ``why`` says so in words.

    ``stable`` is a name that stays the same when it is plugged in again, None where there is none. ``certain``: the port itself says which device it is.
    """

    port: str
    ours: bool
    why: str
    serial: str | None = None
    usb_id: str | None = None
    stable: str | None = None
    certain: bool = False


def list_candidates(ports: Sequence[PortInfo], known: Sequence[KnownDevice], by_id: Path = BY_ID) -> list[Candidate]:
    """Every port, ours first."""
    named = [_judge_by_name(port, by_id) for port in ports]
    seen = {candidate.serial for candidate in named if candidate is not None}
    elsewhere = [device for device in known if device.port and device.serial not in seen]
    found = [candidate or _judge_by_memory(port, elsewhere, by_id) for port, candidate in zip(ports, named, strict=True)]
    listed = {os.path.realpath(candidate.port) for candidate in found}
    found += [
        Candidate(device.port, True, f"device {device.serial} was here last", device.serial)
        for device in elsewhere
        if os.path.realpath(device.port) not in listed and Path(device.port).exists()
    ]
    return sorted(found, key=lambda candidate: (not candidate.ours, candidate.port))


def stable_name(port: str, by_id: Path = BY_ID) -> str:
    """The name of the port that stays the same when it is plugged in again (udev's by-id), ``port`` where there is none."""
    try:
        names = sorted(by_id.iterdir())
    except OSError:
        return port
    return next((str(name) for name in names if same_port(str(name), port)), port)


def same_port(one: str, other: str) -> bool:
    """Whether two names lead to the same port now."""
    return os.path.realpath(one) == os.path.realpath(other)


def system_ports() -> list[PortInfo]:
    """The ports of this computer, as pyserial lists them."""
    from serial.tools import list_ports

    return cast(list[PortInfo], list(list_ports.comports()))


def choose_port(candidates: Sequence[Candidate], known: Sequence[KnownDevice], serial: str | None) -> str:
    """The port to open. Raises NotFoundError when there is none, UsageError when there are several."""
    ours = [candidate for candidate in candidates if candidate.ours]
    if serial is not None:
        chosen = next((candidate.port for candidate in ours if candidate.serial == serial), None)
        if chosen is not None:
            return chosen
        names = ", ".join(f"{device.serial}{f' ({device.name})' if device.name else ''}" for device in known) or "none"
        raise NotFoundError(
            f"device {serial} is not connected; a cable that only charges carries no data; known devices: {names}; see 'barbotage ports'"
        )
    if not ours:
        raise NotFoundError(
            "no Barbotage device is connected; a cable that only charges carries no data; a UART must be named with --port; see 'barbotage ports'"
        )
    if len(ours) > 1:
        names = ", ".join(candidate.serial or candidate.port for candidate in ours)
        raise UsageError(f"{len(ours)} devices are connected ({names}); choose one with --device or --port")
    return ours[0].port


def _judge_by_name(port: PortInfo, by_id: Path) -> Candidate | None:
    """A port whose USB strings say that it is ours."""
    words = f"{port.manufacturer or ''} {port.product or ''}".lower()
    if PRODUCT not in words:
        return None
    why = "its USB name is Barbotage"
    return Candidate(port.device, True, why, port.serial_number, _usb_id(port), _other_name(port.device, by_id), certain=True)


def _judge_by_memory(port: PortInfo, known: Sequence[KnownDevice], by_id: Path) -> Candidate:
    """Any other port: ours when a device was there last and is nowhere else."""
    stable = _other_name(port.device, by_id)
    for device in known:
        if same_port(device.port, port.device):
            return Candidate(port.device, True, f"device {device.serial} was here last", device.serial, _usb_id(port), stable)
    what = port.description if port.description and port.description != "n/a" else "a serial port"
    why = f"{what}; name it with --port if a device is behind it"
    return Candidate(port.device, False, why, port.serial_number, _usb_id(port), stable)


def _other_name(port: str, by_id: Path) -> str | None:
    name = stable_name(port, by_id)
    return None if name == port else name


def _usb_id(port: PortInfo) -> str | None:
    return f"{port.vid:04x}:{port.pid:04x}" if port.vid is not None and port.pid is not None else None
