"""What ``barbotage devices`` does: the devices that this host remembers, their names, and forgetting them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from barbotage_device.console import EXIT_DONE
from barbotage_device.errors import NotFoundError, UsageError
from barbotage_device.link.keys import KnownDevice, KnownDevices
from barbotage_host.devices.connecting import serial_of
from barbotage_host.devices.context import Context
from barbotage_host.devices.own_keys import OwnKeys
from barbotage_host.devices.ports import Candidate, list_candidates, system_ports

MAX_NAME = 40


@dataclass(frozen=True, slots=True)
class Remembered:
    """A device that was paired. ``connected``: "yes", "perhaps" (a port that does not say what is behind it) or "no", and ``why``."""

    serial: str
    name: str
    model: str
    port: str
    baud: int | None
    connected: str
    why: str


def list_remembered(known: Sequence[KnownDevice], candidates: Sequence[Candidate]) -> list[Remembered]:
    """The known devices, by serial number, and whether they are connected for all that can be known without opening a port."""
    return [_judge(device, candidates) for device in known]


def show_devices(context: Context) -> int:
    """Lists the remembered devices."""
    known = KnownDevices(context.home.state).all()
    devices = list_remembered(known, list_candidates(system_ports(), known))
    if context.as_json:
        context.console.result_json({"devices": [asdict(each) for each in devices]})
        return EXIT_DONE
    for each in devices:
        rate = f" at {each.baud}" if each.baud else ""
        context.console.result(
            f"{each.serial:18} {each.name or '-':16} {each.model:28} {each.port or '-'}{rate}  connected: {each.connected}, {each.why}"
        )
    if not devices:
        context.console.note("no device is known; connect one and run 'barbotage pair'")
    return EXIT_DONE


def name_device(context: Context, wanted: str, name: str) -> int:
    """Gives a device a name, for ``--device``; an empty one takes it away. Raises NotFoundError, UsageError."""
    known = KnownDevices(context.home.state)
    device = find_remembered(known, wanted)
    if len(name) > MAX_NAME or not name.isprintable() or name != name.strip():
        raise UsageError(f"the name {name!r} is not at most {MAX_NAME} printable characters without spaces around it")
    if name and any(name in (each.name, each.serial) for each in known.all() if each.serial != device.serial):
        raise UsageError(f"another device is called '{name}' already; see 'barbotage devices'")
    known.remember(replace(device, name=name))
    context.console.result(f"{device.serial} is called '{name}'" if name else f"{device.serial} has no name")
    return EXIT_DONE


def forget_device(context: Context, wanted: str) -> int:
    """Removes a device and the keys that were made for it; it must be paired again afterwards. Raises NotFoundError."""
    known = KnownDevices(context.home.state)
    device = find_remembered(known, wanted)
    known.forget(device.serial)
    OwnKeys(context.home.state, device.serial).forget()
    context.console.result(f"{device.serial} is forgotten")
    context.console.note("the device still lists this computer; 'barbotage pair --revoke' from another computer removes it there")
    return EXIT_DONE


def find_remembered(known: KnownDevices, wanted: str) -> KnownDevice:
    """The device with this serial number or name. Raises NotFoundError."""
    serial = serial_of(wanted, known)
    for device in known.all():
        if device.serial == serial:
            return device
    raise NotFoundError(f"no known device has the serial number or name '{wanted}'; see 'barbotage devices'")


def _judge(device: KnownDevice, candidates: Sequence[Candidate]) -> Remembered:
    facts = (device.serial, device.name, device.model)
    found = next((each for each in candidates if each.ours and each.serial == device.serial), None)
    if found is None:
        return Remembered(*facts, device.port, device.baud, "no", "no port has its serial number and its last port is not there")
    if found.certain:
        return Remembered(*facts, found.port, None, "yes", f"{found.port} has its serial number")
    return Remembered(*facts, found.port, device.baud, "perhaps", "its last port is there, but does not say what is behind it")
