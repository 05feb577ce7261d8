"""The sessions of a launch: found under one root, named by their id, opened when they are needed, a few at a time."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from barbotage_device.errors import BarbotageError, NotFoundError
from barbotage_device.session.catalogue import find_sessions, is_session
from barbotage_device.session.manifest import MANIFEST_NAME, Manifest, read_manifest
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.recovery import needs_recovery
from barbotage_host.review.continued import Earlier
from barbotage_host.review.frames import FrameIndex
from barbotage_host.review.series import PRESSURE, Column, FrameCurves, PodCurve, frame_curves, pod_curve

MOST_OPEN = 4
"""Open sessions: one is shown, one compared, one listed; each holds some files and a few MB of index and curves."""

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One session of the list. ``manifest`` is None when it cannot be read; ``problem`` says in words why it cannot be shown.

    ``recoverable`` says that a recovery would help.
    """

    identity: str
    path: Path
    manifest: Manifest | None
    problem: str | None
    recoverable: bool = False


@dataclass
class Opened:
    """An open session and what was computed of it once."""

    path: Path
    reader: SessionReader
    index: FrameIndex
    stamp: Stamp
    users: int = 0
    retired: bool = False
    _curves: FrameCurves | None = None
    _pod: PodCurve | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def curves(self) -> FrameCurves:
        """The curves over the frames; computed by the first who asks, while others wait."""
        with self._lock:
            if self._curves is None:
                self._curves = frame_curves(self.reader, self.index)
            return self._curves

    def pod(self) -> PodCurve:
        """The curve of the pod; computed by the first who asks, while others wait."""
        with self._lock:
            if self._pod is None:
                self._pod = pod_curve(self.reader, self.index)
            return self._pod

    def column(self, name: str) -> Column:
        """The curve of that name. Raises NotFoundError."""
        if name == PRESSURE.name:
            return self.pod().pressure_kpa
        columns = self.curves().columns
        if name not in columns:
            raise NotFoundError(f"no series {name!r}; there are {', '.join([*columns, PRESSURE.name])}")
        return columns[name]


class Library:
    """Finds and opens sessions under ``root`` (itself a session, or a folder of sessions). Safe to use from several threads."""

    def __init__(self, root: Path, most_open: int = MOST_OPEN) -> None:
        self.root = root.resolve()
        self._most_open = most_open
        self._lock = threading.Lock()
        self._paths: dict[str, Path] = {}
        self._open: OrderedDict[str, Opened] = OrderedDict()

    def entries(self) -> list[Entry]:
        """All sessions, oldest first. A damaged one has a problem and breaks nothing. Nothing outside the root is listed."""
        found = [_entry(path) for path in find_sessions(self.root) if path.resolve().is_relative_to(self.root)]
        named = _unique(found)
        with self._lock:
            self._paths = {entry.identity: entry.path for entry in named}
        return named

    def only(self) -> str | None:
        """The id of the session when the root itself is one that can be shown."""
        if not is_session(self.root):
            return None
        entries = self.entries()
        return entries[0].identity if len(entries) == 1 and entries[0].problem is None else None

    def path(self, identity: str) -> Path:
        """Where the session is. Raises NotFoundError for an id that is not in the library, or whose directory has gone."""
        with self._lock:
            path = self._paths.get(identity)
        if path is None:
            self.entries()
            with self._lock:
                path = self._paths.get(identity)
        if path is None:
            raise NotFoundError(f"no session {identity!r} under {self.root}")
        if not is_session(path):
            self._retire(identity)
            raise NotFoundError(f"the session {identity} is gone: {path} was moved or removed")
        return path

    @contextmanager
    def opened(self, identity: str) -> Iterator[Opened]:
        """The open session; it stays open while it is used. Raises NotFoundError, SessionError (also when it must be recovered first)."""
        session = self._take(identity)
        try:
            yield session
        finally:
            with self._lock:
                session.users -= 1
                unused = session.retired and session.users == 0
                self._tidy()
            if unused:
                session.reader.close()

    def find(self, identity: str) -> Earlier | None:
        """A session that another one goes on from; None when it is not in the library or cannot be read."""
        try:
            with self.opened(identity) as session:
                return Earlier(identity, session.reader.manifest, tuple(session.reader.events()))
        except (BarbotageError, OSError):
            return None

    def close(self) -> None:
        """Closes all sessions that nobody uses; the others close with their last use."""
        with self._lock:
            names = list(self._open)
        for name in names:
            self._retire(name)

    def _take(self, identity: str) -> Opened:
        path = self.path(identity)
        stamp = stamp_of(path)
        with self._lock:
            held = self._open.get(identity)
            if held is not None and held.stamp == stamp:
                self._open.move_to_end(identity)
                held.users += 1
                return held
        self._retire(identity)
        reader = SessionReader.open(path)
        fresh = Opened(path, reader, FrameIndex.of(reader), stamp, users=1)
        with self._lock:
            raced = self._open.get(identity)
            if raced is not None and raced.stamp == stamp:
                raced.users += 1
            else:
                raced = None
                self._open[identity] = fresh
            self._tidy()
        if raced is not None:
            reader.close()
            return raced
        return fresh

    def _retire(self, identity: str) -> None:
        """Takes a session out of those open; it is closed by whoever uses it last."""
        with self._lock:
            held = self._open.pop(identity, None)
            if held is None:
                return
            held.retired = True
            unused = held.users == 0
        if unused:
            held.reader.close()

    def _tidy(self) -> None:
        """Closes the least recently used sessions above the limit; needs the lock."""
        idle = [name for name, held in self._open.items() if held.users == 0]
        for name in idle[: max(0, len(self._open) - self._most_open)]:
            held = self._open.pop(name)
            held.retired = True
            held.reader.close()


def _entry(path: Path) -> Entry:
    torn = False
    try:
        torn = needs_recovery(path)
        manifest = read_manifest(path) if (path / MANIFEST_NAME).is_file() else None
    except (BarbotageError, OSError) as error:
        return Entry(path.name, path, None, str(error), recoverable=torn)
    if torn:
        problem = "the recording was cut off; recover it to see it"
        return Entry(manifest.id if manifest else path.name, path, manifest, problem, recoverable=True)
    if manifest is None or manifest.state == "recording":
        return Entry(manifest.id if manifest else path.name, path, manifest, "is being recorded")
    return Entry(manifest.id, path, manifest, None)


def _unique(entries: list[Entry]) -> list[Entry]:
    """The entries with distinct ids: a copy of a session gets a number behind its id."""
    seen: dict[str, int] = {}
    named = []
    for entry in entries:
        seen[entry.identity] = count = seen.get(entry.identity, 0) + 1
        identity = entry.identity if count == 1 else f"{entry.identity}.{count}"
        named.append(Entry(identity, entry.path, entry.manifest, entry.problem, entry.recoverable))
    return named


def stamp_of(path: Path) -> Stamp:
    """Changes whenever the session's manifest is replaced."""
    try:
        status = (path / MANIFEST_NAME).stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (status.st_ino, status.st_mtime_ns, status.st_size)
