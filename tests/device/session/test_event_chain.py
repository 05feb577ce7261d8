"""The chain of events: who changes, removes, adds or moves one is found, and the event is named."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.device.session.recordings import at_ns, encode, header, write_session

from barbotage_device.errors import NotFoundError
from barbotage_device.session.audit import event_problem, verify
from barbotage_device.session.events import Chain, Event, chain_problem, digest_of, event_document
from barbotage_device.session.manifest import Drops, EventsDigest, add_segment, read_manifest
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.segment_writer import SegmentWriter
from barbotage_device.session.topics import plan_of
from barbotage_device.session.writing import SessionWriter

KINDS = ("session-started", "phase", "target-accepted", "prompt", "bookmark", "session-ended")


def chain() -> tuple[list[Event], EventsDigest]:
    made = Chain("S")
    events = [made.add(kind, index * 1_000_000_000, "device", {"é": index, "mm": 0.1}) for index, kind in enumerate(KINDS)]
    return events, made.digest


def relinked(events: list[Event], start: int) -> list[Event]:
    """The events with every digest from ``start`` on made again, as a forger with our code would."""
    made = Chain("S")
    made.digest = EventsDigest(start, events[start - 1].digest) if start else made.digest
    return events[:start] + [made.add(each.kind, each.at_ns, each.by, each.value) for each in events[start:]]


def changed(field: str, value: object) -> Callable[[list[Event]], list[Event]]:
    return lambda events: [*events[:2], replace(events[2], **{field: value}), *events[3:]]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (changed("value", {"é": 2, "mm": 0.2}), "event 2 (target-accepted, at 2.000 s): its content was changed"),
        (changed("kind", "bookmark"), "event 2 (bookmark, at 2.000 s): its content was changed"),
        (changed("at_ns", 5_000_000_000), "event 2 (target-accepted, at 5.000 s): its content was changed"),
        (changed("by", "operator"), "event 2 (target-accepted, at 2.000 s): its content was changed"),
        (changed("digest", "0" * 64), "event 2 (target-accepted, at 2.000 s): its content was changed"),
        (lambda events: events[:2] + events[3:], "event 3 (prompt, at 3.000 s): 1 before it removed (from event 2)"),
        (lambda events: events[3:], "event 3 (prompt, at 3.000 s): 3 before it removed (from event 0)"),
        (lambda events: events[:4], "event 4: 2 removed from the end"),
        (lambda _: [], "event 0: 6 removed from the end"),
        (lambda events: [*events[:3], events[1], *events[3:]], "event 1 (phase, at 1.000 s): is out of order, or there twice"),
        (lambda events: [events[0], events[2], events[1], *events[3:]], "event 2 (target-accepted, at 2.000 s): 1 before it removed (from event 1)"),
        (lambda events: relinked(changed("value", {})(events), 2)[:3] + events[3:], "event 3 (prompt, at 3.000 s): it or the event before it was replaced"),
        (lambda events: relinked(changed("value", {})(events), 2), "event 5: is not the one the session was closed with; the last event was replaced"),
        (lambda events: relinked([*events, events[4]], 6), "event 6: 1 added at the end"),
    ],
)  # fmt: skip
def test_what_was_done_to_the_events_is_found_and_named(tamper: Callable[[list[Event]], list[Event]], expected: str) -> None:
    events, closing = chain()
    assert chain_problem("S", events, 0, closing) is None
    assert chain_problem("S", tamper(events), 0, closing) == expected


def test_events_of_another_session_do_not_fit() -> None:
    events, closing = chain()
    assert (
        chain_problem("T", events, 0, closing) == "event 0 (session-started, at 0.000 s): it or the event before it was replaced"
    )


def test_the_digest_is_the_one_that_the_documentation_states() -> None:
    previous = "8de0b3c47f112c59745f717a626932264c422a7563954872e237b223af4ad643"
    assert chain()[0][0].previous == previous, "sha256 of the session's id"
    # printf %s "$previous"'{"at_ns":0,"by":"device","index":0,"kind":"session-started","value":{"mm":0.1,"é":0}}' | sha256sum
    expected = "b5ad72d264b6a30be5baa47a3b3dd7e379ea3fdf48dabee59508d497a276e179"
    assert digest_of(previous, 0, 0, "session-started", "device", {"é": 0, "mm": 0.1}) == expected


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A closed session with six events in two segments."""
    path = tmp_path / header().id
    write_session(path)
    return path


def forge_events(session: Path, forge: Callable[[list[Event]], list[Event]]) -> None:
    """Writes the events anew in place of the last telemetry segment, with a manifest that agrees with the file."""
    with SessionReader.open(session) as reader:
        events = forge(reader.events())
    for name in ("telemetry-0000.mcap", "telemetry-0001.mcap"):
        (session / name).unlink()
        writer = SegmentWriter(session / name, plan_of("telemetry"), header())
        for event in events if name.endswith("1.mcap") else ():
            writer.write("/events", event.at_ns, json.dumps(event_document(event)).encode(), event.index)
        add_segment(session, writer.finish())


def test_a_forged_event_in_a_file_whose_digest_was_made_again_is_named(session: Path) -> None:
    forge_events(session, lambda events: [*events[:3], replace(events[3], value={"number": 31}), *events[4:]])
    assert verify(session).problems == ("event 3 (bookmark, at 1.000 s): its content was changed",)
    assert event_problem(session) == verify(session).problems[0]


def test_a_session_as_it_was_closed_is_intact(session: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = verify(session, lambda done, total: seen.append((done, total)))
    assert (found.intact, found.problems) == (True, ())
    total = sum(segment.bytes for segment in read_manifest(session).segments)
    assert seen[-1] == (total, total)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda path: (path / "video-0001.mcap").unlink(), "video-0001.mcap: is missing"),
        (lambda path: (path / "video-0001.mcap").write_bytes(b""), "video-0001.mcap: has 0 bytes, the manifest says"),
        (lambda path: (path / "video-0009.mcap").write_bytes(b"x"), "video-0009.mcap: is not in the manifest"),
        (lambda path: (path / "session.json").write_text("{"), "unreadable"),
    ],
)
def test_what_is_missing_changed_or_extra_is_named(session: Path, damage: Callable[[Path], object], expected: str) -> None:
    damage(session)
    found = verify(session)
    assert not found.intact
    assert expected in found.problems[0]


def test_one_changed_bit_in_a_segment_is_named(session: Path) -> None:
    data = bytearray((session / "video-0000.mcap").read_bytes())
    data[len(data) // 2] ^= 4
    (session / "video-0000.mcap").write_bytes(data)
    assert verify(session).problems == ("video-0000.mcap: its content was changed after it was closed",)


def test_nothing_to_verify_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no session there"):
        verify(tmp_path)


def test_a_chain_with_any_text_and_number_holds_when_read_back(tmp_path: Path) -> None:
    directory = tmp_path / "session"
    directory.mkdir()
    writer = SessionWriter(directory, header(), encode, 1_000_000_000)
    values: list[dict[str, Any]] = [{"why": 'é\n"\\ 💡'}, {"n": 1e-7, "m": -0.0, "big": 2**60}, {"list": [1, None, True]}]
    for index, value in enumerate(values):
        writer.event("bookmark", at_ns(index), "operator", value)
    writer.close(Drops())
    assert verify(directory).intact
