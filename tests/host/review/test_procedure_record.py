"""What the review tells of a procedure: its states and what led into them, what was asked and typed, and the session before."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.host.review.conftest import Client
from tests.host.review.procedures import Play, cut_and_gone_on, to_lavage, whole
from tests.support.sessions import Script, write_session

from barbotage_device.procedure.events import By, EventKind
from barbotage_device.procedure.states import State
from barbotage_device.session.manifest import read_manifest, write_manifest

Serve = Callable[[Path], Client]
E = EventKind


def told(client: Client, session: Path) -> Any:
    return client.get(f"/api/sessions/{session.name}").json


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole(tmp_path_factory.mktemp("sealed"))


@pytest.fixture(scope="module")
def record(sealed: Path, serve: Serve) -> Any:
    return told(serve(sealed.parent), sealed)


def test_states_follow_each_other_without_a_gap_from_the_first_check_on(record: Any) -> None:
    states = record["phases"]
    assert [one["phase"] for one in states] == [
        *("check-device", "check-case", "scan", "plan", "anaesthesia", "advance", "verify-tip", "lavage", "bursa-inject"),
        *("post-scan", "close", "sealed"),
    ]
    for before, after in pairwise(states):
        assert before["t_s"] + before["duration_s"] == pytest.approx(after["t_s"], abs=0.001)
        assert before["to_frame"] == after["from_frame"]
        assert after["from"] == before["phase"]
    assert sum(record["procedure"]["totals"].values()) == pytest.approx(record["events"][-1]["t_s"], abs=0.01)


def test_a_state_says_what_led_into_it(record: Any) -> None:
    by_name = {one["phase"]: one for one in record["phases"]}
    verify = by_name["verify-tip"]
    assert (verify["event"], verify["trigger"], verify["by"]) == ("confirm", "suggested-and-confirmed", "pedal")
    assert verify["evidence"]["tip_seen_percent"] == 87.5
    skipped = by_name["check-case"]
    assert (skipped["reason"], skipped["note"], skipped["missing"]) == ("not-needed", "slow board", ["need-checks"])
    assert "trigger" not in by_name["check-device"]


def test_what_was_not_answered_is_listed_as_such(record: Any) -> None:
    answers = {one["item"]: one for one in record["procedure"]["checklist"]}
    assert len(answers) == 11
    assert [item for item, one in answers.items() if one["answer"] is None] == [
        *("allergy", "anticoagulant", "infection", "symptom-duration", "fop", "deposit-form"),
    ]
    assert answers["prior-imaging"]["details"] == {"modality": "XR", "date": "2026-11"}


def test_an_answer_that_was_taken_back_is_not_recorded(tmp_path: Path, serve: Serve) -> None:
    play = Play(tmp_path)
    for value in ({"item": "fop", "answer": "no"}, {"item": "fop", "cleared": True}, {"item": "consent", "answer": "no"}):
        play.record("checklist", value, "operator")
    answers = told(serve(tmp_path), play.close())["procedure"]["checklist"]
    assert {one["item"]: one["answer"] for one in answers if one["item"] in ("fop", "consent")} == {"fop": None, "consent": "no"}


def test_agents_cycles_and_outcome_are_told_as_typed(record: Any) -> None:
    procedure = record["procedure"]
    values = {one["kind"]: one["value"] for one in procedure["entries"]}
    assert values["agent"] == {
        "purpose": "local-anaesthetic",
        "name": "lidocaïne",
        "volume_ml": 7.25,
        "concentration_mg_per_ml": 10,
    }
    assert values["complication"] == {"complication": "vasovagal", "note": "two minutes"}
    assert procedure["cycles"] == {"count": 2, "here": 2, "from": {"both": 1, "image": 1}}
    assert procedure["orientation"] == {"marker_at": "right", "mirrored": True, "toward": "cranial"}
    assert (procedure["followed"], procedure["complete"], procedure["continued"]) == (True, True, None)


def test_a_session_of_phases_alone_has_no_checklist_that_was_left_open(small_session: Path, client: Client) -> None:
    record = told(client, small_session)
    assert record["procedure"]["followed"] is False
    assert [one["phase"] for one in record["phases"]] == ["scan", "advance", "lavage", "post-scan"]


def test_a_session_that_never_left_its_first_state_shows_it(tmp_path: Path, serve: Serve) -> None:
    play = Play(tmp_path)
    play.act(E.DEVICE_CHECK, {"check": "model", "passed": False}, By.DEVICE)
    states = told(serve(tmp_path), play.close())["phases"]
    assert [one["phase"] for one in states] == [State.CHECK_DEVICE.value]


def test_a_session_gone_on_with_tells_what_was_recorded_before_it_and_where(tmp_path: Path, serve: Serve) -> None:
    before, after = cut_and_gone_on(tmp_path)
    record = told(serve(tmp_path), after)
    procedure = record["procedure"]
    link = procedure["continued"]
    assert (link["session"], link["identity"], link["unchanged"]) == (before.name, before.name, True)
    assert link["started_utc_ns"] == read_manifest(before).header.started_utc_ns
    consent = next(one for one in procedure["checklist"] if one["item"] == "consent")
    assert (consent["answer"], consent["session"]) == ("yes", before.name)
    agent = next(one for one in procedure["entries"] if one["kind"] == "agent")
    assert (agent["session"], agent["t_s"], agent["frame"]) == (before.name, None, None)
    assert procedure["cycles"] == {"count": 3, "here": 2, "from": {"both": 1, "pressure": 2}}
    assert [one["phase"] for one in record["phases"]][:3] == ["pause", "lavage", "bursa-inject"]
    assert record["phases"][0]["trigger"] == "restart"


def test_without_the_session_before_nothing_is_called_not_recorded_for_certain(tmp_path: Path, serve: Serve) -> None:
    before, after = cut_and_gone_on(tmp_path)
    shutil.rmtree(before)
    procedure = told(serve(tmp_path), after)["procedure"]
    assert procedure["complete"] is False
    assert procedure["continued"] == {"session": before.name, "identity": None, "started_utc_ns": None, "unchanged": None}
    assert procedure["cycles"]["count"] == 3


def test_a_session_before_whose_chain_ends_otherwise_is_said_to_have_changed(tmp_path: Path, serve: Serve) -> None:
    before, after = cut_and_gone_on(tmp_path)
    manifest = read_manifest(before)
    write_manifest(before, replace(manifest, events=replace(manifest.events, count=manifest.events.count + 1)))
    assert told(serve(tmp_path), after)["procedure"]["continued"]["unchanged"] is False


def test_sessions_that_go_on_from_each_other_in_a_circle_are_read_once(tmp_path: Path, serve: Serve) -> None:
    first, second = Play(tmp_path), Play(tmp_path, 1_790_000_100 * 10**9)
    for play, other in ((first, second), (second, first)):
        play.record("continued", {"session": other.path.name, "events": 1, "digest": "0"}, "operator")
        to_lavage(play)
    first.close()
    procedure = told(serve(tmp_path), second.close())["procedure"]
    assert [one["kind"] for one in procedure["entries"]].count("agent") <= 3


def test_a_session_cut_and_not_recovered_is_no_way_to_go_back(tmp_path: Path, serve: Serve) -> None:
    torn = write_session(tmp_path, Script(frames=10, width_px=320, height_px=320, backgrounds=1, unsure=(2, 3), close=False))
    play = Play(tmp_path, 1_790_000_100 * 10**9)
    play.record("continued", {"session": torn.name, "events": 1, "digest": "0"}, "operator")
    assert told(serve(tmp_path), play.close())["procedure"]["continued"]["identity"] is None
