"""What the link's update methods do on this device: takes a bundle in, verifies and stages it in the background, tells how it goes."""

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from barbotage_device.errors import BarbotageError
from barbotage_device.link.errors import CallError, Code
from barbotage_device.link.part_file import PartFile
from barbotage_device.update.activation import roll_back
from barbotage_device.update.bundle import MAX_BUNDLE_BYTES
from barbotage_device.update.errors import SignatureError, UpdateBusyError, UpdateError
from barbotage_device.update.manifest import Kind
from barbotage_device.update.staging import stage
from barbotage_device.update.store import Lane, Updates, UpdateStore
from barbotage_device.update.trust import HOW_TO_TRUST, TrustedKeys

ROOM_FACTOR = 4
"""A bundle, its payload, and what a wheel unpacks to."""
ROOM_LEFT_BYTES = 200 << 20
"""Never taken by an update: a session must still begin."""


class DeviceUpdates:
    """The updates of the device whose state folder is ``state``. One thread calls it, the one of the link. ``clock_s`` is monotonic."""

    def __init__(
        self, state: Path, notice: Callable[[str], None] = lambda _: None, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = UpdateStore(state)
        self._keys = TrustedKeys(state)
        self._notice = notice
        self._clock_s = clock_s
        self._worker: threading.Thread | None = None
        self._lock = threading.Lock()
        self._why = ""
        """Why the last bundle was refused; empty when it was not."""

    def receive(self, size_bytes: int, sha256: str) -> PartFile:
        """Where the bytes of a bundle go; what came before a cut is there already. Raises CallError, OSError."""
        if self.verifying:
            raise CallError(Code.BUSY, "a bundle is being verified; ask upd.status")
        try:
            trusted = self._keys.all()
        except SignatureError as error:
            raise CallError(Code.BAD_SIGNATURE, str(error)) from error
        if not trusted:
            raise CallError(Code.BAD_SIGNATURE, f"this device trusts no key for updates; {HOW_TO_TRUST}")
        if not 0 < size_bytes <= MAX_BUNDLE_BYTES:
            raise CallError(Code.BAD_REQUEST, f"a bundle has at most {MAX_BUNDLE_BYTES >> 20} MiB, this one {size_bytes} bytes")
        folder = self._store.downloads()
        _remove_others(folder, sha256)
        free = shutil.disk_usage(folder).free
        if free < ROOM_FACTOR * size_bytes + ROOM_LEFT_BYTES:
            raise CallError(Code.NO_SPACE, f"{free >> 20} MiB are free on the device; an update of this size needs more")
        self._why = ""
        return PartFile(folder, _file_name(sha256), size_bytes, sha256, self._clock_s)

    @property
    def verifying(self) -> bool:
        """Whether a bundle is being verified and staged now."""
        return self._worker is not None and self._worker.is_alive()

    def received(self, part: PartFile) -> None:
        """Verifies and stages a bundle that is whole, in a thread of its own: a slow card takes seconds."""
        self._worker = threading.Thread(target=self._verify, args=(part,), name="update", daemon=True)
        self._worker.start()

    def failed(self, why: str) -> None:
        """A transfer came to nothing."""
        with self._lock:
            self._why = why

    def status(self) -> dict[str, Any]:
        """Where updates stand when none is on its way."""
        with self._lock:
            why = self._why
        try:
            updates = self._store.load()
            keys = sorted(key.name for key in self._keys.all().values())
        except BarbotageError as error:
            return {"state": "failed", "name": "", "version": "", "kind": "", "why": str(error), "installed": {}, "keys": []}
        if self.verifying:
            state = {"state": "verifying", "name": "", "version": "", "kind": "", "why": ""}
        else:
            state = _standing(updates, why)
        return state | {"installed": {str(kind): lane_record(updates.lane(kind)) for kind in Kind}, "keys": keys}

    def roll_back(self, kind: str) -> None:
        """As ``barbotage-device update rollback``. Raises CallError, OSError."""
        if kind not in tuple(Kind):
            raise CallError(Code.BAD_REQUEST, f"'kind' must be one of {', '.join(Kind)}")
        try:
            outcome = roll_back(self._store, Kind(kind))
        except UpdateBusyError as error:
            raise CallError(Code.BUSY, str(error)) from error
        except UpdateError as error:
            raise CallError(Code.NOT_FOUND, str(error)) from error
        self._notice(f"update: {outcome.kind} {outcome.name} {outcome.version} is left at the next start")

    def discard(self) -> None:
        """Throws away what came of a bundle. Raises OSError."""
        if not self.verifying:
            _remove_others(self._store.downloads(), None)

    def _verify(self, part: PartFile) -> None:
        folder = self._store.downloads()
        try:
            if not part.verified():
                raise UpdateError("what arrived does not have the digest that was announced; send it again")
            part.finish()
            path = folder / part.name
            manifest = stage(self._store, self._keys, path)
            self._notice(f"update: {manifest.title} is staged, and is tried at the next start")
        except (BarbotageError, OSError) as error:
            self.failed(str(error))
            self._notice(f"update: refused: {error}")
        finally:
            part.close()
            _remove_others(folder, None)


def lane_record(lane: Lane) -> dict[str, Any]:
    """A lane as JSON shows it."""
    return {
        "active": None if lane.active is None else asdict(lane.active),
        "previous": None if lane.previous is None else asdict(lane.previous),
        "staged": None if lane.candidate is None else asdict(lane.candidate),
        "highest_security_version": lane.highest_security_version,
    }


def _standing(updates: Updates, why: str) -> dict[str, Any]:
    """What is staged, else how the last update ended."""
    if why:
        return {"state": "failed", "name": "", "version": "", "kind": "", "why": why}
    for kind in Kind:
        lane = updates.lane(kind)
        if lane.candidate is not None:
            state = "trying" if lane.tries else "staged"
            return {"state": state, "name": lane.candidate.name, "version": lane.candidate.version, "kind": str(kind), "why": ""}
    if updates.last is not None:
        return asdict(updates.last)
    return {"state": "none", "name": "", "version": "", "kind": "", "why": ""}


def _file_name(sha256: str) -> str:
    return f"{sha256}.bundle"


def _remove_others(folder: Path, sha256: str | None) -> None:
    """Removes downloads but those of ``sha256``."""
    for path in folder.iterdir():
        if sha256 is None or not path.name.startswith(_file_name(sha256)):
            path.unlink(missing_ok=True)
