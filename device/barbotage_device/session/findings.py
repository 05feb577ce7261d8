"""What the segments themselves say of their session: its header, its events, the messages that are missing in between."""

import json
from collections.abc import Iterator
from pathlib import Path

from barbotage_device.session.errors import SessionError
from barbotage_device.session.events import Event, parse_event
from barbotage_device.session.fields import Fields
from barbotage_device.session.images import data_span
from barbotage_device.session.manifest import DERIVED, KINDS, Header, Segment, SegmentKind, parse_header
from barbotage_device.session.salvage import pieces
from barbotage_device.session.segment_reader import RawMessage, SegmentFile, messages_in
from barbotage_device.session.topics import EVENTS, SESSION, TELEMETRY_TOPICS

NAME_GLOB = "-[0-9][0-9][0-9][0-9].mcap"
IMAGE_STARTS = {b"\xff\xd8": "jpeg", b"\x89P": "png"}
"""The first bytes of the picture formats, for a session that no longer says which it is."""
GAP_WORDS = "missing in between"
SESSION_NUMBER, EVENTS_NUMBER = TELEMETRY_TOPICS.index(SESSION) + 1, TELEMETRY_TOPICS.index(EVENTS) + 1

Named = tuple[str, SegmentKind]


def segment_files(path: Path) -> list[Named]:
    """The segments in the directory by name and kind: telemetry and video in the order of time, then what was made from them."""
    found: list[Named] = [(each.name, kind) for kind in KINDS for each in path.glob(kind + NAME_GLOB) if each.is_file()]
    return sorted(found, key=lambda named: (named[1] in DERIVED, named[0][-9:], KINDS.index(named[1])))


def header_in(path: Path, files: list[Named]) -> Header | None:
    """The header that the first telemetry segment with a readable one holds."""
    for message in _telemetry(path, files):
        if message.channel == SESSION_NUMBER:
            try:
                return parse_header(Fields(json.loads(message.data), SESSION))
            except (SessionError, ValueError):
                continue
    return None


def guessed_header(path: Path, files: list[Named]) -> Header:
    """What can be known without a header: the id from the folder's name, the clock from an event, the image format from a frame."""
    header = Header(id=path.name)
    for message in _telemetry(path, files):
        if message.channel == EVENTS_NUMBER:
            try:
                event = parse_event(json.loads(message.data))
            except (SessionError, ValueError):
                continue
            header = Header(id=path.name, started_utc_ns=message.log_time_ns - event.at_ns, started_capture_ns=0)
            break
    image_format = _image_format(path, files) or header.image_format
    return Header(id=header.id, image_format=image_format, started_utc_ns=header.started_utc_ns)


def telemetry_of(path: Path, segments: list[Segment]) -> tuple[list[Event], list[str]]:
    """The events, and in words how many messages of each topic are missing between others (they are numbered)."""
    events: list[Event] = []
    following: dict[int, int] = {}
    missing: dict[int, int] = {}
    for message in _telemetry(path, [(segment.name, segment.kind) for segment in segments]):
        if message.channel == EVENTS_NUMBER:
            try:
                events.append(parse_event(json.loads(message.data)))
            except (SessionError, ValueError):
                continue
        if message.channel != SESSION_NUMBER:
            expected = following.get(message.channel, 0)
            missing[message.channel] = missing.get(message.channel, 0) + max(0, message.sequence - expected)
            following[message.channel] = max(expected, message.sequence + 1)
    words = [
        f"{TELEMETRY_TOPICS[number - 1]}: {count} messages {GAP_WORDS}" for number, count in sorted(missing.items()) if count
    ]
    return events, words


def _telemetry(path: Path, files: list[Named]) -> Iterator[RawMessage]:
    for name, kind in files:
        if kind == "telemetry":
            for message in _messages(path / name):
                if 0 < message.channel <= len(TELEMETRY_TOPICS):
                    yield message


def _image_format(path: Path, files: list[Named]) -> str | None:
    for name, kind in files:
        if kind == "video":
            for message in _messages(path / name):
                try:
                    offset, _ = data_span(message.data)
                except SessionError:
                    continue
                return IMAGE_STARTS.get(message.data[offset : offset + 2])
    return None


def _messages(path: Path) -> Iterator[RawMessage]:
    file = SegmentFile(path)
    try:
        for piece in pieces(file):
            yield from messages_in(piece.content)
    finally:
        file.close()
