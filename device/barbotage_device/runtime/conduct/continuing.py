"""A session that ended before it was sealed: found when the next one begins, with all that restores its procedure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from barbotage_device.errors import BarbotageError
from barbotage_device.procedure.events import PHASE
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.resume import rebuilt
from barbotage_device.procedure.states import State
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.events import Event
from barbotage_device.session.files import is_claimed
from barbotage_device.session.manifest import EventsDigest, Manifest, read_manifest
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.recovery import needs_recovery, recover

OFFERED_FOR_S = 12 * 3600.0
"""A session that ended longer ago is another day's patient. Unpublished default."""
MOST_LINKS = 20
"""Sessions of one procedure, one cut after the other: more is a circle in damaged files."""
CONTINUED, ORIENTATION = "continued", "orientation"
"""Kinds of events: this session goes on from another one; how the picture lies on the patient."""
NS_PER_S = 1_000_000_000

Say = Callable[[str, str], None]
"""Takes a level (info, warning) and a line for people."""
EventValue = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A procedure that was not sealed. ``events`` are those of all its sessions, oldest first; ``closing`` ends the newest one's chain."""

    session_id: str
    started_utc_ns: int
    closing: EventsDigest
    events: tuple[EventValue, ...]
    procedure: Procedure

    @property
    def state(self) -> State:
        """The state in which it stood; of a paused one, the state that was paused."""
        return self.procedure.paused_from or self.procedure.state

    @property
    def record(self) -> dict[str, Any]:
        """What the session that goes on from it records of it."""
        return {"session": self.session_id, "events": self.closing.count, "digest": self.closing.digest}

    @property
    def orientation(self) -> EventValue | None:
        """How the picture lay on the patient, as last said."""
        return next((one["value"] for one in reversed(self.events) if one["kind"] == ORIENTATION), None)

    @property
    def said(self) -> dict[str, str]:
        """The values of the text that offers it."""
        when = datetime.fromtimestamp(self.started_utc_ns / NS_PER_S, tz=UTC).astimezone()
        return {"when": when.strftime("%H:%M"), "state": f"phase-{self.state}"}


def unfinished(root: Path, now_utc_ns: int, say: Say) -> Unfinished | None:
    """The procedure of the newest session under ``root`` when it was neither sealed nor is long past; None without one.

    A session that was cut off is recovered first. What cannot be read is said, never raised: a new session can always begin.
    """
    found = find_sessions(root)
    if not found or is_claimed(found[-1]):
        return None
    try:
        return _unfinished(root, found[-1], now_utc_ns, say)
    except (BarbotageError, OSError) as error:
        say("warning", f"the session before cannot be gone on with: {error}")
        return None


def _unfinished(root: Path, path: Path, now_utc_ns: int, say: Say) -> Unfinished | None:
    if needs_recovery(path):
        say("info", f"{path} was cut off; recovering it")
        recover(path)
    manifest = read_manifest(path)
    if _is_over(manifest, now_utc_ns):
        return None
    events = _with_earlier(root, _read(path))
    procedure, _ = rebuilt(events)
    if procedure.state is State.SEALED or not any(event["kind"] == PHASE for event in events):
        return None
    return Unfinished(manifest.id, manifest.header.started_utc_ns, manifest.events, events, procedure)


def _is_over(manifest: Manifest, now_utc_ns: int) -> bool:
    """Whether the manifest alone says that there is nothing to go on with: a long session takes a slow board seconds to read."""
    ended_utc_ns = manifest.header.log_time_ns(manifest.ended_capture_ns or manifest.header.started_capture_ns)
    sealed = manifest.summary is not None and manifest.summary.phase_reached == State.SEALED
    return sealed or now_utc_ns - ended_utc_ns > OFFERED_FOR_S * NS_PER_S


def _with_earlier(root: Path, own: list[Event]) -> tuple[EventValue, ...]:
    """The events of a session after those of the sessions that it goes on from. A link that leads nowhere ends the row: less is known."""
    parts, seen = [own], set[str]()
    for _ in range(MOST_LINKS):
        link = next((one.value.get("session") for one in parts[0] if one.kind == CONTINUED), None)
        earlier = next((path for path in find_sessions(root) if path.name == link), None)
        if not isinstance(link, str) or link in seen or earlier is None:
            break
        seen.add(link)
        parts.insert(0, _read(earlier))
    return tuple(_plain(event) for part in parts for event in part)


def _read(path: Path) -> list[Event]:
    with SessionReader.open(path) as reader:
        return reader.events()


def _plain(event: Event) -> EventValue:
    return {"kind": event.kind, "by": event.by, "at_ns": event.at_ns, "value": event.value}
