"""What the commands of the host do with devices: ports, info, pair, sessions, sync."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from barbotage_device.console import EXIT_DONE, EXIT_FAILED, Console
from barbotage_device.errors import RefusedError, UsageError
from barbotage_device.link.keys import KnownDevices
from barbotage_device.link.pairing import CODE_DIGITS
from barbotage_device.link.roles import PAIRABLE
from barbotage_host.sync.archive import Archive
from barbotage_host.sync.connecting import Connection, Target, connect, greet, pair
from barbotage_host.sync.home import Home
from barbotage_host.sync.plan import Plan, time_left_s
from barbotage_host.sync.ports import list_candidates, system_ports
from barbotage_host.sync.remote import RemoteSession, list_sessions
from barbotage_host.sync.syncing import Outcome, Step, Sync, room_for

INFO_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Context:
    """What every command needs. ``within_s``: how long to wait for a device to answer."""

    home: Home
    target: Target
    console: Console
    as_json: bool
    within_s: float = 30.0


def show_ports(context: Context) -> int:
    """The serial ports, ours first, and why."""
    candidates = list_candidates(system_ports(), KnownDevices(context.home.state).all())
    if context.as_json:
        context.console.result_json({"ports": [asdict(each) for each in candidates]})
        return EXIT_DONE
    for each in candidates:
        context.console.result(
            f"{'*' if each.ours else ' '} {each.port:24} {each.usb_id or '':10} {each.serial or '':20} {each.why}"
        )
    if not candidates:
        context.console.note("no serial ports; a cable that only charges carries no data")
    return EXIT_DONE


def show_info(context: Context) -> int:
    """Who is at the other end; with its state when it is paired."""
    connection = greet(context.target, context.home, min(context.within_s, INFO_WITHIN_S))
    try:
        device = connection.device
        pinned = KnownDevices(context.home.state).pinned(device.serial)
        facts: dict[str, Any] = {
            "serial": device.serial,
            "model": device.model,
            "software": device.software,
            "protocol": list(device.versions),
            "security": "required" if device.secured else "none",
            "paired": pinned is not None,
            "port": connection.port,
        }
        _warn_of_no_security(connection, context)
        if pinned is not None or not device.secured:
            connection.client.connect(pinned, context.within_s)
            facts["role"] = connection.client.end.role
            facts["status"] = connection.client.call("dev.status").all()
            facts["link"] = connection.client.call("link.stats").all()
    finally:
        connection.close()
    if context.as_json:
        context.console.result_json(facts)
    else:
        for key, value in _flat(facts):
            context.console.result(f"{key:28} {value}")
    return EXIT_DONE


def pair_device(context: Context, role: str, ask: Callable[[str], str]) -> int:
    """Pairs with the device by the code on its screen. ``ask`` gets the person's answer to a prompt."""
    if role not in PAIRABLE:
        raise UsageError(f"--role {role!r} is not one of {', '.join(PAIRABLE)}")

    def ask_code(digits: int) -> str:
        code = "".join(ask(f"code on the device's screen ({digits} digits): ").split())
        if not (code.isascii() and code.isdigit() and len(code) == CODE_DIGITS):
            raise UsageError(f"a code has {CODE_DIGITS} digits; run 'barbotage pair' again")
        return code

    connection = pair(context.target, context.home, role, ask_code)
    connection.close()
    device = connection.device
    if context.as_json:
        context.console.result_json({"serial": device.serial, "model": device.model, "role": role})
    else:
        context.console.result(f"paired with {device.serial} ({device.model}) as {role}")
    return EXIT_DONE


def show_sessions(context: Context) -> int:
    """The sessions on the device."""
    connection = _connect(context)
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


def sync_sessions(context: Context, wanted: tuple[str, ...], dry_run: bool, retry_for_s: float) -> int:
    """Copies sessions into the archive; ends with 1 when the device has some that cannot be copied as they are."""
    console = context.console
    archive = Archive(context.home.archive)

    sync = Sync(
        archive, lambda: _connect(context), console.note, lambda step: console.progress(_progress_line(step)), retry_for_s
    )
    try:
        chosen = frozenset(wanted)
        plan = sync.plan(chosen)
        if dry_run:
            _show_plan(plan, context)
            return EXIT_DONE
        full = room_for(plan, archive)
        if full is not None:
            raise RefusedError(full)
        outcome = sync.run(chosen)
    finally:
        sync.close()
    return _show_outcome(outcome, context)


def _connect(context: Context) -> Connection:
    connection = connect(context.target, context.home, context.within_s)
    _warn_of_no_security(connection, context)
    return connection


def _warn_of_no_security(connection: Connection, context: Context) -> None:
    if not connection.device.secured:
        context.console.warning("this device is in the laboratory setting: the link is neither authenticated nor encrypted")


def _show_plan(plan: Plan, context: Context) -> None:
    if context.as_json:
        fetches = [{"session": each.session, **asdict(each.file)} for each in plan.fetches]
        context.console.result_json({"fetch": fetches, "skip": dict(plan.skipped), "bytes": plan.total_bytes})
        return
    rate = context.target.baud / 10 * 0.97 if context.target.baud else 0.0
    for kind, count in plan.bytes_by_kind().items():
        left_s = time_left_s(count, rate)
        context.console.result(f"{kind:12} {_size(count):>10}" + ("" if left_s is None else f"   about {_duration(left_s)}"))
    for session, reason in plan.skipped:
        context.console.result(f"skip {session}: {reason}")
    context.console.result(f"{len(plan.fetches)} files, {_size(plan.total_bytes)}")


def _show_outcome(outcome: Outcome, context: Context) -> int:
    problems = [each for each in outcome.skipped if each[1] != "in the archive"]
    if context.as_json:
        context.console.result_json(
            {
                "fetched": outcome.fetched,
                "skipped": dict(outcome.skipped),
                "bytes": outcome.bytes,
                "resumed_bytes": outcome.resumed_bytes,
                "interruptions": outcome.interruptions,
                "archive": str(context.home.archive),
            }
        )
    else:
        already = len(outcome.skipped) - len(problems)
        context.console.result(f"{len(outcome.fetched)} sessions fetched ({_size(outcome.bytes)}), {already} were in the archive")
        for session, reason in problems:
            context.console.warning(f"{session}: not fetched, {reason}")
    return EXIT_FAILED if any(reason in ("damaged", "to be recovered") for _, reason in problems) else EXIT_DONE


def _session_line(session: RemoteSession, archived: bool) -> str:
    when = datetime.fromtimestamp(session.started_utc_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M") if session.started_utc_ns else "?"
    length = "" if session.duration_s is None else _duration(session.duration_s)
    words = [session.state] + ["marked"] * session.marked + ["in the archive"] * archived
    return f"{session.id}  {when}  {length:>8}  {_size(session.bytes):>10}  {', '.join(words)}"


def _progress_line(step: Step) -> str:
    left_s = time_left_s(step.total_bytes - step.done_bytes, step.rate_bytes_per_s)
    left = "" if left_s is None else f", {_duration(left_s)} left"
    share = 100 * step.done_bytes / step.total_bytes if step.total_bytes else 100.0
    return f"{share:5.1f} %  {_size(step.done_bytes)} of {_size(step.total_bytes)}  {_size(step.rate_bytes_per_s)}/s{left}  {step.file} "


def _size(count: float) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count:.0f} B"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _flat(facts: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in facts.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return rows
