"""Copies sessions of a device into the archive: resumes where it stopped, verifies every file, shows nothing that is not whole."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.errors import BarbotageError, NotFoundError, RefusedError
from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import AnswerError, Code, LinkLostError
from barbotage_device.session.flags import set_synced
from barbotage_host.devices.connecting import Connection
from barbotage_host.sync.archive import Archive, ArchiveError
from barbotage_host.sync.fetching import FileFetcher, Outcome, PausedError, WrongFileError
from barbotage_host.sync.plan import Fetch, Plan, arrivals_s, make_plan, to_be_listed
from barbotage_host.sync.progress import RateMeter, Step
from barbotage_host.sync.remote import RemoteSession, SessionFile, list_files, list_sessions

RETRY_S = 0.5
STATUS_EVERY_S = 5.0
"""How often a running fetch asks whether a procedure has begun: small beside a procedure's minutes, and 40 bytes each."""
PROCEDURE = "procedure"
LONG_S = 60.0
"""From so much time left on, it is said where the first files of a session can be looked at already."""
OF_ONE_SESSION = (Code.BUSY, Code.NOT_FOUND, Code.INPUT_OUTPUT)
"""Answers that concern one session and do not keep the others from being fetched."""


class NoRoomError(RefusedError):
    """The archive's disk has no room for what is to come."""


class StoppedError(BarbotageError):
    """Somebody wants the sync to end; what has come stays."""

    exit_code = 130


class AbsentSessionError(NotFoundError):
    """A session that was asked for is not on the device."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What a sync needs from outside. ``connect`` makes a new connection each time that one is needed; ``wait`` may raise StoppedError.

    ``say`` gets lines, ``progress`` steps, ``arrived`` each session that is in the archive now, with its folder.
    """

    connect: Callable[[], Connection]
    say: Callable[[str], None]
    progress: Callable[[Step], None] = lambda _: None
    arrived: Callable[[str, Path], None] = lambda _session, _path: None
    wait: Callable[[float], None] = time.sleep
    utc_ns: Callable[[], int] = time.time_ns
    clock_s: Callable[[], float] = time.monotonic


class Sync:
    """One device into one archive. While a procedure runs on the device it waits: the processor and the disk there belong to the picture."""

    def __init__(self, archive: Archive, ways: Ways, retry_for_s: float) -> None:
        self._archive = archive
        self._ways = ways
        self._retry_for_s = retry_for_s
        self._connection: Connection | None = None
        self._was_connected = False
        self._failed: dict[str, tuple[RemoteSession, str]] = {}
        """Sessions that cannot be had as they are now, and why."""
        self._known: set[tuple[Path, str]] = set()
        self._left: dict[str, int] = {}
        self._total_bytes = 0
        self._rate = RateMeter(ways.clock_s)
        self._asked_s = 0.0

    def plan(self, wanted: frozenset[str] = frozenset()) -> Plan:
        """What there is to do. Raises AbsentSessionError for a wanted session that the device has not."""
        client, device = self._client(), self.device
        sessions = list_sessions(client)
        absent = wanted - {each.id for each in sessions}
        if absent:
            raise AbsentSessionError(f"the device has no session {', '.join(sorted(absent))}; see 'barbotage sessions'")
        archived = {each.id: held for each in sessions if (held := self._archive.holding(device, each.id)) is not None}
        failed = {session.id: reason for session, reason in self._failed.values() if session in sessions}
        listed: list[tuple[RemoteSession, list[SessionFile]]] = []
        for each in sessions:
            files: list[SessionFile] = []
            if to_be_listed(each, archived.get(each.id)) and each.id not in failed and (not wanted or each.id in wanted):
                try:
                    files = list_files(client, each.id)
                except AnswerError as error:
                    failed[each.id] = _reason(error)
            listed.append((each, files))
        return make_plan(listed, archived, wanted, failed)

    def run(self, wanted: frozenset[str] = frozenset()) -> Outcome:
        """Fetches all that is planned; after a lost line it begins again where it stopped, for ``retry_for_s`` without any byte.

        Raises NotFoundError when there is no device, LinkLostError when the line stays away, ArchiveError while another program syncs the same
        device or its disk fails, NoRoomError.
        """
        outcome = Outcome()
        gained_s, gained_bytes = self._ways.clock_s(), -1
        while True:
            try:
                self._pass_or_say(wanted, outcome)
            except PausedError as error:
                self._ways.say(f"{error}; waiting for its end")
                self._await_end_of_procedure()
                gained_s = self._ways.clock_s()
            except AbsentSessionError:
                raise
            except NotFoundError as error:  # LinkLostError is one
                self.close()
                if outcome.bytes > gained_bytes:
                    gained_bytes, gained_s = outcome.bytes, self._ways.clock_s()
                if not self._was_connected or self._ways.clock_s() - gained_s >= self._retry_for_s:
                    raise
                if outcome.interruptions == 0 or isinstance(error, LinkLostError):
                    self._ways.say(f"{error}; waiting for the device")
                outcome.interruptions += 1
                self._ways.wait(RETRY_S)
            else:
                return outcome

    def close(self) -> None:
        """Gives the port free."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def device(self) -> str:
        """The serial number of the device. Raises LinkLostError while there is no connection."""
        if self._connection is None:
            raise LinkLostError("not connected")
        return self._connection.device.serial

    def _pass_or_say(self, wanted: frozenset[str], outcome: Outcome) -> None:
        """A pass; what the archive's disk does not let be done is an ArchiveError."""
        try:
            self._pass(wanted, outcome)
        except BrokenPipeError:
            raise  # of who reads our output
        except OSError as error:
            raise ArchiveError(
                f"{error.filename or self._archive.root}: {error.strerror or error}; what has come stays, sync again when that is mended"
            ) from error

    def _pass(self, wanted: frozenset[str], outcome: Outcome) -> None:
        client = self._client()
        self._rate.restart()
        self._check_procedure(self._ways.clock_s())
        plan = self.plan(wanted)
        outcome.skipped = [each for each in plan.skipped if each[0] not in outcome.fetched]
        if not plan.fetches:
            return
        self._archive.prepare()
        with self._archive.locked(self.device):
            self._check_room(plan)
            self._total_bytes, self._left = plan.total_bytes, plan.bytes_by_kind()

            def step(fetch: Fetch, missing_bytes: int) -> None:
                self._step(fetch, missing_bytes, outcome)

            fetcher = FileFetcher(client, outcome, self._ways.say, step, self._known, self._ways.clock_s)
            self._fetch_all(plan, fetcher, outcome)

    def _fetch_all(self, plan: Plan, fetcher: FileFetcher, outcome: Outcome) -> None:
        waiting: dict[str, int] = {}
        for each in plan.fetches:
            waiting[each.session] = waiting.get(each.session, 0) + 1
        for each in plan.fetches:
            if each.session not in waiting:
                continue
            self._rate.received(outcome.bytes)
            try:
                fetcher.fetch(each, self._archive.incoming(self.device, each.session))
            except (WrongFileError, AnswerError) as error:
                self._give_up(each.session, error, outcome)
                del waiting[each.session]
                continue
            self._left[each.file.kind] -= each.file.bytes
            waiting[each.session] -= 1
            if not waiting[each.session]:
                self._publish(each.session, outcome)
            elif each.file.kind == "keyframes":
                self._say_where_to_look(each.session)

    def _give_up(self, session: str, error: WrongFileError | AnswerError, outcome: Outcome) -> None:
        """Leaves one session out, when the fault is that of the session alone."""
        if isinstance(error, AnswerError) and error.code == Code.STALE_HANDLE:
            raise LinkLostError(str(error)) from error
        if isinstance(error, AnswerError) and error.code not in OF_ONE_SESSION:
            raise error
        reason = _reason(error)
        self._ways.say(f"{session}: {reason}")
        outcome.skipped.append((session, reason))
        if not (isinstance(error, AnswerError) and error.code == Code.BUSY):
            listed = {each.id: each for each in list_sessions(self._client())}
            if session in listed:
                self._failed[session] = (listed[session], reason)

    def _publish(self, session: str, outcome: Outcome) -> None:
        now_ns = self._ways.utc_ns()
        if self._archive.has(self.device, session):
            path = self._archive.publish(self.device, session)
            set_synced(path, now_ns)
        else:
            set_synced(self._archive.incoming(self.device, session), now_ns)
            path = self._archive.publish(self.device, session)
        outcome.fetched.append(session)
        self._ways.arrived(session, path)
        try:
            self._client().call("sess.synced", {"id": session, "utc_ns": now_ns})
        except AnswerError as error:
            self._ways.say(f"{session}: the device could not note that it is synced ({error.text})")

    def _step(self, fetch: Fetch, missing_bytes: int, outcome: Outcome) -> None:
        """Hears of each part that has come; raises PausedError when a procedure has begun."""
        now_s = self._ways.clock_s()
        fetched_bytes = fetch.file.bytes - missing_bytes
        left = self._left | {fetch.file.kind: self._left[fetch.file.kind] - fetched_bytes}
        done_bytes = self._total_bytes - sum(left.values())
        self._rate.received(outcome.bytes)
        rate = self._rate.bytes_per_s
        self._ways.progress(
            Step(fetch.session, fetch.file.name, fetch.file.kind, done_bytes, self._total_bytes, rate, arrivals_s(left, rate))
        )
        if now_s - self._asked_s >= STATUS_EVERY_S:
            self._check_procedure(now_s)

    def _check_procedure(self, now_s: float) -> None:
        """Raises PausedError while a procedure runs on the device."""
        self._asked_s = now_s
        if self._client().call("dev.status").all().get("state") == PROCEDURE:
            raise PausedError(f"a procedure is running on device {self.device}")

    def _await_end_of_procedure(self) -> None:
        while True:
            self._ways.wait(STATUS_EVERY_S)
            try:
                self._check_procedure(self._ways.clock_s())
            except PausedError:
                continue
            except NotFoundError:
                self.close()  # the next pass connects again, or says that it cannot
            return

    def _say_where_to_look(self, session: str) -> None:
        """On a slow line the first files are there long before the session is."""
        rate = self._rate.bytes_per_s
        if rate and sum(self._left.values()) / rate > LONG_S:
            self._ways.say(f"{session}: telemetry and key frames are whole in {self._archive.incoming(self.device, session)}")

    def _check_room(self, plan: Plan) -> None:
        there = sum(_taken_bytes(self._archive.incoming(self.device, each)) for each in {each.session for each in plan.fetches})
        full = room_for(plan.total_bytes - there, self._archive.root)
        if full is not None:
            raise NoRoomError(full)

    def _client(self) -> LinkClient:
        if self._connection is None:
            self._connection = self._ways.connect()
            self._was_connected = True
        return self._connection.client


def room_for(coming_bytes: int, folder: Path) -> str | None:
    """What to say when the disk of ``folder`` has no room for so much, None when it has."""
    existing = folder
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if coming_bytes <= free:
        return None
    return f"{folder}: {coming_bytes / 1e9:.2f} GB are to come, {free / 1e9:.2f} GB are free"


def _taken_bytes(folder: Path) -> int:
    """What the disk holds already of a session on its way (parts have holes)."""
    return sum(path.stat().st_blocks * 512 for path in folder.glob("*")) if folder.is_dir() else 0


def _reason(error: BarbotageError) -> str:
    return error.text if isinstance(error, AnswerError) else str(error)
