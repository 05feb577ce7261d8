"""What is installed, staged and kept to go back to: ``update/state.json`` in the state folder, beside ``models/`` and ``software/``."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from barbotage_device.update.disk import Disk, replace_file, tree_digest
from barbotage_device.update.errors import UpdateBusyError, UpdateError
from barbotage_device.update.manifest import Kind

UPDATE_FOLDER = "update"
STATE_NAME = "state.json"
LOCK_NAME = "lock"
FOLDERS = {Kind.MODEL: "models", Kind.SOFTWARE: "software"}
DRAFT_PREFIX = ".incoming-"
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Slot:
    """Something installed or staged. ``folder`` lies under the folder of its kind, ``digest`` is the one of all its files."""

    name: str
    version: str
    security_version: int
    folder: str
    digest: str


@dataclass(slots=True)
class Lane:
    """One kind of thing. Without ``active`` the device runs what it was installed with."""

    active: Slot | None = None
    previous: Slot | None = None
    """What was active before; None is what the device was installed with."""
    candidate: Slot | None = None
    """Staged, or being tried when ``tries`` is above 0."""
    tries: int = 0
    highest_security_version: int = 0
    """Of all that were ever active."""

    @property
    def slots(self) -> tuple[Slot, ...]:
        """All that are kept."""
        return tuple(each for each in (self.active, self.previous, self.candidate) if each is not None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the last update ended: ``state`` is active, rolled-back or failed."""

    state: str
    kind: str
    name: str
    version: str
    why: str = ""


@dataclass(slots=True)
class Updates:
    """The whole state."""

    model: Lane = field(default_factory=Lane)
    software: Lane = field(default_factory=Lane)
    last: Outcome | None = None

    def lane(self, kind: Kind) -> Lane:
        """The lane of a kind."""
        return self.model if kind is Kind.MODEL else self.software


class UpdateStore:
    """The updates of the device whose state folder is ``state``."""

    def __init__(self, state: Path, disk: Disk | None = None) -> None:
        self.state = state
        self.disk = disk or Disk()
        self._folder = state / UPDATE_FOLDER

    @property
    def is_used(self) -> bool:
        """Whether this device ever had an update."""
        return (self._folder / STATE_NAME).exists()

    def load(self) -> Updates:
        """The state; nothing installed while there is no file. Raises UpdateError when the file is damaged, OSError."""
        path = self._folder / STATE_NAME
        try:
            document = json.loads(path.read_bytes())
        except FileNotFoundError:
            return Updates()
        except ValueError as error:
            raise self._damaged(error) from error
        try:
            return Updates(
                model=_lane(document["model"]),
                software=_lane(document["software"]),
                last=None if document["last"] is None else Outcome(**document["last"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise self._damaged(error) from error

    def save(self, updates: Updates) -> None:
        """Replaces the state in one step. Raises OSError."""
        self.disk.make_folder(self._folder)
        document = {"schema": "barbotage.updates", "schema_version": SCHEMA_VERSION, **asdict(updates)}
        replace_file(self.disk, self._folder / STATE_NAME, json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n")

    def root(self, kind: Kind) -> Path:
        """The folder of all of a kind."""
        return self.state / FOLDERS[kind]

    def folder(self, kind: Kind, slot: Slot) -> Path:
        """Where something lies."""
        return self.root(kind) / slot.folder

    def downloads(self) -> Path:
        """The folder of bundles on their way. Raises OSError."""
        folder = self._folder / "downloads"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def is_intact(self, kind: Kind, slot: Slot) -> bool:
        """Whether all files are there as they were staged."""
        try:
            return tree_digest(self.folder(kind, slot)) == slot.digest
        except OSError:
            return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps every other program and thread from changing the updates. Raises UpdateBusyError, OSError."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UpdateBusyError("another program checks or activates an update of this device; try again") from error
            yield
        finally:
            os.close(descriptor)

    def clean(self, updates: Updates, keep: Path | None) -> None:
        """Removes what the state does not name; ``keep`` is the folder of the software that runs. Raises OSError."""
        for kind in Kind:
            root = self.root(kind)
            named = {each.folder for each in updates.lane(kind).slots}
            for path in root.iterdir() if root.is_dir() else ():
                if path.name not in named and path != keep:
                    self.disk.remove(path)

    def _damaged(self, error: Exception) -> UpdateError:
        return UpdateError(
            f"{self._folder / STATE_NAME} is damaged ({error!r:.80}); the device runs what it was installed with. Remove the file to begin anew"
        )


def _lane(document: Any) -> Lane:
    return Lane(
        active=_slot(document["active"]),
        previous=_slot(document["previous"]),
        candidate=_slot(document["candidate"]),
        tries=int(document["tries"]),
        highest_security_version=int(document["highest_security_version"]),
    )


def _slot(document: Any) -> Slot | None:
    return None if document is None else Slot(**document)
