"""Fetches one file of a session: taken up where it stopped, verified, mended piece by piece when it is wrong."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from barbotage_device.errors import BarbotageError
from barbotage_device.link.client import LinkClient, RemoteFile
from barbotage_device.link.errors import LinkError, LinkLostError
from barbotage_device.link.part_file import HASH_PIECE_BYTES, PartFile
from barbotage_device.session.rewriting import file_sha256
from barbotage_host.sync.plan import Fetch
from barbotage_host.sync.remote import SessionFile, open_session_file

MAX_REPAIRS = 3
"""A file whose digest is wrong is mended piece by piece so often, then given up."""


class WrongFileError(LinkError):
    """What the device sends is not what its manifest says."""


class PausedError(BarbotageError):
    """A procedure has begun on the device; the file is taken up again when that has ended."""


@dataclass(slots=True)
class Outcome:
    """What a sync did. ``bytes`` came over the line as payload; ``resumed_bytes`` were there from before."""

    fetched: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    bytes: int = 0
    resumed_bytes: int = 0
    interruptions: int = 0


@dataclass(frozen=True, slots=True)
class FileFetcher:
    """Fetches files over ``client``. ``step`` hears of the bytes missing and may raise to stop; ``say`` gets lines."""

    client: LinkClient
    outcome: Outcome
    say: Callable[[str], None]
    step: Callable[[Fetch, int], None]
    known: set[tuple[Path, str]] = field(default_factory=set)
    """Files that are there with their digest, as checked in this process."""
    clock_s: Callable[[], float] = time.monotonic

    def fetch(self, fetch: Fetch, folder: Path) -> None:
        """Ends when the file is in ``folder``, verified. Raises LinkLostError, WrongFileError, AnswerError, OSError and what ``step`` raises."""
        file = fetch.file
        folder.mkdir(parents=True, exist_ok=True)
        if self._is_there(folder / file.name, file):
            return
        remote = open_session_file(self.client, fetch.session, file.name)
        if (remote.size_bytes, remote.sha256) != (file.bytes, file.sha256):
            raise LinkLostError(f"{file.name} of session {fetch.session} has changed on the device meanwhile")
        part = PartFile(folder, file.name, file.bytes, file.sha256, self.clock_s)
        try:
            self.outcome.resumed_bytes += part.resumed_bytes
            self._receive(remote, part, fetch)
            self._verify(remote, part, fetch)
            part.finish()
            self.known.add((folder / file.name, file.sha256))
        except PausedError:
            self.client.call("file.close", {"handle": remote.handle})
            raise
        finally:
            part.close()
        self.client.call("file.close", {"handle": remote.handle})

    def _receive(self, remote: RemoteFile, part: PartFile, fetch: Fetch) -> None:
        counted = part.missing.total
        try:
            for progress in self.client.fetch(remote, part.missing, part.write_at):
                part.checkpoint()
                self.outcome.bytes += counted - progress.missing_bytes
                counted = progress.missing_bytes
                self.step(fetch, progress.missing_bytes)
        finally:
            self.outcome.bytes += counted - part.missing.total
            part.checkpoint(force=bool(part.missing))

    def _verify(self, remote: RemoteFile, part: PartFile, fetch: Fetch) -> None:
        """Fetches again what is wrong: the journal vouched for bytes that a crash of this computer has lost, or a disk is failing."""
        file = fetch.file
        for _ in range(MAX_REPAIRS):
            if part.verified():
                return
            self.say(f"{file.name}: the digest is wrong; looking for the damaged pieces")
            for offset in range(0, file.bytes, HASH_PIECE_BYTES):
                length = min(HASH_PIECE_BYTES, file.bytes - offset)
                answer = self.client.call("file.hash", {"handle": remote.handle, "offset": offset, "length": length})
                if answer.text("sha256") != part.digest(offset, length):
                    part.missing.add(offset, offset + length)
            self._receive(remote, part, fetch)
        if not part.verified():
            self.client.call("file.close", {"handle": remote.handle})
            raise WrongFileError(
                f"{file.name}: what the device sends does not have the digest of its manifest; "
                "run 'barbotage-device sessions verify' there"
            )

    def _is_there(self, path: Path, file: SessionFile) -> bool:
        """A file under its final name was verified when it got it; the device may have made another since, or the disk have failed."""
        if not path.is_file():
            return False
        if (path, file.sha256) not in self.known and file_sha256(path) != file.sha256:
            path.unlink()
            return False
        self.known.add((path, file.sha256))
        return True
