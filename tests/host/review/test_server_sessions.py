import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.host.review.conftest import SMALL, Client
from tests.support.sessions import Script, write_session

from barbotage_device.bedside.texts import Language, texts_in
from barbotage_device.errors import BarbotageError
from barbotage_device.session.files import SessionLock
from barbotage_device.session.flags import read_flags
from barbotage_device.session.manifest import LinkSetting, read_manifest, write_manifest
from barbotage_host.review.texts import read_compiled

Serve = Callable[[Path], Client]
TORN = Script(frames=20, width_px=320, height_px=320, backgrounds=1, unsure=(8, 10), close=False)


def copied(session: Path, root: Path, name: str | None = None) -> Path:
    return Path(shutil.copytree(session, root / (name or session.name)))


def rows(client: Client) -> dict[str, dict[str, object]]:
    return {Path(row["path"]).name: row for row in client.get("/api/sessions").json}


def test_the_list_tells_what_a_reviewer_chooses_by(client: Client, small_session: Path) -> None:
    row = rows(client)[small_session.name]
    assert row["id"] == small_session.name
    assert (row["state"], row["problem"], row["side"], row["phase_reached"]) == ("closed", None, "right", "post-scan")
    assert row["deposit_before"] == {"longest_mm": 10.8, "perpendicular_mm": 3.4, "area_mm2": 28.5}
    assert row["frames"] == SMALL.frames
    assert row["prompts"] == {"tip-not-seen": 1}


@pytest.mark.parametrize("link", ["none", "secured", "unsecured", None])
def test_list_and_page_know_how_a_pc_could_reach_the_recorder(
    small_session: Path, tmp_path: Path, serve: Serve, link: LinkSetting | None
) -> None:
    session = copied(small_session, tmp_path)
    manifest = read_manifest(session)
    write_manifest(session, replace(manifest, header=replace(manifest.header, link=link)))
    client = serve(tmp_path)
    assert rows(client)[session.name]["link"] == link
    assert client.get(f"/api/sessions/{session.name}").json["link"] == link


def test_damaged_sessions_are_listed_beside_whole_ones(small_session: Path, tmp_path: Path, serve: Serve) -> None:
    copied(small_session, tmp_path)
    torn = write_session(tmp_path, TORN)
    (copied(small_session, tmp_path, "scribbled") / "session.json").write_text("{not json")
    (copied(small_session, tmp_path, "headless") / "session.json").unlink()
    client = serve(tmp_path)
    found = rows(client)
    assert len(found) == 4
    assert {name: row["recoverable"] for name, row in found.items()} == {
        small_session.name: False,
        torn.name: True,
        "scribbled": True,
        "headless": True,
    }
    assert all(row["problem"] for name, row in found.items() if name != small_session.name)
    refused = client.get(f"/api/sessions/{torn.name}")
    assert (refused.status, refused.json["code"]) == (409, "session")


def test_a_torn_session_can_be_recovered_and_then_shown(tmp_path: Path, serve: Serve) -> None:
    torn = write_session(tmp_path, TORN)
    client = serve(tmp_path)
    report = client.ask("POST", f"/api/sessions/{torn.name}/recover")
    assert (report.status, report.json["changed"]) == (200, True)
    assert rows(client)[torn.name]["problem"] is None
    assert client.get(f"/api/sessions/{torn.name}").json["frame_count"] == TORN.frames


def test_a_session_that_is_being_recorded_is_listed_and_not_recovered(tmp_path: Path, serve: Serve) -> None:
    running = write_session(tmp_path, TORN)
    lock = SessionLock(running)
    client = serve(tmp_path)
    row = rows(client)[running.name]
    assert (row["recoverable"], row["problem"]) == (False, "is being recorded")
    assert client.ask("POST", f"/api/sessions/{running.name}/recover").status == 409
    lock.release()


def test_a_session_that_vanishes_is_said_to_be_gone(small_session: Path, tmp_path: Path, serve: Serve) -> None:
    session = copied(small_session, tmp_path)
    client = serve(tmp_path)
    assert client.get(f"/api/sessions/{session.name}/frames/0").status == 200
    shutil.rmtree(session)
    for path in ("", "/frames/0", "/overlay?from=0&count=1", "/thumbnail", "/reviews"):
        answer = client.get(f"/api/sessions/{session.name}{path}")
        assert (answer.status, answer.json["code"]) == (404, "not-found")
    assert client.get("/api/sessions").json == []


def test_a_copy_of_a_session_is_a_session_of_its_own(small_session: Path, tmp_path: Path, serve: Serve) -> None:
    copied(small_session, tmp_path / "a")
    copied(small_session, tmp_path / "b")
    client = serve(tmp_path)
    ids = [row["id"] for row in client.get("/api/sessions").json]
    assert sorted(ids) == [small_session.name, f"{small_session.name}.2"]
    assert len({client.get(f"/api/sessions/{each}").json["path"] for each in ids}) == 2


def test_a_link_to_a_session_elsewhere_is_not_followed(small_session: Path, tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "link").symlink_to(small_session)
    assert serve(tmp_path).get("/api/sessions").json == []


def test_more_sessions_than_are_kept_open_can_be_read_in_turn(small_session: Path, tmp_path: Path, serve: Serve) -> None:
    for number in range(7):
        copied(small_session, tmp_path / str(number))
    client = serve(tmp_path)
    ids = [row["id"] for row in client.get("/api/sessions").json]
    for _ in range(2):
        assert [client.get(f"/api/sessions/{each}/frames/5").status for each in ids] == [200] * 7


def test_a_changed_event_is_named(small_session: Path, tmp_path: Path, serve: Serve) -> None:
    session = copied(small_session, tmp_path)
    manifest = json.loads((session / "session.json").read_text())
    manifest["events"]["digest"] = "0" * 64
    (session / "session.json").write_text(json.dumps(manifest))
    client = serve(tmp_path)
    chain = client.get(f"/api/sessions/{session.name}").json["chain"]
    assert chain["intact"] is False
    assert "event 11" in chain["problem"]


def test_the_session_tells_phases_and_prompts_by_frame(client: Client, small_session_id: str) -> None:
    session = client.get(f"/api/sessions/{small_session_id}").json
    assert [(each["phase"], each["from_frame"], each["to_frame"]) for each in session["phases"]] == [
        ("scan", 0, 12),
        ("advance", 12, 36),
        ("lavage", 36, 54),
        ("post-scan", 54, 60),
    ]
    assert [(each["kind"], each["shown"], each["frame"]) for each in session["prompts"]] == [
        ("tip-not-seen", True, 22),
        ("steep-angle", False, 24),
    ]
    assert session["chain"] == {"intact": True, "problem": None}
    assert session["rate_hz"] == pytest.approx(30.0, rel=1e-3)


def test_the_thumbnail_is_a_small_picture_of_the_accepted_target(client: Client, small_session_id: str) -> None:
    answer = client.get(f"/api/sessions/{small_session_id}/thumbnail")
    picture = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert picture.shape == (240, 240)
    accepted = client.get(f"/api/sessions/{small_session_id}/frames/12").body
    whole = cv2.imdecode(np.frombuffer(accepted, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert whole is not None
    expected = cv2.resize(whole, (240, 240), interpolation=cv2.INTER_AREA)
    assert np.abs(expected.astype(int) - picture).mean() < 6


@pytest.mark.parametrize(("body", "status"), [({"marked": True}, 200), ({"marked": "yes"}, 422), (b"{", 422), ([], 422)])
def test_a_session_can_be_marked(small_session: Path, tmp_path: Path, serve: Serve, body: object, status: int) -> None:
    session = copied(small_session, tmp_path)
    client = serve(tmp_path)
    assert client.ask("POST", f"/api/sessions/{session.name}/mark", body).status == status
    assert read_flags(session).marked is (status == 200)


def test_a_single_session_is_opened_directly(small_session: Path, serve: Serve) -> None:
    client = serve(small_session)
    assert client.get("/api/launch").json["session"] == small_session.name
    assert client.get(f"/session/{small_session.name}").status == 200


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_words_come_with_those_of_the_bedside_screen(client: Client, language: str) -> None:
    words = client.get(f"/api/texts/{language}").json
    assert words["bedside-tip-not-seen"] == texts_in(Language(language))("tip-not-seen")
    assert any(not key.startswith("bedside-") for key in words)
    assert "" not in words


def test_an_unknown_language_is_refused(client: Client) -> None:
    assert client.get("/api/texts/de").status == 404


def test_a_catalogue_with_plural_forms_is_read(tmp_path: Path) -> None:
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo

    catalogue = Catalog("fr")
    catalogue.add("one-key", "une clé")
    catalogue.add(("frame", "frames"), ("image", "images"))
    with (tmp_path / "c.mo").open("wb") as stream:
        write_mo(stream, catalogue)
    assert read_compiled((tmp_path / "c.mo").read_bytes()) == {"one-key": "une clé", "frame": ["image", "images"]}


@pytest.mark.parametrize("content", [b"", b"\0" * 28, b"\xde\x12\x04\x95" + b"\xff" * 24])
def test_a_damaged_catalogue_is_said_to_be_one(content: bytes) -> None:
    with pytest.raises(BarbotageError, match="compile"):
        read_compiled(content)
