"""Copies sessions of a device into the archive: resumes where it stopped, verifies every file, shows nothing that is not whole."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from barbotage_device.errors import NotFoundError
from barbotage_device.link.client import LinkClient, RemoteFile
from barbotage_device.link.errors import AnswerError, LinkError, LinkLostError
from barbotage_host.devices.connecting import Connection
from barbotage_host.sync.archive import Archive
from barbotage_host.sync.part_file import HASH_PIECE_BYTES, PartFile
from barbotage_host.sync.plan import Fetch, Plan, make_plan
from barbotage_host.sync.remote import RemoteSession, SessionFile, list_files, list_sessions, open_session_file

RETRY_S = 0.5
MAX_REPAIRS = 3
"""A file whose digest is wrong is mended piece by piece so often, then given up."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a sync is."""

    file: str
    kind: str
    done_bytes: int
    total_bytes: int
    rate_bytes_per_s: float


@dataclass(slots=True)
class Outcome:
    """What a sync did."""

    fetched: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    bytes: int = 0
    resumed_bytes: int = 0
    interruptions: int = 0


class Sync:
    """One device into one archive. ``connect`` makes a new connection each time that one is needed; ``say`` gets lines, ``progress`` steps."""

    def __init__(
        self,
        archive: Archive,
        connect: Callable[[], Connection],
        say: Callable[[str], None],
        progress: Callable[[Step], None],
        retry_for_s: float,
        utc_ns: Callable[[], int] = time.time_ns,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._archive = archive
        self._connect = connect
        self._say = say
        self._progress = progress
        self._retry_for_s = retry_for_s
        self._utc_ns = utc_ns
        self._clock_s = clock_s
        self._connection: Connection | None = None
        self._done_bytes = 0
        self._total_bytes = 0

    def plan(self, wanted: frozenset[str] = frozenset()) -> Plan:
        """What there is to do. Raises NotFoundError for a wanted session that the device has not."""
        client = self._client()
        device = self._device()
        sessions = list_sessions(client)
        absent = wanted - {each.id for each in sessions}
        if absent:
            raise NotFoundError(f"the device has no session {', '.join(sorted(absent))}; see 'barbotage sessions'")
        archived = frozenset(each.id for each in sessions if self._archive.has(device, each.id))
        listed = [(each, self._files(client, each, archived, wanted)) for each in sessions]
        return make_plan(listed, archived, wanted)

    def run(self, wanted: frozenset[str] = frozenset()) -> Outcome:
        """Fetches all that is planned; after a lost line it begins again where it stopped, for ``retry_for_s`` without any byte.

        Raises LinkLostError when the line stays away, OSError of the archive's disk, LinkError when a file cannot be had.
        """
        outcome = Outcome()
        last_gain_s = self._clock_s()
        before = -1
        while True:
            try:
                self._once(wanted, outcome)
            except (LinkLostError, NotFoundError) as error:
                self.close()
                if wanted and isinstance(error, NotFoundError) and not isinstance(error, LinkLostError) and before < 0:
                    raise
                if outcome.bytes > before:
                    before, last_gain_s = outcome.bytes, self._clock_s()
                if self._clock_s() - last_gain_s >= self._retry_for_s:
                    raise
                if outcome.interruptions == 0 or not isinstance(error, NotFoundError):
                    self._say(f"{error}; waiting for the device")
                outcome.interruptions += 1
                time.sleep(RETRY_S)
            else:
                return outcome

    def close(self) -> None:
        """Gives the port free."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, wanted: frozenset[str], outcome: Outcome) -> None:
        plan = self.plan(wanted)
        outcome.skipped = [each for each in plan.skipped if each[0] not in outcome.fetched]
        self._total_bytes, self._done_bytes = plan.total_bytes, 0
        left: dict[str, int] = {}
        for each in plan.fetches:
            left[each.session] = left.get(each.session, 0) + 1
        for each in plan.fetches:
            self._fetch(each, outcome)
            left[each.session] -= 1
            if not left[each.session]:
                self._publish(each.session, outcome)

    def _publish(self, session: str, outcome: Outcome) -> None:
        path = self._archive.publish(self._device(), session)
        outcome.fetched.append(session)
        self._say(f"{session}: in {path}")
        try:
            self._client().call("sess.synced", {"id": session, "utc_ns": self._utc_ns()})
        except AnswerError as error:
            self._say(f"{session}: the device could not note that it is synced ({error.text})")

    def _fetch(self, fetch: Fetch, outcome: Outcome) -> None:
        folder = self._archive.incoming(self._device(), fetch.session)
        folder.mkdir(parents=True, exist_ok=True)
        file = fetch.file
        final = folder / file.name
        if _is_there(final, file):
            self._done_bytes += file.bytes
            return
        client = self._client()
        remote = open_session_file(client, fetch.session, file.name)
        if (remote.size_bytes, remote.sha256) != (file.bytes, file.sha256):
            raise LinkLostError(f"{file.name} of session {fetch.session} has changed on the device meanwhile")
        part = PartFile(folder, file.name, file.bytes, file.sha256, self._clock_s)
        try:
            outcome.resumed_bytes += part.resumed_bytes
            self._receive(client, remote, part, file, outcome)
            self._verify(client, remote, part, file, outcome)
            part.finish()
        finally:
            part.close()
        self._done_bytes += file.bytes
        client.call("file.close", {"handle": remote.handle})

    def _receive(self, client: LinkClient, remote: RemoteFile, part: PartFile, file: SessionFile, outcome: Outcome) -> None:
        before = part.missing.total
        try:
            for progress in client.fetch(remote, part.missing, part.write_at):
                part.checkpoint()
                done = self._done_bytes + file.bytes - progress.missing_bytes
                self._progress(Step(file.name, file.kind, done, self._total_bytes, progress.rate_bytes_per_s))
        finally:
            outcome.bytes += before - part.missing.total
            part.checkpoint(force=bool(part.missing))

    def _verify(self, client: LinkClient, remote: RemoteFile, part: PartFile, file: SessionFile, outcome: Outcome) -> None:
        """Fetches again what is wrong: the journal vouched for bytes that a crash of this computer has lost, or a disk is failing."""
        for _ in range(MAX_REPAIRS):
            if part.verified():
                return
            self._say(f"{file.name}: the digest is wrong; looking for the damaged pieces")
            for offset in range(0, file.bytes, HASH_PIECE_BYTES):
                length = min(HASH_PIECE_BYTES, file.bytes - offset)
                answer = client.call("file.hash", {"handle": remote.handle, "offset": offset, "length": length})
                if answer.text("sha256") != part.digest(offset, length):
                    part.missing.add(offset, offset + length)
            self._receive(client, remote, part, file, outcome)
        if not part.verified():
            raise LinkError(
                f"{file.name}: what the device sends does not have the digest of its manifest; run 'barbotage-device sessions verify' there"
            )

    def _files(
        self, client: LinkClient, session: RemoteSession, archived: frozenset[str], wanted: frozenset[str]
    ) -> list[SessionFile]:
        if session.id in archived or not session.complete or (wanted and session.id not in wanted):
            return []
        return list_files(client, session.id)

    def _client(self) -> LinkClient:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection.client

    def _device(self) -> str:
        if self._connection is None:
            raise LinkLostError("not connected")
        return self._connection.device.serial


def _is_there(path: Path, file: SessionFile) -> bool:
    """A file under its final name was verified when it got it; its size is enough to know it again."""
    return path.is_file() and path.stat().st_size == file.bytes


def room_for(plan: Plan, archive: Archive) -> str | None:
    """What to say when the archive's disk has no room for the plan, None when it has."""
    folder = archive.root
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if plan.total_bytes <= free:
        return None
    return f"{archive.root}: {plan.total_bytes / 1e9:.2f} GB are to come, {free / 1e9:.2f} GB are free"
