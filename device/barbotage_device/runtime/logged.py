"""What a host does to the device, noted in the log: settings, clock, pairings. Each wraps a part of the link's service."""

from collections.abc import Mapping
from logging import Logger
from pathlib import Path
from typing import Any

from barbotage_device.config_store import ConfigStore
from barbotage_device.link.errors import CallError, Code
from barbotage_device.link.keys import PairedHosts
from barbotage_device.link.methods import Caller
from barbotage_device.link.pairing import PairingScreen
from barbotage_device.link.roles import Role
from barbotage_device.link.serving import WallClock
from barbotage_device.link.session_store import SessionFolder
from barbotage_device.runtime.logbook import quoted

KEY_SHOWN = 8
"""Digits of a public key that tell hosts apart."""
NS_PER_S = 1e9


class LoggedConfiguration:
    """A Configuration whose changes are noted with key, old and new value."""

    def __init__(self, inner: ConfigStore, logger: Logger) -> None:
        self._inner = inner
        self._logger = logger

    def document(self) -> bytes:
        """As in ConfigStore."""
        return self._inner.document()

    def values(self) -> Mapping[str, Any]:
        """As in Configuration."""
        return self._inner.values()

    def revision(self) -> str:
        """As in Configuration."""
        return self._inner.revision()

    def set(self, values: Mapping[str, Any]) -> bool:
        """As in Configuration."""
        before = self._inner.values()
        try:
            restart = self._inner.set(values)
        except (CallError, OSError) as error:
            self._logger.warning("settings not changed: %s", error)
            raise
        after = self._inner.values()
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                self._logger.info("setting %s: %s -> %s", key, quoted(before.get(key)), quoted(after.get(key)))
        return restart


class LoggedSessions(SessionFolder):
    """Sessions of which it is noted when a host deletes one."""

    def __init__(self, root: Path, logger: Logger) -> None:
        super().__init__(root)
        self._logger = logger

    def delete(self, session: str, manifest_sha256: str, force: bool) -> None:
        """As in SessionStore."""
        super().delete(session, manifest_sha256, force)
        self._logger.info("session %s deleted by the host%s", session, ", by force" if force else "")


class LoggedClock:
    """A WallClock whose steps are noted."""

    def __init__(self, inner: WallClock, logger: Logger) -> None:
        self._inner = inner
        self._logger = logger

    def utc_ns(self) -> int:
        """As in WallClock."""
        return self._inner.utc_ns()

    def monotonic_ns(self) -> int:
        """As in WallClock."""
        return self._inner.monotonic_ns()

    def set_utc_ns(self, utc_ns: int) -> None:
        """As in WallClock. Raises CallError, with what to do about it, when this program may not set the clock."""
        step_ns = utc_ns - self._inner.utc_ns()
        try:
            self._inner.set_utc_ns(utc_ns)
        except PermissionError as error:
            self._logger.warning("clock not set: this program has no permission")
            raise CallError(
                Code.FORBIDDEN,
                "this program may not set the device's clock; on the device give it the capability (AmbientCapabilities=CAP_SYS_TIME in its "
                "systemd unit), or set the clock there with 'sudo timedatectl set-time'",
            ) from error
        self._logger.info("clock set by %+.3f s", step_ns / NS_PER_S)


class LoggedHosts:
    """Paired hosts whose coming and going is noted."""

    def __init__(self, inner: PairedHosts, logger: Logger) -> None:
        self._inner = inner
        self._logger = logger

    def __len__(self) -> int:
        return len(self._inner)

    def find(self, key: bytes) -> Caller | None:
        """As in HostList."""
        return self._inner.find(key)

    def add(self, key: bytes, name: str, role: Role) -> None:
        """As in HostList."""
        self._inner.add(key, name, role)
        self._logger.info("paired with '%s' as %s, key %s", name, role.word, key.hex()[:KEY_SHOWN])

    def all(self) -> list[dict[str, Any]]:
        """As in KnownHosts."""
        return self._inner.all()

    def remove(self, key: bytes) -> bool:
        """As in KnownHosts."""
        host = self._inner.find(key)
        removed = self._inner.remove(key)
        if host is not None and removed:
            self._logger.info("pairing of '%s' (%s) revoked, key %s", host.name, host.role.word, key.hex()[:KEY_SHOWN])
        return removed

    def replace(self, old: bytes, new: bytes) -> None:
        """As in KnownHosts."""
        self._inner.replace(old, new)
        self._logger.info("key %s of a paired host became %s", old.hex()[:KEY_SHOWN], new.hex()[:KEY_SHOWN])


class LoggedScreen:
    """A PairingScreen that notes who asked and how it ended, never the code."""

    def __init__(self, inner: PairingScreen, logger: Logger) -> None:
        self._inner = inner
        self._logger = logger

    def show_code(self, code: str, name: str, role: Role, valid_s: float) -> None:
        """As in PairingScreen."""
        self._logger.info("'%s' asks to be paired as %s", name, role.word)
        self._inner.show_code(code, name, role, valid_s)

    def hide_code(self, paired: bool) -> None:
        """As in PairingScreen."""
        if not paired:
            self._logger.warning("pairing did not succeed: the code is void")
        self._inner.hide_code(paired)
