"""The events of a session as a hash chain: every event's digest covers the one before it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from barbotage_device.session.errors import SessionError
from barbotage_device.session.fields import Fields
from barbotage_device.session.manifest import EventsDigest

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``at_ns`` is of the capture clock; ``by`` is device, operator, pedal or reviewer."""

    index: int
    at_ns: int
    kind: str
    by: str
    value: dict[str, Any]
    previous: str
    digest: str


def first_previous(session_id: str) -> str:
    """What the first event's digest covers in place of an event before it."""
    return hashlib.sha256(session_id.encode()).hexdigest()


def canonical(document: Mapping[str, Any]) -> str:
    """JSON in one form: keys sorted, no spaces, characters as they are. Raises TypeError, ValueError for what JSON cannot say."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(previous: str, index: int, at_ns: int, kind: str, by: str, value: Mapping[str, Any]) -> str:
    """sha256, in hex, of the previous digest followed by the event's canonical JSON."""
    text = canonical({"index": index, "at_ns": at_ns, "kind": kind, "by": by, "value": value})
    return hashlib.sha256((previous + text).encode()).hexdigest()


def event_document(event: Event) -> dict[str, Any]:
    """The JSON object of /events."""
    return {
        "index": event.index,
        "at_ns": event.at_ns,
        "kind": event.kind,
        "by": event.by,
        "value": event.value,
        "previous": event.previous,
        "digest": event.digest,
    }


def parse_event(document: object) -> Event:
    """An event from its JSON object. Raises SessionError naming the field."""
    fields = Fields(document, "event")
    value = document.get("value") if isinstance(document, dict) else None
    if not isinstance(value, dict):
        raise SessionError("event: 'value' must be an object")
    return Event(
        index=fields.whole("index"),
        at_ns=fields.whole("at_ns"),
        kind=fields.text("kind"),
        by=fields.text("by"),
        value=value,
        previous=fields.text("previous"),
        digest=fields.text("digest"),
    )


def chain_problem(
    session_id: str, events: Sequence[Event], started_ns: int = 0, closing: EventsDigest | None = None
) -> str | None:
    """The first event that breaks the chain, and how, in words; None when it holds.

    ``events`` in the order recorded; ``started_ns`` is the capture clock at the start, for the times in the words; ``closing`` is what the
    manifest says the chain ends with, None when it says nothing.
    """
    previous = first_previous(session_id)
    for position, event in enumerate(events):
        problem = _break_at(position, previous, event)
        if problem is not None:
            return f"event {event.index} ({event.kind}, at {(event.at_ns - started_ns) / NS_PER_S:.3f} s): {problem}"
        previous = event.digest
    if closing is None or (closing.count, closing.digest) == (len(events), previous):
        return None
    if closing.count == len(events):
        return f"event {len(events) - 1}: is not the one the session was closed with; the last event was replaced"
    missing = closing.count - len(events)
    return (
        f"event {len(events)}: {missing} removed from the end"
        if missing > 0
        else f"event {closing.count}: {-missing} added at the end"
    )


def _break_at(position: int, previous: str, event: Event) -> str | None:
    own = digest_of(event.previous, event.index, event.at_ns, event.kind, event.by, event.value)
    if own != event.digest:
        return "its content was changed"
    if event.index > position:
        return f"{event.index - position} before it removed (from event {position})"
    if event.index < position:
        return "is out of order, or there twice"
    if event.previous != previous:
        return "it or the event before it was replaced"
    return None


class Chain:
    """Makes the events of one session, one after the other."""

    def __init__(self, session_id: str) -> None:
        self.digest = EventsDigest(0, first_previous(session_id))

    def next(self, kind: str, at_ns: int, by: str, value: dict[str, Any]) -> Event:
        """What the next event would be. Raises TypeError, ValueError for a value that JSON cannot say."""
        index, previous = self.digest.count, self.digest.digest
        return Event(index, at_ns, kind, by, value, previous, digest_of(previous, index, at_ns, kind, by, value))

    def accept(self, event: Event) -> None:
        """Makes ``event``, which ``next`` gave, the last of the chain: it is written."""
        self.digest = EventsDigest(event.index + 1, event.digest)

    def add(self, kind: str, at_ns: int, by: str, value: dict[str, Any]) -> Event:
        """The next event, which is now the last of the chain. Raises as ``next`` does."""
        event = self.next(kind, at_ns, by, value)
        self.accept(event)
        return event
