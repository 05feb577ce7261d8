"""What ``barbotage archive list|verify|rebuild`` do."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Error as DatabaseError
from typing import Any

from barbotage_device.console import EXIT_DONE, EXIT_FAILED
from barbotage_device.errors import NotFoundError, UsageError
from barbotage_device.runtime.progress import Progress
from barbotage_device.session.audit import verify
from barbotage_device.session.manifest import MANIFEST_NAME
from barbotage_host.devices.context import Context
from barbotage_host.devices.words import duration, size
from barbotage_host.sync.archive import Archive, ArchiveError
from barbotage_host.sync.catalogue import CATALOGUE_NAME, DAMAGED, Row, rebuild, sessions_of

NS_PER_S = 1e9


@dataclass(frozen=True, slots=True)
class Choice:
    """Which sessions: of this device, since this day (UTC); None: all."""

    device: str | None = None
    since: str | None = None


def list_archive(context: Context, choice: Choice) -> int:
    """One line, or JSON object, a session, oldest first."""
    archive = _archive(context)
    for row in _chosen(context, archive, choice):
        if context.as_json:
            context.console.result_json(_document(row, archive.root))
        else:
            context.console.result(_line(row))
    for path in archive.incoming_sessions():
        context.console.note(f"{path.parent.parent.name}/{path.name}: not whole yet; run 'barbotage sync'")
    return EXIT_DONE


def verify_archive(context: Context, choice: Choice) -> int:
    """Checks every file of every session against its digest and the chain of events; 1 when one is not as it was closed."""
    archive, console = _archive(context), context.console
    bad = 0
    for row in _chosen(context, archive, choice):
        path = archive.root / row.path
        found = verify(path, Progress(f"verifying {row.path}", console.note))
        bad += not found.intact
        if context.as_json:
            console.result_json({"path": str(path), "intact": found.intact, "problems": list(found.problems)})
        else:
            console.result(f"{row.path}: {'intact' if found.intact else '; '.join(found.problems)}")
    if bad:
        console.error(f"{bad} sessions are not as they were closed; their devices may still have them: see 'barbotage sessions'")
    return EXIT_FAILED if bad else EXIT_DONE


def rebuild_catalogue(context: Context) -> int:
    """Makes the catalogue anew from the folders."""
    archive = _archive(context)
    try:
        rows = rebuild(archive.root)
    except (DatabaseError, OSError) as error:
        raise ArchiveError(
            f"{archive.root / CATALOGUE_NAME}: cannot be written ({error}); make room, or give yourself the right to"
        ) from error
    devices = len({row.device for row in rows})
    if context.as_json:
        context.console.result_json(
            {"sessions": len(rows), "devices": devices, "damaged": sum(row.state == DAMAGED for row in rows)}
        )
    else:
        context.console.result(
            f"{archive.root / CATALOGUE_NAME}: {len(rows)} session{'s' * (len(rows) != 1)} of {devices} device{'s' * (devices != 1)}"
        )
    return EXIT_DONE


def _archive(context: Context) -> Archive:
    root = context.home.archive
    if not root.is_dir():
        raise NotFoundError(f"{root}: no archive there; 'barbotage sync' makes it, --archive names another")
    return Archive(root)


def _chosen(context: Context, archive: Archive, choice: Choice) -> list[Row]:
    since_ns = None if choice.since is None else _day_ns(choice.since)
    rows = sessions_of(archive.root, context.console.note)
    if choice.device is not None:
        rows = [row for row in rows if row.device == archive.device(choice.device).name]
        if not rows:
            raise NotFoundError(f"{archive.root}: no session of device {choice.device}; see 'barbotage archive list'")
    return [row for row in rows if since_ns is None or (row.started_utc_ns or 0) >= since_ns]


def _day_ns(text: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * NS_PER_S)
    except ValueError as error:
        raise UsageError(f"--since {text!r} is not a day like 2026-11-30") from error


def _document(row: Row, root: Path) -> dict[str, Any]:
    facts = asdict(row) | {"path": str(root / row.path), "kinds": row.kinds.split(), "reviewers": row.reviewers.splitlines()}
    facts["simulated"] = None if row.simulated is None else bool(row.simulated)
    del facts["stamp"]
    return facts


def _line(row: Row) -> str:
    if row.state == DAMAGED:
        return f"{row.id}  {row.device:12}  damaged: {MANIFEST_NAME} cannot be read; run 'barbotage recover' on the folder"
    started = datetime.fromtimestamp((row.started_utc_ns or 0) / NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M")
    length = "" if row.duration_s is None else duration(row.duration_s)
    words = [row.side, row.phase, "simulated" if row.simulated else None]
    words += [f"reviewed by {', '.join(row.reviewers.splitlines())}" if row.reviewers else None]
    return f"{row.id}  {row.device:12}  {started}  {length:>8}  {size(row.bytes or 0):>10}  {', '.join(word for word in words if word)}"
