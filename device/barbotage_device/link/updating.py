"""The link's part of updates: the device fetches a bundle from the host, as docs/protocol.md section 3 says, the other way round."""

import re
from collections.abc import Callable
from typing import Any, Protocol

from barbotage_device.link.bulk_receiver import BulkReceiver
from barbotage_device.link.device_end import DeviceEnd
from barbotage_device.link.errors import CallError, Code
from barbotage_device.link.methods import Caller, Method
from barbotage_device.link.part_file import PartFile
from barbotage_device.link.peer import Transfer
from barbotage_device.link.roles import Role
from barbotage_device.link.values import Values

MAX_HANDLE = 63
MAX_NAME = 120
LOOK_EVERY_S = 0.5
"""So often a transfer looks whether a procedure has begun; that reads the disk."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
WAIT = "a procedure is running; updates are not fetched until it has ended"


class UpdateDesk(Protocol):
    """Takes bundles in. Methods raise CallError for what is refused, OSError for the disk."""

    def receive(self, size_bytes: int, sha256: str) -> PartFile:
        """Where the bytes go, with what came before a cut."""
        ...

    def received(self, part: PartFile) -> None:
        """All bytes are there; verifies in the background and closes ``part``."""
        ...

    def failed(self, why: str) -> None:
        """The transfer came to nothing."""
        ...

    def status(self) -> dict[str, Any]:
        """Where updates stand when none is on its way."""
        ...

    def roll_back(self, kind: str) -> None:
        """Goes back to the previous one at the next start."""
        ...

    def discard(self) -> None:
        """Throws away what came."""
        ...


class _Fetching:
    """A bundle on its way."""

    def __init__(self, name: str, size_bytes: int, part: PartFile) -> None:
        self.name = name
        self.size_bytes = size_bytes
        self.part = part
        self.left_bytes = part.missing.total
        self.transfer: Transfer | None = None


class UpdateService:
    """The methods ``upd.*``. ``clock_s`` is the clock that drives ``end``."""

    def __init__(self, end: DeviceEnd, desk: UpdateDesk, in_procedure: Callable[[], bool], clock_s: Callable[[], float]) -> None:
        self._end = end
        self._desk = desk
        self._in_procedure = in_procedure
        self._clock_s = clock_s
        self._fetching: _Fetching | None = None
        self._looked_s = 0.0
        end.methods.add(
            {
                "upd.begin": Method(Role.SERVICE, self._begin),
                "upd.status": Method(Role.VIEWER, self._status),
                "upd.rollback": Method(Role.SERVICE, self._roll_back),
                "upd.cancel": Method(Role.SERVICE, self._cancel),
            }
        )

    def interrupt(self) -> None:
        """The connection is over: what came is kept, and the transfer goes on when a host announces the same bundle again."""
        fetching, self._fetching = self._fetching, None
        if fetching is None:
            return
        if fetching.transfer is not None:
            self._end.end_transfer(fetching.transfer)
        try:
            fetching.part.checkpoint(force=True)
        except OSError as error:
            self._desk.failed(f"the disk of the device: {error.strerror or error}")
        fetching.part.close()

    def _begin(self, values: Values, _caller: Caller) -> dict[str, Any]:
        if self._in_procedure():
            raise CallError(Code.BUSY, WAIT)
        handle = values.whole("handle", lowest=1, highest=MAX_HANDLE)
        name, size_bytes = values.text("name", longest=MAX_NAME), values.whole("bytes", lowest=1)
        sha256 = values.text("sha256")
        if not _SHA256.fullmatch(sha256):
            raise values.wrong("sha256", "64 hexadecimal digits in lower case")
        self.interrupt()
        part = self._desk.receive(size_bytes, sha256)
        fetched_bytes = part.resumed_bytes
        if not part.missing:
            self._desk.received(part)
        else:
            self._fetch(_Fetching(name, size_bytes, part), handle)
        return {"fetched_bytes": fetched_bytes}

    def _fetch(self, fetching: _Fetching, handle: int) -> None:
        def sink(offset: int, piece: bytes) -> None:
            self._keep(fetching, offset, piece)

        self._fetching = fetching
        receiver = BulkReceiver(handle, fetching.size_bytes, fetching.part.missing, self._end.line)
        self._looked_s = self._clock_s()
        fetching.transfer = self._end.fetch(receiver, sink, self._looked_s)

    def _keep(self, fetching: _Fetching, offset: int, piece: bytes) -> None:
        if self._fetching is not fetching:
            return  # given up while more pieces of one block were at hand
        fetching.part.write_at(offset, piece)
        fetching.left_bytes -= len(piece)
        if fetching.left_bytes == 0:
            self._fetching = None
            if fetching.transfer is not None:
                self._end.end_transfer(fetching.transfer)
            self._desk.received(fetching.part)
            return
        fetching.part.checkpoint()
        now_s = self._clock_s()
        if now_s - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = now_s
            if self._in_procedure():
                self.interrupt()
                self._desk.failed("a procedure has begun; what came is kept, send the bundle again afterwards")

    def _status(self, _values: Values, _caller: Caller) -> dict[str, Any]:
        fetching = self._fetching
        if fetching is not None and fetching.transfer is not None:
            self._give_up(fetching, fetching.transfer)
        fetching = self._fetching
        if fetching is None:
            return {"fetched_bytes": 0, "bytes": 0, **self._desk.status()}
        return {
            **self._desk.status(),
            "state": "fetching",
            "name": fetching.name,
            "version": "",
            "kind": "",
            "why": "",
            "fetched_bytes": fetching.size_bytes - fetching.left_bytes,
            "bytes": fetching.size_bytes,
        }

    def _give_up(self, fetching: _Fetching, transfer: Transfer) -> None:
        """Ends a transfer that the disk or the host has ended."""
        if transfer.error is None and transfer.receiver.gone is None:
            return
        why = "the host does not offer the bundle any more"
        if transfer.error is not None:
            why = f"the disk of the device: {transfer.error.strerror or transfer.error}"
        self.interrupt()
        self._desk.failed(f"{why}; what came of {fetching.name} is kept")

    def _roll_back(self, values: Values, _caller: Caller) -> dict[str, Any]:
        if self._in_procedure():
            raise CallError(Code.BUSY, "a procedure is running; nothing is changed until it has ended")
        self._desk.roll_back(values.text("kind"))
        return {}

    def _cancel(self, _values: Values, _caller: Caller) -> dict[str, Any]:
        self.interrupt()
        self._desk.discard()
        return {}
