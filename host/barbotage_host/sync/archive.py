"""The archive: one folder for each device, one for each session in it, as on the device. What is under way is out of sight."""

import fcntl
import getpass
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from barbotage_device.errors import BarbotageError
from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import replace_atomically, sync_directory
from barbotage_device.session.manifest import MANIFEST_NAME, SegmentKind, read_manifest

INCOMING = ".incoming"
"""Folders whose names begin with a dot are no sessions (session/catalogue.py)."""
LOCK_NAME = ".lock"
README_NAME = "README.txt"
README = """\
Archive of recorded Barbotage sessions

<device>/<session>/        one folder for each device (its serial number), in it one for each session (a ULID: names sort by time)
  session.json             the manifest: what the session is, its files and their SHA-256
  telemetry-*.mcap         what was seen, aimed at, told and done
  keyframes-*.mcap         the recorded pictures at events, unchanged
  proxy-*.mcap             a small H.264 video
  video-*.mcap             every recorded picture
  review/                  what reviewers added here
<device>/.incoming/        sessions that are still being fetched. A file there without .part in its name is whole and verified.
catalogue.sqlite           a list of all this for quick look-ups. It may be deleted: it is made again from the folders.

The MCAP files open in rerun, Foxglove and PlotJuggler. Review: barbotage review PATH. Check: barbotage archive verify.
Folders may be copied and moved as they are.
"""


class ArchiveError(BarbotageError):
    """The archive cannot be worked on now; the message says who does."""


@dataclass(frozen=True, slots=True)
class Archived:
    """A session as the archive has it. ``digests``: kind and SHA-256 of each segment by name. ``damaged``: its manifest cannot be read."""

    bytes: int = 0
    digests: tuple[tuple[str, SegmentKind, str], ...] = ()
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Archive:
    """The sessions of all devices under ``root``."""

    root: Path

    def prepare(self) -> None:
        """Makes the folder, with the page that explains it. Raises OSError."""
        self.root.mkdir(parents=True, exist_ok=True)
        if not (self.root / README_NAME).exists():
            replace_atomically(self.root / README_NAME, README.encode())

    def device(self, device: str) -> Path:
        """The folder of a device."""
        return self.root / _folder_name(device)

    def session(self, device: str, session: str) -> Path:
        """Where a session is once it is whole."""
        return self.device(device) / session

    def incoming(self, device: str, session: str) -> Path:
        """Where it is put together."""
        return self.device(device) / INCOMING / session

    def has(self, device: str, session: str) -> bool:
        """Whether the session is there, whole."""
        return (self.session(device, session) / MANIFEST_NAME).is_file()

    def holding(self, device: str, session: str) -> Archived | None:
        """What the archive has of a session; None when it is not there."""
        if not self.has(device, session):
            return None
        try:
            segments = read_manifest(self.session(device, session)).segments
        except SessionError:
            return Archived(damaged=True)
        return Archived(sum(each.bytes for each in segments), tuple((each.name, each.kind, each.sha256) for each in segments))

    def publish(self, device: str, session: str) -> Path:
        """Moves a session that is whole to its place, in one step; what came later for one that is there is added to it. Raises OSError."""
        incoming, final = self.incoming(device, session), self.session(device, session)
        if not self.has(device, session):
            incoming.rename(final)
            sync_directory(final.parent)
            return final
        # The manifest last: until then it names what was there before, which still is.
        for file in sorted(incoming.iterdir(), key=lambda path: path.name == MANIFEST_NAME):
            if ".part" not in file.name:
                file.replace(final / file.name)
                sync_directory(final)
        shutil.rmtree(incoming)
        return final

    def discard(self, device: str, session: str) -> None:
        """Throws away what was fetched of a session that is not whole."""
        shutil.rmtree(self.incoming(device, session), ignore_errors=True)

    def incoming_sessions(self) -> list[Path]:
        """What is under way, of all devices."""
        return sorted(path for path in self.root.glob(f"*/{INCOMING}/*") if path.is_dir())

    @contextmanager
    def locked(self, device: str) -> Iterator[None]:
        """Nobody else syncs into the folder of this device meanwhile; the kernel drops the claim when the process ends, however it ends.

        Raises ArchiveError, naming who holds it, and OSError.
        """
        folder = self.device(device)
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _claim(descriptor, folder)
            yield
        finally:
            os.close(descriptor)


def _claim(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another program"
        raise ArchiveError(f"{folder}: {holder} is syncing into it; wait until that has ended") from error
    who = f"process {os.getpid()} ({getpass.getuser()} on {os.uname().nodename}, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC)"
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, who.encode(), 0)


def _folder_name(device: str) -> str:
    """A serial number as the name of a folder, whatever the device calls itself."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in device) or "unknown"
