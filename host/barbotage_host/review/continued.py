"""The sessions that a session goes on from: found by the names in ``continued`` events, newest link first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.errors import BarbotageError
from barbotage_device.runtime.conduct.continuing import CONTINUED, MOST_LINKS
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.events import Event
from barbotage_device.session.manifest import Manifest
from barbotage_device.session.reader import SessionReader


@dataclass(frozen=True, slots=True)
class Earlier:
    """A session that another goes on from. ``identity`` is its name in the archive."""

    identity: str
    manifest: Manifest
    events: tuple[Event, ...]


Find = Callable[[str], Earlier | None]
"""Gives the session with that id; None when it is not held or cannot be read."""


@dataclass(frozen=True, slots=True)
class Link:
    """That a session goes on from ``session``. ``earlier`` is None when that one is not held.

    ``unchanged`` says whether its chain still ends as it did when it was gone on from; None when that cannot be told.
    """

    session: str
    earlier: Earlier | None
    unchanged: bool | None


def link_of(events: Sequence[Event], find: Find) -> Link | None:
    """The link of a session with these events; None for one that begins anew."""
    event = next((one for one in events if one.kind == CONTINUED), None)
    session = None if event is None else event.value.get("session")
    if event is None or not isinstance(session, str):
        return None
    earlier = find(session)
    if earlier is None:
        return Link(session, None, None)
    closing = earlier.manifest.events
    return Link(session, earlier, (closing.count, closing.digest) == (event.value.get("events"), event.value.get("digest")))


def links_of(events: Sequence[Event], find: Find) -> list[Link]:
    """The links back to the procedure's first session, the newest first. One that leads nowhere ends the row, and so does a circle."""
    found: list[Link] = []
    for _ in range(MOST_LINKS):
        link = link_of(events, find)
        if link is None or link.session in {one.session for one in found}:
            break
        found.append(link)
        if link.earlier is None:
            break
        events = link.earlier.events
    return found


def beside(session: Path) -> Find:
    """Finds sessions in the folder that holds ``session``."""

    def find(identity: str) -> Earlier | None:
        path = next((one for one in find_sessions(session.resolve().parent) if one.name == identity), None)
        if path is None:
            return None
        try:
            with SessionReader.open(path) as reader:
                return Earlier(identity, reader.manifest, tuple(reader.events()))
        except (BarbotageError, OSError):
            return None

    return find
