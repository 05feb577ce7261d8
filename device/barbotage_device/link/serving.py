"""What a device serves over the link: files of sessions, configuration, clock, telemetry, pairing (docs/protocol.md, section 7).

The things served sit behind small Protocols; the link knows nothing else of the device.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from barbotage_device.link.bulk_sender import ByteSource
from barbotage_device.link.device_end import DeviceEnd
from barbotage_device.link.errors import CallError, Code
from barbotage_device.link.methods import Caller, Method
from barbotage_device.link.noise import KEY_BYTES
from barbotage_device.link.outbox import MAX_TOPICS
from barbotage_device.link.part_file import HASH_PIECE_BYTES
from barbotage_device.link.roles import Role
from barbotage_device.link.values import Values

MAX_HANDLES = 63
"""Handles fit one byte of a DATA frame."""
PAGE = 32
"""Sessions or files in one answer, so that it fits a frame."""
MAX_HZ = 60.0
DEFAULT_LOG_LEVEL = 20
"""Information, as in Python's logging."""
LOCAL_VALUES = {"link.security": "none"}
"""Settings that no host may make: whoever turns security off stands at the device."""
MAX_HASH_BYTES = 8 << 20
"""Hashed in one request: 40 ms on a Raspberry Pi 4, during which nothing else is served."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as a list shows it."""

    id: str
    started_utc_ns: int
    duration_s: float | None
    bytes: int
    state: str
    marked: bool
    synced_utc_ns: int | None


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file of a session. ``kind`` says of which worth it is: manifest, telemetry, keyframes, proxy, video."""

    name: str
    kind: str
    bytes: int
    sha256: str


class OpenFile(ByteSource, Protocol):
    """A file that does not change while it is open."""

    size_bytes: int
    sha256: str

    def close(self) -> None:
        """Gives it free; may be called again."""
        ...


class SessionStore(Protocol):
    """The sessions of the device. Every method raises CallError for what is refused or not there, OSError for the disk."""

    def sessions(self) -> list[SessionInfo]:
        """All of them, oldest first."""
        ...

    def files(self, session: str) -> list[FileInfo]:
        """The files of a session in the order of worth."""
        ...

    def open(self, session: str, name: str) -> OpenFile:
        """Opens a file of a session."""
        ...

    def mark(self, session: str, marked: bool) -> None:
        """Keeps a session from being removed, or not."""
        ...

    def set_synced(self, session: str, utc_ns: int) -> None:
        """Notes that a host has it whole."""
        ...

    def delete(self, session: str, manifest_sha256: str, force: bool) -> None:
        """Removes a session that is synced (or by force), and whose manifest is the one that the host has."""
        ...


class Configuration(Protocol):
    """The settings of the device: dotted keys and plain values."""

    def values(self) -> Mapping[str, Any]:
        """Every key with its value."""
        ...

    def revision(self) -> str:
        """Changes with every change of a value."""
        ...

    def set(self, values: Mapping[str, Any]) -> bool:
        """Checks and applies all or nothing; whether the device must be started anew to notice. Raises CallError naming the key."""
        ...


class WallClock(Protocol):
    """The device's wall clock."""

    def utc_ns(self) -> int:
        """Now."""
        ...

    def monotonic_ns(self) -> int:
        """The clock of captures, now."""
        ...

    def set_utc_ns(self, utc_ns: int) -> None:
        """Sets it. Raises OSError when that is not permitted."""
        ...


class KnownHosts(Protocol):
    """The hosts that were paired."""

    def all(self) -> list[dict[str, Any]]:
        """Name, role, key and time of each."""
        ...

    def remove(self, key: bytes) -> bool:
        """Forgets a host; whether it was known."""
        ...

    def replace(self, old: bytes, new: bytes) -> None:
        """Gives a host another key."""
        ...


class Files:
    """Open files and their handles; closed when the connection ends."""

    def __init__(self, end: DeviceEnd, sessions: SessionStore, documents: Mapping[str, Callable[[], bytes]]) -> None:
        self._end = end
        self._sessions = sessions
        self._documents = documents
        self._open: dict[int, OpenFile] = {}

    def table(self) -> dict[str, Method]:
        """The methods."""
        return {
            "file.open": Method(Role.OPERATOR, self._open_file),
            "file.hash": Method(Role.OPERATOR, self._hash),
            "file.close": Method(Role.OPERATOR, self._close),
        }

    def close_all(self) -> None:
        """Ends all handles: the connection is over."""
        for handle in list(self._open):
            self._end.sender.withdraw(handle)
            self._open.pop(handle).close()

    def _open_file(self, values: Values, _caller: Caller) -> dict[str, Any]:
        handle = next((each for each in range(1, MAX_HANDLES + 1) if each not in self._open), None)
        if handle is None:
            raise CallError(Code.BUSY, f"{MAX_HANDLES} files are open; close one")
        name = values.text("name")
        match values.text("area"):
            case "session":
                file = self._sessions.open(values.text("id"), name)
            case "document":
                if name not in self._documents:
                    raise CallError(
                        Code.NOT_FOUND, f"there is no document '{name}'; there are {', '.join(sorted(self._documents))}"
                    )
                file = Document(self._documents[name]())
            case _:
                raise values.wrong("area", "'session' or 'document'")
        self._open[handle] = file
        self._end.sender.offer(handle, file)
        return {"handle": handle, "bytes": file.size_bytes, "sha256": file.sha256}

    def _hash(self, values: Values, _caller: Caller) -> dict[str, Any]:
        file = self._find(values)
        offset = values.whole("offset", highest=file.size_bytes)
        left = values.whole("length", highest=min(MAX_HASH_BYTES, file.size_bytes - offset))
        digest = hashlib.sha256()
        while left:
            piece = file.read_at(offset, min(left, HASH_PIECE_BYTES))
            if not piece:
                raise CallError(Code.INPUT_OUTPUT, "the file has become shorter")
            digest.update(piece)
            offset, left = offset + len(piece), left - len(piece)
        return {"sha256": digest.hexdigest()}

    def _close(self, values: Values, _caller: Caller) -> dict[str, Any]:
        handle = values.whole("handle")
        if handle in self._open:
            self._end.sender.withdraw(handle)
            self._open.pop(handle).close()
        return {}

    def _find(self, values: Values) -> OpenFile:
        file = self._open.get(values.whole("handle"))
        if file is None:
            raise CallError(Code.STALE_HANDLE, "that file is not open any more; open it again")
        return file


class Document:
    """A small file that lives in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size_bytes = len(data)
        self.sha256 = hashlib.sha256(data).hexdigest()

    def read_at(self, offset: int, length: int) -> bytes:
        """As in ByteSource."""
        return self._data[offset : offset + length]

    def close(self) -> None:
        """As in OpenFile."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a device offers. ``in_procedure`` tells whether a procedure is running: configuration and clock are then refused."""

    sessions: SessionStore
    configuration: Configuration
    clock: WallClock
    hosts: KnownHosts
    status: Callable[[], Mapping[str, Any]]
    in_procedure: Callable[[], bool]
    documents: Mapping[str, Callable[[], bytes]]


class Service:
    """Every method that a device serves beside those of the connection itself."""

    def __init__(self, end: DeviceEnd, served: Served) -> None:
        self._end = end
        self._served = served
        self.files = Files(end, served.sessions, served.documents)
        end.methods.add(
            self.files.table() | self._session_table() | self._device_table() | self._live_table() | self._pairing_table()
        )

    def _session_table(self) -> dict[str, Method]:
        return {
            "sess.list": Method(Role.VIEWER, self._list),
            "sess.files": Method(Role.VIEWER, self._files),
            "sess.mark": Method(Role.OPERATOR, self._mark),
            "sess.synced": Method(Role.OPERATOR, self._synced),
            "sess.delete": Method(Role.OPERATOR, self._delete),
        }

    def _device_table(self) -> dict[str, Method]:
        return {
            "dev.status": Method(Role.VIEWER, lambda *_: self._served.status()),
            "clock.get": Method(Role.VIEWER, self._clock_get),
            "clock.set": Method(Role.OPERATOR, self._clock_set),
            "conf.get": Method(Role.VIEWER, self._conf_get),
            "conf.set": Method(Role.SERVICE, self._conf_set),
        }

    def _live_table(self) -> dict[str, Method]:
        return {
            "telem.sub": Method(Role.VIEWER, self._subscribe),
            "event.sub": Method(Role.VIEWER, self._subscribe_events),
            "log.sub": Method(Role.SERVICE, self._subscribe_log),
            "event.ack": Method(Role.VIEWER, self._acknowledge),
        }

    def _pairing_table(self) -> dict[str, Method]:
        return {
            "pair.list": Method(Role.SERVICE, lambda *_: {"hosts": self._served.hosts.all()}),
            "pair.revoke": Method(Role.SERVICE, self._revoke),
            "pair.rotate": Method(Role.VIEWER, self._rotate),
        }

    def _list(self, values: Values, _caller: Caller) -> dict[str, Any]:
        after, limit = values.text("after", ""), values.whole("limit", PAGE, 1, PAGE)
        found = [each for each in self._served.sessions.sessions() if each.id > after]
        return {"sessions": [asdict(each) for each in found[:limit]], "more": len(found) > limit}

    def _files(self, values: Values, _caller: Caller) -> dict[str, Any]:
        after, limit = values.whole("after", 0), values.whole("limit", PAGE, 1, PAGE)
        found = self._served.sessions.files(values.text("id"))[after:]
        return {"files": [asdict(each) for each in found[:limit]], "more": len(found) > limit}

    def _mark(self, values: Values, _caller: Caller) -> dict[str, Any]:
        self._served.sessions.mark(values.text("id"), values.flag("marked"))
        return {}

    def _synced(self, values: Values, _caller: Caller) -> dict[str, Any]:
        self._served.sessions.set_synced(values.text("id"), values.whole("utc_ns"))
        return {}

    def _delete(self, values: Values, _caller: Caller) -> dict[str, Any]:
        self._served.sessions.delete(values.text("id"), values.text("manifest_sha256"), values.flag("force", False))
        return {}

    def _clock_get(self, _values: Values, _caller: Caller) -> dict[str, Any]:
        clock = self._served.clock
        return {"utc_ns": clock.utc_ns(), "mono_ns": clock.monotonic_ns()}

    def _clock_set(self, values: Values, _caller: Caller) -> dict[str, Any]:
        self._not_now("the clock is not set")
        wanted_ns = values.whole("utc_ns")
        clock = self._served.clock
        step_ns = wanted_ns - clock.utc_ns()
        clock.set_utc_ns(wanted_ns)
        return {"step_ns": step_ns}

    def _conf_get(self, _values: Values, _caller: Caller) -> dict[str, Any]:
        configuration = self._served.configuration
        return {"values": dict(configuration.values()), "revision": configuration.revision()}

    def _conf_set(self, values: Values, _caller: Caller) -> dict[str, Any]:
        self._not_now("the configuration is not changed")
        configuration = self._served.configuration
        if values.text("revision") != configuration.revision():
            raise CallError(Code.REVISION_CONFLICT, "the configuration was changed meanwhile; read it again")
        wanted, present = values.map("values"), configuration.values()
        for key, value in LOCAL_VALUES.items():
            if wanted.get(key) == value != present.get(key):
                raise CallError(Code.FORBIDDEN, f"{key} = '{value}' is set at the device only, in its configuration file")
        restart = configuration.set(wanted)
        return {"revision": configuration.revision(), "restart": restart}

    def _not_now(self, what: str) -> None:
        if self._served.in_procedure():
            raise CallError(Code.BUSY, f"a procedure is running; {what} until it has ended")

    def _subscribe(self, values: Values, _caller: Caller) -> dict[str, Any]:
        topics = values.texts("topics", MAX_TOPICS)
        self._end.subscribe(topics, values.number("max_hz", MAX_HZ, 0.1, MAX_HZ))
        return {"topics": list(topics)}

    def _subscribe_events(self, _values: Values, _caller: Caller) -> dict[str, Any]:
        self._end.wants_events = True
        return {}

    def _subscribe_log(self, values: Values, _caller: Caller) -> dict[str, Any]:
        self._end.log_level = values.whole("level", DEFAULT_LOG_LEVEL, 0, 100)
        return {}

    def _acknowledge(self, values: Values, _caller: Caller) -> dict[str, Any]:
        self._end.outbox.acknowledge(values.whole("sequence"))
        return {}

    def _revoke(self, values: Values, _caller: Caller) -> dict[str, Any]:
        if not self._served.hosts.remove(values.octets("key", KEY_BYTES)):
            raise CallError(Code.NOT_FOUND, "no host with that key is paired")
        return {}

    def _rotate(self, values: Values, caller: Caller) -> dict[str, Any]:
        if not caller.key:
            raise CallError(Code.BAD_REQUEST, "this connection has no key (laboratory setting)")
        key = values.octets("key", KEY_BYTES)
        self._served.hosts.replace(caller.key, key)
        self._end.caller = replace(caller, key=key)
        return {}
