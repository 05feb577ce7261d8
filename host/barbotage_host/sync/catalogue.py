"""The catalogue of the archive: an SQLite file for quick look-ups that is only ever derived from the folders, and made again when it is no good.

It uses a rollback journal, not a write-ahead log: archives live on network disks, where that does not work, and are copied while in use.
"""

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from hashlib import sha256
from pathlib import Path

from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.errors import SessionError
from barbotage_device.session.flags import read_flags
from barbotage_device.session.manifest import MANIFEST_NAME, read_manifest

CATALOGUE_NAME = "catalogue.sqlite"
SCHEMA_VERSION = 1
"""PRAGMA user_version; a file of another version is made again."""
BUSY_S = 10.0
REVIEWS = "review"
DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Row:
    """A session of the archive. ``path`` is relative to it; lists are joined by a space, reviewers by a line end; None: not known.

    ``stamp`` changes with the manifest, the flags and the reviews.
    """

    path: str
    stamp: str
    id: str
    device: str
    state: str
    started_utc_ns: int | None
    duration_s: float | None
    side: str | None
    phase: str | None
    simulated: bool | None
    bytes: int | None
    kinds: str
    synced_utc_ns: int | None
    manifest_sha256: str | None
    reviewers: str


COLUMNS = (*(field.name for field in fields(Row)), "sum")


class CatalogueError(Exception):
    """The file is damaged or of another version."""


def sessions_of(root: Path, notice: Callable[[str], None]) -> list[Row]:
    """Every session of the archive, the oldest first; the catalogue is brought up to date before. Raises OSError of the archive.

    A damaged catalogue is made again, with one line to ``notice``; where it cannot be written the folders are read instead.
    """
    try:
        with _opened(root) as database:
            present = _refresh(database, root)
            return _rows(database, present)
    except (
        CatalogueError,
        sqlite3.DatabaseError,
        ValueError,
        TypeError,
    ) as error:  # texts that are no texts, columns that are not there
        reason = str(error)
    try:
        rows = rebuild(root)
    except (sqlite3.Error, OSError) as error:
        notice(f"the catalogue of the archive cannot be written ({error}); the folders were read instead")
        return sorted(_read(root), key=_age)
    notice(f"the catalogue of the archive was no good ({reason}); it was made again from the folders")
    return rows


def rebuild(root: Path) -> list[Row]:
    """Makes the catalogue anew from the folders, in one step. Raises sqlite3.Error, OSError; the old one then stays."""
    draft = root / f".{CATALOGUE_NAME}.{uuid.uuid4().hex}"
    try:
        with closing(sqlite3.connect(draft)) as database, database:
            _create(database)
            rows = _read(root)
            _insert(database, rows)
        (root / f"{CATALOGUE_NAME}-journal").unlink(missing_ok=True)  # of the old one: it would be played into the new one
        draft.replace(root / CATALOGUE_NAME)
    finally:
        draft.unlink(missing_ok=True)
    return sorted(rows, key=_age)


def refresh_quietly(root: Path, notice: Callable[[str], None]) -> None:
    """Brings the catalogue up to date; it must never keep a sync from going on."""
    try:
        sessions_of(root, notice)
    except OSError as error:
        notice(f"the catalogue of the archive could not be written ({error})")


@contextmanager
def _opened(root: Path) -> Iterator[sqlite3.Connection]:
    """Raises CatalogueError, sqlite3.Error."""
    path = root / CATALOGUE_NAME
    fresh = not path.exists()
    with closing(sqlite3.connect(path, timeout=BUSY_S)) as database:
        if fresh:
            _create(database)
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            raise CatalogueError(f"it is of version {version}, not {SCHEMA_VERSION}")
        yield database


def _create(database: sqlite3.Connection) -> None:
    columns = ", ".join(f"{name} PRIMARY KEY" if name == "path" else name for name in COLUMNS)
    with database:
        database.execute(f"CREATE TABLE IF NOT EXISTS sessions ({columns})")
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _refresh(database: sqlite3.Connection, root: Path) -> set[str]:
    """The sessions that are there; only those whose stamp has changed are read."""
    known = dict(database.execute("SELECT path, stamp FROM sessions"))
    present = {str(path.relative_to(root)): path for path in find_sessions(root)}
    gone = [(name,) for name in known.keys() - present.keys()]
    changed = [_row(root, path) for name, path in present.items() if known.get(name) != _stamp(path)]
    if gone or changed:
        with database:
            database.executemany("DELETE FROM sessions WHERE path = ?", gone)
            _insert(database, changed)
    return set(present)


def _insert(database: sqlite3.Connection, rows: list[Row]) -> None:
    marks = ", ".join("?" for _ in COLUMNS)
    values = [(*astuple(row), _sum(row)) for row in rows]
    database.executemany(f"INSERT OR REPLACE INTO sessions VALUES ({marks})", values)  # noqa: S608 - only marks


def _rows(database: sqlite3.Connection, present: set[str]) -> list[Row]:
    """The rows, which must be of the sessions that are there. Raises CatalogueError."""
    found = database.execute(f"SELECT {', '.join(COLUMNS)} FROM sessions")  # noqa: S608 - names of our own columns
    rows = sorted((_checked(row) for row in found), key=_age)
    if len(rows) != len(present) or {row.path for row in rows} != present:
        raise CatalogueError("it does not keep what is written")
    return rows


def _checked(values: tuple[object, ...]) -> Row:
    row = Row(*values[:-1])  # type: ignore[arg-type]
    if _sum(row) != values[-1]:
        raise CatalogueError(f"the row of {row.path!r} is not as it was written")
    return row


def _sum(row: Row) -> str:
    """What tells a row from a damaged one: SQLite has no checksums."""
    values = [int(each) if isinstance(each, bool) else each for each in astuple(row)]
    return sha256(repr(values).encode()).hexdigest()


def _read(root: Path) -> list[Row]:
    return [_row(root, path) for path in find_sessions(root)]


def _row(root: Path, path: Path) -> Row:
    """What the folder says; a session that cannot be read is in the list as damaged."""
    relative = path.relative_to(root)
    name, device = str(relative), relative.parts[0] if len(relative.parts) > 1 else ""
    stamp, reviewers = _stamp(path), "\n".join(_reviewers(path))
    try:
        manifest, flags = read_manifest(path), read_flags(path)
        digest = sha256((path / MANIFEST_NAME).read_bytes()).hexdigest()
    except (SessionError, OSError):
        return _damaged(name, stamp, device, path.name, reviewers)
    header, summary = manifest.header, manifest.summary
    kinds = " ".join(sorted({segment.kind for segment in manifest.segments}))
    return Row(
        path=name,
        stamp=stamp,
        id=path.name,
        device=device,
        state=manifest.state,
        started_utc_ns=header.started_utc_ns,
        duration_s=summary.duration_s if summary else None,
        side=header.side,
        phase=summary.phase_reached if summary else None,
        simulated=header.simulated,
        bytes=sum(segment.bytes for segment in manifest.segments),
        kinds=kinds,
        synced_utc_ns=flags.synced_utc_ns,
        manifest_sha256=digest,
        reviewers=reviewers,
    )


def _damaged(path: str, stamp: str, device: str, identity: str, reviewers: str) -> Row:
    return Row(
        path=path,
        stamp=stamp,
        id=identity,
        device=device,
        state=DAMAGED,
        started_utc_ns=None,
        duration_s=None,
        side=None,
        phase=None,
        simulated=None,
        bytes=None,
        kinds="",
        synced_utc_ns=None,
        manifest_sha256=None,
        reviewers=reviewers,
    )


def _reviewers(path: Path) -> list[str]:
    folder = path / REVIEWS
    if not folder.is_dir():
        return []
    return sorted(each.stem for each in folder.iterdir() if each.suffix == ".json" and not each.name.startswith("."))


def _stamp(path: Path) -> str:
    parts: list[str] = []
    for each in (path / MANIFEST_NAME, path / "flags.json", path / REVIEWS):
        try:
            found = each.stat()
        except OSError:
            parts.append("-")
        else:
            parts.append(f"{found.st_mtime_ns}/{found.st_size}/{found.st_ino}")
    return " ".join(parts)


def _age(row: Row) -> tuple[int, str]:
    return row.started_utc_ns or 0, row.path
