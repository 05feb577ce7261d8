"""Which session is offered to be gone on with, and what of it is known."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from barbotage_device.capture.encoding import Encoding, encoder_of
from barbotage_device.procedure.states import State
from barbotage_device.runtime.conduct.continuing import OFFERED_FOR_S, unfinished
from barbotage_device.session.ids import new_ulid
from barbotage_device.session.manifest import Header
from barbotage_device.session.recorder import Recorder

S = 1_000_000_000
UTC_NS = 1_790_000_000 * S
LAVAGE: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("session-started", {}),
    ("phase", {"from": "verify-tip", "to": "lavage"}),
    ("lavage-cycle", {"from": "both", "count": 1}),
)
SEALED = ("phase", {"from": "close", "to": "sealed"})


def quiet(level: str, text: str) -> None:
    raise AssertionError(f"{level}: {text}")


def record(root: Path, *events: tuple[str, Mapping[str, Any]], at_s: float = 0.0) -> Path:
    """A session with these events, a second apart."""
    utc_ns = UTC_NS + round(at_s * S)
    header = Header(id=new_ulid(utc_ns), started_utc_ns=utc_ns, started_capture_ns=7 * S)
    recorder = Recorder(root, header, encoder_of(Encoding()))
    for number, (kind, value) in enumerate(events):
        recorder.event(kind, (8 + number) * S, "operator", value)
    recorder.close()
    return recorder.path


def test_a_procedure_that_was_not_sealed_is_offered_with_its_state_and_its_chain(tmp_path: Path) -> None:
    path = record(tmp_path, *LAVAGE)
    offer = unfinished(tmp_path, UTC_NS + 60 * S, quiet)
    assert offer is not None
    assert (offer.state, offer.procedure.cycles, offer.session_id) == (State.LAVAGE, 1, path.name)
    assert offer.record["events"] == 3
    assert offer.said["state"] == "phase-lavage"


def test_a_paused_procedure_is_offered_at_the_state_that_was_paused(tmp_path: Path) -> None:
    record(tmp_path, *LAVAGE, ("phase", {"from": "lavage", "to": "pause"}))
    offer = unfinished(tmp_path, UTC_NS + 60 * S, quiet)
    assert offer is not None
    assert offer.state is State.LAVAGE


@pytest.mark.parametrize(
    ("events", "after_s"),
    [
        ((*LAVAGE, SEALED), 60.0),
        (LAVAGE, OFFERED_FOR_S + 60.0),
        ((("session-started", {}), ("bookmark", {})), 60.0),
        ((("session-started", {}), ("patient-event", {})), 60.0),
    ],
    ids=["sealed", "long-past", "watched-only", "no-phase"],
)
def test_what_is_over_or_never_was_a_procedure_is_not_offered(
    tmp_path: Path, events: tuple[tuple[str, Mapping[str, Any]], ...], after_s: float
) -> None:
    record(tmp_path, *events)
    assert unfinished(tmp_path, UTC_NS + round(after_s * S), quiet) is None


def test_only_the_newest_session_is_offered(tmp_path: Path) -> None:
    record(tmp_path, *LAVAGE)
    record(tmp_path, *LAVAGE, SEALED, at_s=100)
    assert unfinished(tmp_path, UTC_NS + 200 * S, quiet) is None


def test_a_folder_without_sessions_offers_nothing(tmp_path: Path) -> None:
    assert unfinished(tmp_path, UTC_NS, quiet) is None
    assert unfinished(tmp_path / "not-there", UTC_NS, quiet) is None


def test_a_session_that_is_being_recorded_is_left_alone(tmp_path: Path) -> None:
    header = Header(id=new_ulid(UTC_NS), started_utc_ns=UTC_NS)
    recorder = Recorder(tmp_path, header, encoder_of(Encoding()))
    try:
        assert unfinished(tmp_path, UTC_NS, quiet) is None
    finally:
        recorder.close()


def test_a_procedure_cut_twice_is_known_from_its_first_session_on(tmp_path: Path) -> None:
    first = record(tmp_path, *LAVAGE, ("orientation", {"marker_at": "right", "mirrored": False, "toward": None}))
    again = ("continued", {"session": first.name, "events": 3, "digest": "x"})
    resumed: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("restarted", {}),
        ("phase", {"from": "lavage", "to": "pause"}),
        ("phase", {"from": "pause", "to": "lavage"}),
    )
    second = record(tmp_path, again, *resumed, ("lavage-cycle", {"from": "image", "count": 2}), at_s=100)
    offer = unfinished(tmp_path, UTC_NS + 200 * S, quiet)
    assert offer is not None
    assert (offer.session_id, offer.procedure.cycles, offer.state) == (second.name, 2, State.LAVAGE)
    assert offer.orientation == {"marker_at": "right", "mirrored": False, "toward": None}


@pytest.mark.parametrize("link", ["01NOTTHERE", None, 7])
def test_a_link_that_leads_nowhere_loses_only_what_was_before(tmp_path: Path, link: object) -> None:
    record(tmp_path, ("continued", {"session": link}), *LAVAGE)
    offer = unfinished(tmp_path, UTC_NS + 60 * S, quiet)
    assert offer is not None
    assert offer.procedure.cycles == 1


def test_a_session_that_names_itself_does_not_go_round_for_ever(tmp_path: Path) -> None:
    path = record(tmp_path, *LAVAGE)
    link = ("continued", {"session": new_ulid(UTC_NS + 10 * S)})
    second = record(tmp_path, ("continued", {"session": path.name}), *LAVAGE, link, at_s=100)
    offer = unfinished(tmp_path, UTC_NS + 200 * S, quiet)
    assert offer is not None
    assert (offer.session_id, offer.procedure.cycles) == (second.name, 2)


def test_what_cannot_be_read_is_said_and_does_not_hinder_a_new_session(tmp_path: Path) -> None:
    path = record(tmp_path, *LAVAGE)
    said: list[str] = []
    segment = next(path.glob("telemetry-*.mcap"))
    segment.unlink()
    (path / "session.json").write_text("{}", encoding="utf-8")
    assert unfinished(tmp_path, UTC_NS + 60 * S, lambda level, text: said.append(f"{level}: {text}")) is None
    assert said
