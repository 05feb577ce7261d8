"""What ``barbotage sessions|sync`` do."""

import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from barbotage_device.console import EXIT_DONE, EXIT_FAILED
from barbotage_device.errors import NotFoundError, UsageError
from barbotage_device.link.keys import KnownDevices
from barbotage_host.devices.connecting import Connection, Target, find_port
from barbotage_host.devices.context import Context, connect_device
from barbotage_host.devices.words import duration, size
from barbotage_host.sync.archive import Archive
from barbotage_host.sync.board import Board
from barbotage_host.sync.catalogue import refresh_quietly
from barbotage_host.sync.fetching import Outcome
from barbotage_host.sync.plan import HAVE, NOT_YET, Plan, time_left_s
from barbotage_host.sync.progress import Step
from barbotage_host.sync.remote import RemoteSession, list_sessions
from barbotage_host.sync.several import Stop, run_each, watch
from barbotage_host.sync.syncing import Sync, Ways

BITS_PER_BYTE = 10


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What to sync: ``wanted`` sessions, none for all; ``every``: each remembered device; ``watching``: until it is interrupted."""

    wanted: frozenset[str]
    retry_for_s: float
    every: bool = False
    watching: bool = False


def show_sessions(context: Context) -> int:
    """The sessions on the device."""
    connection = connect_device(context)
    try:
        sessions = list_sessions(connection.client)
    finally:
        connection.close()
    archive = Archive(context.home.archive)
    if context.as_json:
        listed = [asdict(each) | {"archived": archive.has(connection.device.serial, each.id)} for each in sessions]
        context.console.result_json({"device": connection.device.serial, "sessions": listed})
        return EXIT_DONE
    for each in sessions:
        context.console.result(_session_line(each, archive.has(connection.device.serial, each.id)))
    context.console.note(f"{len(sessions)} sessions on {connection.device.serial}")
    return EXIT_DONE


def show_plan(context: Context, wanted: frozenset[str]) -> int:
    """What a sync would fetch."""
    sync = Sync(Archive(context.home.archive), Ways(lambda: connect_device(context), context.console.note), 0.0)
    try:
        plan = sync.plan(wanted)
    finally:
        sync.close()
    if context.as_json:
        fetches = [{"session": each.session, **asdict(each.file)} for each in plan.fetches]
        context.console.result_json({"fetch": fetches, "skip": dict(plan.skipped), "bytes": plan.total_bytes})
    else:
        _tell_plan(plan, context)
    return EXIT_DONE


def sync_sessions(context: Context, request: SyncRequest) -> int:
    """Copies sessions into the archive; ends with 1 when a device has some that cannot be copied as they are."""
    job = _Job(context, request, Board(sys.stderr), Stop(threading.Event()), threading.Lock())
    if not request.every and not request.watching:
        return job.run("")
    if not request.every:
        return run_each([lambda: job.run("")], lambda error: context.console.error(str(error)), job.stop.event)
    if context.target.port is not None or context.target.serial is not None:
        raise UsageError("--all takes every remembered device; leave --port and --device out")
    serials = _remembered(context, connected=not request.watching)

    def run(serial: str) -> Callable[[], int]:
        target = Target(None, serial, context.target.baud)
        return lambda: replace(job, context=replace(context, target=target)).run(serial)

    return run_each([run(serial) for serial in serials], lambda error: context.console.error(str(error)), job.stop.event)


@dataclass(frozen=True, slots=True)
class _Job:
    """The sync of one device, in the words of the command line."""

    context: Context
    request: SyncRequest
    board: Board
    stop: Stop
    connecting: threading.Lock
    """One connects at a time: the file of known devices is rewritten then."""

    def run(self, name: str) -> int:
        """The exit code. ``name`` stands before each line when there are several devices."""
        prefix = f"{name}: " if name else ""
        archive = Archive(self.context.home.archive)

        def say(text: str) -> None:
            self.board.note(prefix + text)

        def progress(step: Step) -> None:
            self.stop.check()
            self.board.progress(name, prefix + progress_line(step))

        def arrived(session: str, path: Path) -> None:
            refresh_quietly(archive.root, say)
            if self.request.watching and self.context.as_json:
                self.context.console.result_json(
                    {"event": "fetched", "device": sync.device, "session": session, "path": str(path)}
                )
            else:
                say(f"{session}: in {path}")

        ways = Ways(self._connect, say, progress, arrived, self.stop.wait)
        sync = Sync(archive, ways, 0.0 if self.request.watching else self.request.retry_for_s)
        try:
            if self.request.watching:
                told = _Told(say)
                watch(sync, self.request.wanted, say, self.stop, told.problems)
            outcome = sync.run(self.request.wanted)
            serial = sync.device
        finally:
            sync.close()
            self.board.done(name)
        return self._conclude(serial, outcome, prefix)

    def _connect(self) -> Connection:
        with self.connecting:
            return connect_device(self.context)

    def _conclude(self, serial: str, outcome: Outcome, prefix: str) -> int:
        console = self.context.console
        problems = [each for each in outcome.skipped if each[1] not in NOT_YET]
        if self.context.as_json:
            console.result_json(_outcome_document(serial, outcome) | {"archive": str(self.context.home.archive)})
        else:
            already = sum(reason == HAVE for _, reason in outcome.skipped)
            console.result(
                f"{prefix}{len(outcome.fetched)} sessions fetched ({size(outcome.bytes)}), {already} were in the archive"
            )
            for session, reason in outcome.skipped:
                if reason != HAVE:
                    console.warning(f"{prefix}{session}: not fetched, {reason}")
        return EXIT_FAILED if problems else EXIT_DONE


class _Told:
    """Says each problem of a watched device once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[tuple[str, str]] = set()

    def problems(self, outcome: Outcome) -> None:
        """Takes the outcome of a round."""
        for session, reason in outcome.skipped:
            if reason != HAVE and (session, reason) not in self._said:
                self._say(f"{session}: not fetched, {reason}")
        self._said = set(outcome.skipped)


def progress_line(step: Step) -> str:
    """How far a sync is: share, bytes, rate, and in how long each kind will be there."""
    share = 100 * step.done_bytes / step.total_bytes if step.total_bytes else 100.0
    parts = [f"{share:5.1f} %", f"{size(step.done_bytes)} of {size(step.total_bytes)}"]
    if step.rate_bytes_per_s:
        waits = [f"{kind} {duration(left_s)}" for kind, left_s in step.arrivals_s.items() if left_s is not None]
        parts += [f"{size(step.rate_bytes_per_s)}/s"] + (["left: " + ", ".join(waits)] if waits else [])
    return "  ".join(parts)


def _remembered(context: Context, connected: bool) -> list[str]:
    """The serial numbers of the devices that this host knows. Raises NotFoundError when there is none."""
    known = KnownDevices(context.home.state)
    found: list[str] = []
    for device in known.all():
        try:
            if connected:
                find_port(Target(None, device.serial), known)
        except NotFoundError:
            continue
        found.append(device.serial)
    if not found:
        what = "none of the remembered devices is connected" if known.all() else "no device is remembered; run 'barbotage pair'"
        raise NotFoundError(f"{what}; see 'barbotage ports'")
    return found


def _tell_plan(plan: Plan, context: Context) -> None:
    rate = context.target.baud / BITS_PER_BYTE if context.target.baud else 0.0
    for kind, count in plan.bytes_by_kind().items():
        left_s = time_left_s(count, rate)
        context.console.result(f"{kind:12} {size(count):>10}" + ("" if left_s is None else f"   at least {duration(left_s)}"))
    for session, reason in plan.skipped:
        context.console.result(f"skip {session}: {reason}")
    context.console.result(f"{len(plan.fetches)} files, {size(plan.total_bytes)}")


def _outcome_document(serial: str, outcome: Outcome) -> dict[str, Any]:
    return {
        "device": serial,
        "fetched": outcome.fetched,
        "skipped": dict(outcome.skipped),
        "bytes": outcome.bytes,
        "resumed_bytes": outcome.resumed_bytes,
        "interruptions": outcome.interruptions,
    }


def _session_line(session: RemoteSession, archived: bool) -> str:
    when = datetime.fromtimestamp(session.started_utc_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M") if session.started_utc_ns else "?"
    length = "" if session.duration_s is None else duration(session.duration_s)
    words = [session.state] + ["marked"] * session.marked + ["in the archive"] * archived
    return f"{session.id}  {when}  {length:>8}  {size(session.bytes):>10}  {', '.join(words)}"
