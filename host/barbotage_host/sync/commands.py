"""What ``barbotage sessions|sync`` do."""

from dataclasses import asdict
from datetime import UTC, datetime

from barbotage_device.console import EXIT_DONE, EXIT_FAILED
from barbotage_device.errors import RefusedError
from barbotage_host.devices.context import Context, connect_device
from barbotage_host.devices.words import duration, size
from barbotage_host.sync.archive import Archive
from barbotage_host.sync.plan import Plan, time_left_s
from barbotage_host.sync.remote import RemoteSession, list_sessions
from barbotage_host.sync.syncing import Outcome, Step, Sync, room_for


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


def sync_sessions(context: Context, wanted: tuple[str, ...], dry_run: bool, retry_for_s: float) -> int:
    """Copies sessions into the archive; ends with 1 when the device has some that cannot be copied as they are."""
    console = context.console
    archive = Archive(context.home.archive)

    sync = Sync(
        archive, lambda: connect_device(context), console.note, lambda step: console.progress(_progress_line(step)), retry_for_s
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


def _show_plan(plan: Plan, context: Context) -> None:
    if context.as_json:
        fetches = [{"session": each.session, **asdict(each.file)} for each in plan.fetches]
        context.console.result_json({"fetch": fetches, "skip": dict(plan.skipped), "bytes": plan.total_bytes})
        return
    rate = context.target.baud / 10 * 0.97 if context.target.baud else 0.0
    for kind, count in plan.bytes_by_kind().items():
        left_s = time_left_s(count, rate)
        context.console.result(f"{kind:12} {size(count):>10}" + ("" if left_s is None else f"   about {duration(left_s)}"))
    for session, reason in plan.skipped:
        context.console.result(f"skip {session}: {reason}")
    context.console.result(f"{len(plan.fetches)} files, {size(plan.total_bytes)}")


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
        context.console.result(f"{len(outcome.fetched)} sessions fetched ({size(outcome.bytes)}), {already} were in the archive")
        for session, reason in problems:
            context.console.warning(f"{session}: not fetched, {reason}")
    return EXIT_FAILED if any(reason in ("damaged", "to be recovered") for _, reason in problems) else EXIT_DONE


def _session_line(session: RemoteSession, archived: bool) -> str:
    when = datetime.fromtimestamp(session.started_utc_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M") if session.started_utc_ns else "?"
    length = "" if session.duration_s is None else duration(session.duration_s)
    words = [session.state] + ["marked"] * session.marked + ["in the archive"] * archived
    return f"{session.id}  {when}  {length:>8}  {size(session.bytes):>10}  {', '.join(words)}"


def _progress_line(step: Step) -> str:
    left_s = time_left_s(step.total_bytes - step.done_bytes, step.rate_bytes_per_s)
    left = "" if left_s is None else f", {duration(left_s)} left"
    share = 100 * step.done_bytes / step.total_bytes if step.total_bytes else 100.0
    return f"{share:5.1f} %  {size(step.done_bytes)} of {size(step.total_bytes)}  {size(step.rate_bytes_per_s)}/s{left}  {step.file} "
