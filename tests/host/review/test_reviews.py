import copy
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from barbotage_device.errors import NotFoundError
from barbotage_host.review.reviews import InvalidReviewError, Review, checked_reviewer, document, parse_review
from barbotage_host.review.sidecars import StaleRevisionError, list_reviews, load, save

SESSION = "01J8ZC3V9Q4T5N6P7R8S9A0BCD"
FULL: dict[str, Any] = {
    "schema": "barbotage.review",
    "schema_version": 1,
    "session": SESSION,
    "reviewer": "Dr É. Blé-2",
    "revision": 3,
    "updated_utc_ns": 1_790_000_000_000_000_000,
    "notes": [{"frame": 4, "text": "pointe floue"}],
    "verdicts": [
        {"frame": 4, "object": "needle", "verdict": "accepted"},
        {"frame": 4, "object": "deposit:7", "verdict": "rejected"},
        {"frame": 5, "object": "frame", "verdict": "accepted"},
    ],
    "corrections": [
        {
            "frame": 4,
            "shaft": {"entry_px": [0.5, 10], "end_px": [200.25, 90]},
            "shaft_visible": True,
            "tip_px": None,
            "tip_visible": False,
            "deposits": [{"outline_px": [[10, 10], [20, 10], [20, 20]]}],
        },
        {"frame": 6, "shaft": None, "shaft_visible": None, "tip_px": [3, 4], "tip_visible": True, "deposits": []},
    ],
    "measures": [
        {
            "id": "a-1",
            "kind": "caliper",
            "frame": 4,
            "points_px": [[1, 2], [3, 4]],
            "when": "before",
            "plane": "long",
            "reading": 1,
        },
        {"id": "a-2", "kind": "absent", "frame": 9, "points_px": [], "when": "after", "plane": None, "reading": 2},
    ],
}


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    raw = copy.deepcopy(FULL)
    change(raw)
    return raw


def test_a_document_comes_back_as_it_was() -> None:
    assert document(parse_review(FULL)) == FULL


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(schema_version=2), "version 2"),
        (lambda d: d.update(session="../../etc"), "ULID"),
        (lambda d: d.update(mood="good"), "unknown key 'mood'"),
        (lambda d: d.pop("notes"), "no 'notes'"),
        (lambda d: d.update(revision=True), "whole number"),
        (lambda d: d.update(revision=-1), "whole number"),
        (lambda d: d.update(notes={"frame": 1}), "list"),
        (lambda d: d["notes"][0].update(frame=1.5), "whole number"),
        (lambda d: d["notes"][0].update(text="x" * 4001), "4000"),
        (lambda d: d["verdicts"][0].update(object="deposit:x"), "deposit:<identity>"),
        (lambda d: d["verdicts"][0].update(verdict="maybe"), "accepted, rejected"),
        (lambda d: d["verdicts"].append(dict(d["verdicts"][0], verdict="rejected")), "two entries"),
        (lambda d: d["corrections"].append(d["corrections"][0]), "two entries"),
        (lambda d: d["corrections"][0]["shaft"].update(end_px=[1, float("nan")]), "not a point"),
        (lambda d: d["corrections"][0]["shaft"].update(end_px=[1, float("inf")]), "not a point"),
        (lambda d: d["corrections"][0]["shaft"].update(end_px=[1, 2, 3]), "not a point"),
        (lambda d: d["corrections"][0]["shaft"].update(end_px="12"), "not a point"),
        (lambda d: d["corrections"][0]["shaft"].update(colour="red"), "unknown key"),
        (lambda d: d["corrections"][0].update(shaft_visible=False), "both or neither"),
        (lambda d: d["corrections"][1].update(tip_px=None), "both or neither"),
        (lambda d: d["corrections"][1].update(tip_visible=None), "both or neither"),
        (lambda d: d["corrections"][0]["deposits"][0]["outline_px"].pop(), "3 to"),
        (lambda d: d["measures"][0]["points_px"].pop(), "2 to 2"),
        (lambda d: d["measures"][1].update(points_px=[[1, 1]]), "0 to 0"),
        (lambda d: d["measures"][0].update(reading=3), "1 or 2"),
        (lambda d: d["measures"][0].update(plane="oblique"), "long, short"),
        (lambda d: d["measures"][0].update(id="a/b"), "hyphens"),
        (lambda d: d["measures"][1].update(id="a-1"), "two entries"),
    ],
)
def test_anything_else_is_refused_with_words(change: Callable[[dict[str, Any]], object], words: str) -> None:
    with pytest.raises(InvalidReviewError, match=words):
        parse_review(changed(change))


@pytest.mark.parametrize("raw", [None, [], "review", 3])
def test_what_is_no_object_is_refused(raw: object) -> None:
    with pytest.raises(InvalidReviewError, match="object"):
        parse_review(raw)


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "../x", "a/b", "a\\b", "a\0b", ".hidden", "AB.", "AB ", "_AB", "x" * 41, "a:b", "a\nb", "AB\n"]
)
def test_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidReviewError, match="name"):
        checked_reviewer(name)


@pytest.mark.parametrize("name", ["A", "AB", "Dr É. Blé-2", "x" * 40, "a.b_c"])
def test_a_usual_name_is_taken(name: str) -> None:
    assert checked_reviewer(name) == name


def test_both_ways_to_write_an_accent_are_one_name() -> None:
    assert checked_reviewer("E\u0301ve") == "\u00c9ve"


def review_of(name: str = "AB", **changes: Any) -> Review:
    return parse_review(FULL | {"reviewer": name} | changes)


def test_each_reviewer_has_an_own_file_and_an_own_revision(tmp_path: Path) -> None:
    assert load(tmp_path, "AB") is None
    first = save(tmp_path, review_of("AB"), 0, lambda: 17)
    assert (first.revision, first.updated_utc_ns) == (1, 17)
    other = save(tmp_path, review_of("Dr É. Blé-2", notes=[]), 0)
    assert save(tmp_path, first, 1).revision == 2
    assert load(tmp_path, "Dr É. Blé-2") == other
    assert [(s.reviewer, s.problem) for s in list_reviews(tmp_path)] == [("AB", None), ("Dr É. Blé-2", None)]
    assert sorted(p.name for p in (tmp_path / "review").iterdir()) == ["AB.json", "Dr É. Blé-2.json"]


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_a_revision_stored_in_between_is_not_overwritten(tmp_path: Path, expected: int) -> None:
    save(tmp_path, save(tmp_path, review_of(), 0), 1)
    before = (tmp_path / "review/AB.json").read_bytes()
    with pytest.raises(StaleRevisionError) as refused:
        save(tmp_path, review_of(notes=[]), expected)
    assert refused.value.revision == 2
    assert (tmp_path / "review/AB.json").read_bytes() == before


def test_of_writers_at_the_same_moment_one_wins(tmp_path: Path) -> None:
    save(tmp_path, review_of(), 0)
    outcomes: list[str] = []

    def write(number: int) -> None:
        try:
            save(tmp_path, review_of(notes=[{"frame": number, "text": "x"}]), 1)
            outcomes.append("stored")
        except StaleRevisionError:
            outcomes.append("refused")

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 7 + ["stored"]


def test_a_cut_while_writing_leaves_the_old_review_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = save(tmp_path, review_of(), 0)

    def fail(handle: int) -> None:
        del handle
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="space"):
        save(tmp_path, review_of(notes=[]), 1)
    monkeypatch.undo()
    assert load(tmp_path, "AB") == first
    assert [p.name for p in (tmp_path / "review").iterdir()] == ["AB.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"schema": "barb',
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps(FULL).encode(),
        json.dumps(FULL | {"session": 1}).encode(),
    ],
)
def test_a_damaged_file_is_told_and_kept_and_harms_nobody(tmp_path: Path, content: bytes) -> None:
    good = save(tmp_path, review_of("CD"), 0)
    damaged = tmp_path / "review/AB.json"
    damaged.write_bytes(content)
    told = {s.reviewer: s for s in list_reviews(tmp_path)}
    assert told["CD"].review == good
    assert told["AB"].review is None
    assert "AB.json" in (told["AB"].problem or "")
    with pytest.raises(InvalidReviewError, match="kept"):
        load(tmp_path, "AB")
    with pytest.raises(InvalidReviewError, match="kept"):
        save(tmp_path, review_of("AB"), 0)
    assert damaged.read_bytes() == content


def test_a_name_in_other_letters_is_the_same_person(tmp_path: Path) -> None:
    save(tmp_path, review_of("AB"), 0)
    with pytest.raises(InvalidReviewError, match="already"):
        save(tmp_path, review_of("ab"), 0)


def test_a_session_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="gone"):
        save(tmp_path / "gone", review_of(), 0)
    assert not (tmp_path / "gone").exists()
