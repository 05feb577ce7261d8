import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.host.review.conftest import Client


@pytest.fixture
def own(small_session: Path, tmp_path: Path, serve: Callable[[Path], Client]) -> tuple[Client, str, Path]:
    """A server over a copy that may be written to."""
    session = Path(shutil.copytree(small_session, tmp_path / small_session.name))
    return serve(tmp_path), f"/api/sessions/{session.name}/reviews", session


def noted(client: Client, path: str, reviewer: str, text: str) -> dict[str, Any]:
    document: dict[str, Any] = client.get(f"{path}/{reviewer}").json
    document["notes"] = [{"frame": 3, "text": text}]
    return document


def test_a_review_is_stored_read_and_listed(own: tuple[Client, str, Path]) -> None:
    client, path, session = own
    assert client.get(f"{path}/AB").json["revision"] == 0
    stored = client.ask("PUT", f"{path}/AB", noted(client, path, "AB", "tip hidden"), {"If-Match": "0"})
    assert (stored.status, stored.json["revision"], stored.headers["etag"]) == (200, 1, '"1"')
    assert client.get(f"{path}/AB").json == stored.json
    assert [each["reviewer"] for each in client.get(path).json] == ["AB"]
    assert client.get("/api/sessions").json[0]["reviewers"] == ["AB"]
    assert (session / "review" / "AB.json").is_file()


def test_who_stores_on_an_old_revision_is_told_and_changes_nothing(own: tuple[Client, str, Path]) -> None:
    client, path, _ = own
    first = noted(client, path, "AB", "first")
    assert client.ask("PUT", f"{path}/AB", first, {"If-Match": '"0"'}).status == 200
    late = client.ask("PUT", f"{path}/AB", noted(client, path, "AB", "late"), {"If-Match": "0"})
    assert (late.status, late.json["code"], late.json["revision"]) == (409, "stale-revision", 1)
    assert client.get(f"{path}/AB").json["notes"][0]["text"] == "first"


@pytest.mark.parametrize("revision", [None, "", "*", "-1", "x"])
def test_a_review_without_a_revision_is_not_stored(own: tuple[Client, str, Path], revision: str | None) -> None:
    client, path, session = own
    answer = client.ask("PUT", f"{path}/AB", noted(client, path, "AB", "x"), {"If-Match": revision})
    assert (answer.status, answer.json["code"]) == (428, "no-revision")
    assert not (session / "review").exists()


@pytest.mark.parametrize(
    ("reviewer", "change"),
    [
        ("CD", {}),
        ("AB", {"session": "0" * 26}),
        ("AB", {"unknown": 1}),
        ("AB", {"notes": [{"frame": -1, "text": ""}]}),
        ("%2e%2e%2fAB", {}),
    ],
)
def test_what_is_not_this_reviewers_review_of_this_session_is_refused(
    own: tuple[Client, str, Path], reviewer: str, change: dict[str, Any]
) -> None:
    client, path, session = own
    answer = client.ask("PUT", f"{path}/{reviewer}", noted(client, path, "AB", "x") | change, {"If-Match": "0"})
    assert answer.status in (404, 422)
    assert not (session / "review").exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_not_json_is_refused(own: tuple[Client, str, Path], body: bytes) -> None:
    client, path, _ = own
    assert client.ask("PUT", f"{path}/AB", body, {"If-Match": "0"}).status == 422


def test_a_damaged_review_is_listed_with_its_problem(own: tuple[Client, str, Path]) -> None:
    client, path, session = own
    (session / "review").mkdir()
    (session / "review" / "CD.json").write_text("{")
    listed = client.get(path).json
    assert listed[0]["reviewer"] == "CD"
    assert "kept as it is" in listed[0]["problem"]


def test_measures_and_agreement_are_served(own: tuple[Client, str, Path]) -> None:
    client, path, session = own
    for reviewer in ("AB", "CD"):
        stored = client.ask("PUT", f"{path}/{reviewer}", noted(client, path, reviewer, "x"), {"If-Match": "0"})
        assert stored.status == 200
    assert client.get(f"/api/sessions/{session.name}/measures").status == 200
    assert client.get(f"/api/sessions/{session.name}/measures?reviewer=AB").status == 200
    assert client.get(f"/api/sessions/{session.name}/agreement?first=AB&second=CD").status == 200
    assert client.get(f"/api/sessions/{session.name}/agreement?first=AB").status == 422
