"""Keeping and deleting sessions on the device: marks, and removal of what the archive holds whole, proved at that moment."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from barbotage_device.console import EXIT_DONE, EXIT_REFUSED, Console
from barbotage_device.errors import NotFoundError, RefusedError, UsageError
from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import AnswerError
from barbotage_device.session.audit import verify
from barbotage_device.session.manifest import MANIFEST_NAME
from barbotage_host.devices.connecting import Connection
from barbotage_host.devices.context import Context, connect_device
from barbotage_host.devices.words import duration, plural, size
from barbotage_host.sync.archive import Archive
from barbotage_host.sync.remote import RemoteSession, list_files, list_sessions

NS_PER_DAY = 86_400_000_000_000
MAX_LOSSES = 5
"""So often it looks for the device again after the line was lost; then a person should look at the cable."""
RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class DeleteRequest:
    """Which sessions: those named, or all that are synced; of these only what started before ``older_than_days``. ``sure``: does not ask."""

    sessions: tuple[str, ...] = ()
    synced: bool = False
    older_than_days: float | None = None
    sure: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class Deleting:
    """What is to go, with the digest of its manifest in the archive, and what stays and why."""

    chosen: list[RemoteSession] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)

    def keep(self, session: str, reason: str) -> None:
        """Leaves a session where it is."""
        self.kept[session] = reason
        self.chosen = [each for each in self.chosen if each.id != session]

    @property
    def bytes(self) -> int:
        """Of what is to go."""
        return sum(each.bytes for each in self.chosen)


def mark_sessions(context: Context, sessions: tuple[str, ...], marked: bool) -> int:
    """Keeps sessions on the device from being removed, or allows it again."""
    with _connected(context) as connection:
        _check_known(sessions, list_sessions(connection.client))
        for session in sessions:
            connection.client.call("sess.mark", {"id": session, "marked": marked})
    if context.as_json:
        context.console.result_json({"device": connection.device.serial, "sessions": list(sessions), "marked": marked})
    else:
        for session in sessions:
            context.console.result(f"{session}: {'marked, it stays on the device' if marked else 'no longer marked'}")
    return EXIT_DONE


def delete_sessions(
    context: Context, request: DeleteRequest, ask: Callable[[str], bool] | None, utc_ns: Callable[[], int]
) -> int:
    """Removes sessions from the device whose copy in the archive is whole.

    ``ask`` puts a question to a person, None when there is nobody. Ends with 4 when the device, or the archive's state, refused a named session. Raises RefusedError
    when there is nobody to ask, NotFoundError when the line stays away; the archive is never touched.
    """
    if bool(request.sessions) == request.synced:
        raise UsageError("give sessions, or --synced for all that are synced")
    if not (request.sure or request.dry_run) and ask is None:
        raise RefusedError("nobody to ask: this is no terminal; to delete without a question give --yes")
    archive = Archive(context.home.archive)
    with _connected(context) as connection:
        serial = connection.device.serial
        work = choose(list_sessions(connection.client), request, utc_ns())
        verify_copies(connection.client, archive, serial, work, context.console)
        _show(work, context)
        said = frozenset(work.kept)
        wanted = bool(work.chosen) and not request.dry_run
        if wanted and not request.sure and ask is not None:
            wanted = ask(f"delete {_count(work)} from {serial}? They stay in the archive. [y/N] ")
            if not wanted:
                context.console.note("nothing was deleted")
    if wanted:
        _delete(context, serial, work)
    return _finish(context, serial, request, work, said)


def choose(sessions: Sequence[RemoteSession], request: DeleteRequest, now_utc_ns: int) -> Deleting:
    """Which of the device's sessions are asked for and may go, before their copies are looked at. Raises NotFoundError for an unknown one."""
    _check_known(request.sessions, sessions)
    work = Deleting()
    for each in sessions:
        if request.sessions and each.id not in request.sessions:
            continue
        reason = _reason_to_keep(each, request, now_utc_ns)
        if reason is None:
            work.chosen.append(each)
        else:
            work.kept[each.id] = reason
    return work


def verify_copies(client: LinkClient, archive: Archive, serial: str, work: Deleting, console: Console) -> None:
    """Reads every byte of the archive's copies; keeps on the device what has no whole one, or another one than the device."""
    for number, each in enumerate(list(work.chosen), 1):
        title = f"checking the archive's copy {number} of {len(work.chosen)}"
        path = archive.session(serial, each.id)
        if not archive.has(serial, each.id):
            work.keep(each.id, f"is not in the archive {archive.root}; sync it first")
            continue
        digest = hashlib.sha256((path / MANIFEST_NAME).read_bytes()).hexdigest()
        try:
            theirs = next((file.sha256 for file in list_files(client, each.id) if file.name == MANIFEST_NAME), "")
        except AnswerError as error:
            work.keep(each.id, error.text)
            continue
        if digest != theirs:
            work.keep(each.id, "is another one on the device than in the archive; move the archive's copy away and sync it again")
            continue
        found = verify(path, _progress(title, console))
        if found.intact:
            work.digests[each.id] = digest
        else:
            work.keep(each.id, f"the archive's copy is damaged ({found.problems[0]}); move it away and sync it again")


def _progress(title: str, console: Console) -> Callable[[int, int], None]:
    return lambda done, total: console.progress(f"{title}: {size(done)} of {size(total)} ")


def _delete(context: Context, serial: str, work: Deleting) -> None:
    """Deletes one after the other. After a lost line it looks which are gone, and goes on."""
    losses = 0
    while work.chosen:
        try:
            with _connected(context) as connection:
                if connection.device.serial != serial:
                    raise RefusedError(f"device {connection.device.serial} answers now, not {serial}; nothing is deleted on it")
                _note_gone(connection.client, work, context.console)
                for each in list(work.chosen):
                    _delete_one(connection.client, each, work)
        except NotFoundError as error:  # a lost line is one
            losses += 1
            if losses > MAX_LOSSES:
                context.console.note(
                    f"{plural(len(work.deleted), 'session')} deleted so far; of {work.chosen[0].id} it is not known, see 'barbotage sessions'"
                )
                raise
            context.console.note(f"{error}; looking again what is on the device")
            time.sleep(RETRY_S)


def _delete_one(client: LinkClient, session: RemoteSession, work: Deleting) -> None:
    try:
        client.call("sess.delete", {"id": session.id, "manifest_sha256": work.digests[session.id]})
    except AnswerError as error:
        work.keep(session.id, f"the device refuses: {error.text}")
    else:
        _note_deleted(session, work)


def _note_gone(client: LinkClient, work: Deleting, console: Console) -> None:
    """Counts as deleted what was asked to go and is gone: its answer was lost with the line."""
    present = {each.id for each in list_sessions(client)}
    for each in list(work.chosen):
        if each.id not in present:
            console.note(f"{each.id}: is gone from the device")
            _note_deleted(each, work)


def _note_deleted(session: RemoteSession, work: Deleting) -> None:
    work.deleted.append(session.id)
    work.chosen = [each for each in work.chosen if each.id != session.id]


def _reason_to_keep(session: RemoteSession, request: DeleteRequest, now_utc_ns: int) -> str | None:
    if not session.complete:
        return f"is {session.state}"
    if session.marked:
        return "is marked; 'barbotage mark --off' takes the mark away"
    if session.synced_utc_ns is None:
        return "was never synced; sync it first"
    if request.older_than_days is not None and now_utc_ns - session.started_utc_ns < request.older_than_days * NS_PER_DAY:
        return f"is younger than {request.older_than_days:g} days"
    return None


def _check_known(wanted: Sequence[str], sessions: Sequence[RemoteSession]) -> None:
    absent = sorted(set(wanted) - {each.id for each in sessions})
    if absent:
        raise NotFoundError(f"the device has no session {', '.join(absent)}; see 'barbotage sessions'")


def _show(work: Deleting, context: Context) -> None:
    """The list, before the question."""
    say = context.console.note if context.as_json else context.console.result
    for each in work.chosen:
        length = "" if each.duration_s is None else duration(each.duration_s)
        say(f"{each.id}  {_when(each.started_utc_ns)}  {length:>8}  {size(each.bytes):>10}  whole in the archive")
    for session, reason in work.kept.items():
        context.console.note(f"stays: {session} {reason}")
    if not work.chosen:
        context.console.note("nothing to delete")


def _finish(context: Context, serial: str, request: DeleteRequest, work: Deleting, said: frozenset[str]) -> int:
    refused = [session for session in work.kept if session in request.sessions]
    if context.as_json:
        context.console.result_json(
            {
                "device": serial,
                "dry_run": request.dry_run,
                "deleted": work.deleted,
                "would_delete": [each.id for each in work.chosen] if request.dry_run else [],
                "kept": work.kept,
            }
        )
    elif work.deleted:
        context.console.result(f"{plural(len(work.deleted), 'session')} deleted from {serial}")
    later = [session for session in work.kept if session not in said]
    for session in later:
        context.console.warning(f"{session}: not deleted, {work.kept[session]}")
    return EXIT_REFUSED if refused or later else EXIT_DONE


def _when(utc_ns: int) -> str:
    return datetime.fromtimestamp(utc_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M")


def _count(work: Deleting) -> str:
    return f"{plural(len(work.chosen), 'session')} ({size(work.bytes)})"


@contextmanager
def _connected(context: Context) -> Iterator[Connection]:
    connection = connect_device(context)
    try:
        yield connection
    finally:
        connection.close()
