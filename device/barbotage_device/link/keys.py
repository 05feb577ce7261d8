"""Keys and pairings on disk: the own static key, the hosts that a device knows, the devices that a host knows."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from barbotage_device.link.errors import LinkError
from barbotage_device.link.methods import Caller
from barbotage_device.link.noise import KEY_BYTES
from barbotage_device.link.roles import PAIRABLE, Role
from barbotage_device.session.files import replace_atomically

KEY_NAME = "link-key"
HOSTS_NAME = "paired-hosts.json"
DEVICES_NAME = "known-devices.json"
PRIVATE_MODE = 0o600


def write_private(path: Path, data: bytes) -> None:
    """Replaces a file that only its owner may read, atomically. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_atomically(path, data, PRIVATE_MODE)


def static_key(folder: Path) -> X25519PrivateKey:
    """The static key kept in ``folder``, made on first use. Raises LinkError when the file is damaged or others may read it, OSError."""
    path = folder / KEY_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return new_static_key(folder)
    if len(data) != KEY_BYTES:
        raise LinkError(f"{path} is not a key of {KEY_BYTES} bytes; delete it and pair again")
    if path.stat().st_mode & 0o077:
        raise LinkError(f"{path} can be read by others; run chmod 600 {path}")
    return X25519PrivateKey.from_private_bytes(data)


def new_static_key(folder: Path) -> X25519PrivateKey:
    """A new static key in place of the old one. Raises OSError."""
    key = X25519PrivateKey.generate()
    write_private(folder / KEY_NAME, key.private_bytes_raw())
    return key


@dataclass(frozen=True, slots=True)
class PairedHost:
    """A host that may connect. ``key`` is hexadecimal."""

    name: str
    role: str
    key: str
    paired_utc_ns: int


class PairedHosts:
    """The hosts that this device knows, in a file of ``folder``; changes are on disk before they count."""

    def __init__(self, folder: Path, utc_ns: Callable[[], int]) -> None:
        """Raises LinkError when the file is malformed."""
        self._path = folder / HOSTS_NAME
        self._utc_ns = utc_ns
        self._hosts = {bytes.fromhex(host.key): host for host in _load(self._path, PairedHost)}
        wrong = [host.role for host in self._hosts.values() if host.role not in PAIRABLE]
        if wrong:
            raise LinkError(f"{self._path}: the role '{wrong[0]}' is not one of {', '.join(PAIRABLE)}")

    def __len__(self) -> int:
        return len(self._hosts)

    def find(self, key: bytes) -> Caller | None:
        """As in HostList."""
        host = self._hosts.get(key)
        return None if host is None else Caller(PAIRABLE[host.role], key, host.name)

    def add(self, key: bytes, name: str, role: Role) -> None:
        """As in HostList."""
        self._keep(self._hosts | {key: PairedHost(name, role.word, key.hex(), self._utc_ns())})

    def all(self) -> list[dict[str, Any]]:
        """As in KnownHosts."""
        return [asdict(host) for host in self._hosts.values()]

    def remove(self, key: bytes) -> bool:
        """As in KnownHosts."""
        if key not in self._hosts:
            return False
        self._keep({known: host for known, host in self._hosts.items() if known != key})
        return True

    def replace(self, old: bytes, new: bytes) -> None:
        """As in KnownHosts."""
        host = self._hosts[old]
        kept = {known: each for known, each in self._hosts.items() if known != old}
        self._keep(kept | {new: PairedHost(host.name, host.role, new.hex(), host.paired_utc_ns)})

    def _keep(self, hosts: dict[bytes, PairedHost]) -> None:
        _store(self._path, list(hosts.values()))
        self._hosts = hosts


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device that was paired. ``key`` is hexadecimal; ``name`` is what its owner calls it."""

    serial: str
    key: str
    model: str = ""
    name: str = ""
    port: str = ""
    """Where it was seen last."""
    baud: int | None = None
    """The rate of that port; None for USB."""


class KnownDevices:
    """The devices that this host knows, in a file of ``folder``."""

    def __init__(self, folder: Path) -> None:
        """Raises LinkError when the file is malformed."""
        self._path = folder / DEVICES_NAME
        self._devices = self._read()

    def all(self) -> list[KnownDevice]:
        """Every device, by serial number."""
        return sorted(self._devices.values(), key=lambda device: device.serial)

    def pinned(self, serial: str) -> bytes | None:
        """The static key of a device; None when it is not known."""
        device = self._devices.get(serial)
        return None if device is None else bytes.fromhex(device.key)

    def remember(self, device: KnownDevice) -> None:
        """Keeps a device, in place of what was known under its serial number. Raises OSError."""
        with _alone(self._path):
            self._keep(self._read() | {device.serial: device})

    def forget(self, serial: str) -> bool:
        """Removes a device; whether it was known. Raises OSError."""
        with _alone(self._path):
            devices = self._read()
            if serial not in devices:
                return False
            self._keep({known: device for known, device in devices.items() if known != serial})
            return True

    def _read(self) -> dict[str, KnownDevice]:
        """What is on the disk now: another process or thread may have changed it."""
        return {device.serial: device for device in _load(self._path, KnownDevice)}

    def _keep(self, devices: dict[str, KnownDevice]) -> None:
        _store(self._path, list(devices.values()))
        self._devices = devices


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Holds off everybody else who changes the file, in this process or another. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _store(path: Path, entries: "list[Any]") -> None:
    write_private(path, json.dumps([asdict(entry) for entry in entries], indent=1, ensure_ascii=False).encode() + b"\n")


def _load(path: Path, kind: type[Any]) -> list[Any]:
    try:
        document = json.loads(path.read_bytes())
        names = {each.name for each in fields(kind)}
        entries = [kind(**{name: value for name, value in entry.items() if name in names}) for entry in document]
        short = any(len(bytes.fromhex(entry.key)) != KEY_BYTES for entry in entries)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise LinkError(f"{path} is damaged ({error}); delete it and pair again") from error
    if short:
        raise LinkError(f"{path} is damaged (a key has not {KEY_BYTES} bytes); delete it and pair again")
    return entries
