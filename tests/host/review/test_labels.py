import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.support.sessions import DEPOSIT_PX, Script, write_session

from barbotage_device.errors import NotFoundError, RefusedError
from barbotage_device.session.reader import SessionReader
from barbotage_host.review.agreement import Place, agree, agreement_document, outline_dice
from barbotage_host.review.judged import Judged, Shown, judge, shown_on
from barbotage_host.review.labels import export_labels
from barbotage_host.review.measure_report import COLUMNS, measures_document, measures_rows
from barbotage_host.review.reviews import (
    Correction,
    InvalidReviewError,
    Judgement,
    Measure,
    MeasureKind,
    Note,
    Review,
    Shaft,
    Verdict,
    When,
)
from barbotage_host.review.sidecars import save
from barbotage_models.contract.geometry import PointPx, Scale
from barbotage_models.contract.reviewed import ReviewedFrame, ReviewedSplit, ShaftPx, read_frames, read_manifest, split_of_session
from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.training.reviewed import reviewed_samples
from barbotage_models.training.shards import Split

SESSION = "01J8ZC3V9Q4T5N6P7R8S9A0BCD"
ONE = tuple(PointPx(x, y) for x, y in ((10, 10), (20, 10), (20, 20)))
TWO = tuple(PointPx(x, y) for x, y in ((50, 50), (60, 50), (60, 60)))
SHAFT = ShaftPx(PointPx(0, 0), PointPx(30, 30))
TIP = PointPx(31, 31)
SHOWN = Shown({1: ONE, 2: TWO}, True, SHAFT, TIP)
EMPTY = Shown({}, False, None, None)
UNSURE = Shown({}, True, SHAFT, None)
ACCEPTED, REJECTED = Judgement.ACCEPTED, Judgement.REJECTED


def judged(shown: Shown | None, said: dict[str, Judgement], correction: Correction | None = None) -> Judged:
    """Frame 4 of a review that also says something of frame 5."""
    verdicts = (*(Verdict(4, subject, verdict) for subject, verdict in said.items()), Verdict(5, "frame", REJECTED))
    corrections = () if correction is None else (correction, Correction(5, deposits=()))
    return judge(Review(SESSION, "AB", verdicts=verdicts, corrections=corrections), 4, shown)


Facts = tuple[tuple[Any, ...], bool, ShaftPx | None, bool, PointPx | None, bool]


@pytest.mark.parametrize(
    ("shown", "said", "facts"),
    [
        (SHOWN, {}, ((), False, None, False, None, False)),
        (SHOWN, {"tip": ACCEPTED}, ((), False, None, False, TIP, True)),
        (SHOWN, {"needle": ACCEPTED}, ((), False, SHAFT, True, None, False)),
        # An accepted deposit is right, but there may be others.
        (SHOWN, {"deposit:1": ACCEPTED}, ((ONE,), False, None, False, None, False)),
        (SHOWN, {"frame": ACCEPTED}, ((ONE, TWO), True, SHAFT, True, TIP, True)),
        (SHOWN, {"frame": ACCEPTED, "deposit:2": REJECTED}, ((ONE,), True, SHAFT, True, TIP, True)),
        (SHOWN, {"frame": ACCEPTED, "tip": REJECTED}, ((ONE, TWO), True, SHAFT, True, None, True)),
        # Where an accepted frame has no needle there is no tip.
        (SHOWN, {"frame": ACCEPTED, "needle": REJECTED, "tip": REJECTED}, ((ONE, TWO), True, None, True, None, True)),
        (EMPTY, {"frame": ACCEPTED}, ((), True, None, True, None, True)),
        (UNSURE, {"frame": ACCEPTED}, ((), True, SHAFT, True, None, True)),
        # What is rejected alone may be elsewhere.
        (SHOWN, {"needle": REJECTED, "tip": REJECTED, "deposit:1": REJECTED}, ((), False, None, False, None, False)),
        # What was not shown cannot be accepted.
        (None, {"frame": ACCEPTED, "tip": ACCEPTED}, ((), False, None, False, None, False)),
        (EMPTY, {"tip": ACCEPTED}, ((), False, None, False, None, False)),
    ],
)
def test_verdicts_say_what_is_known(shown: Shown | None, said: dict[str, Judgement], facts: Facts) -> None:
    one = judged(shown, said)
    assert (one.deposits, one.deposits_known, one.shaft, one.needle_known, one.tip, one.tip_known) == facts
    assert not one.excluded


def test_a_rejected_frame_says_nothing() -> None:
    one = judged(SHOWN, {"frame": REJECTED}, Correction(4, deposits=(ONE,)))
    assert one.excluded
    assert not one.says_something


def test_corrections_go_before_verdicts_and_say_what_is_absent() -> None:
    moved = Correction(4, Shaft(PointPx(1, 1), PointPx(9, 9)), True, PointPx(9, 9), True, (TWO,))
    one = judged(SHOWN, {"needle": REJECTED, "tip": REJECTED}, moved)
    assert (one.shaft, one.tip, one.deposits) == (ShaftPx(PointPx(1, 1), PointPx(9, 9)), PointPx(9, 9), (TWO,))
    assert (one.verdicts["needle"], one.verdicts["deposits"]) == ("corrected", "corrected")
    none = judged(None, {}, Correction(4, None, False, None, None, ()))
    assert (none.shaft, none.needle_known, none.tip, none.tip_known, none.deposits, none.deposits_known) == (
        None,
        True,
        None,
        True,
        (),
        True,
    )


def guidance(certainty: str = "confirmed", tip: Sequence[float] | None = (60, 30)) -> dict[str, Any]:
    aim = {"certainty": certainty, "entry_px": [0, 0], "tip_px": tip}
    return {"stale": False, "deposits": [{"identity": 3, "outline_px": [[1, 1], [5, 1], [5, 5]]}], "aim": aim}


LINE = {"needle": {"entry_px": [0.0, 0.0], "end_px": [60.0, 40.0], "visible_mm": 2.5}}


@pytest.mark.parametrize(
    ("detections", "record", "scale", "shaft", "tip"),
    [
        # 60 x 40 oblong pixels are 3 x 4 = 5 mm; half of it was seen.
        (LINE, guidance(), Scale(0.05, 0.1), ShaftPx(PointPx(30, 20), PointPx(60, 40)), PointPx(60, 30)),
        (LINE, guidance(), None, ShaftPx(PointPx(0, 0), PointPx(60, 40)), PointPx(60, 30)),
        (None, guidance(), None, ShaftPx(PointPx(0, 0), PointPx(60, 30)), PointPx(60, 30)),
        (None, guidance("shaft-only"), None, None, None),
        (LINE, guidance("unknown"), None, None, None),
    ],
)
def test_what_was_shown_is_read_from_the_records(
    detections: Any, record: Any, scale: Scale | None, shaft: ShaftPx | None, tip: PointPx | None
) -> None:
    shown = shown_on(detections, record, scale)
    assert shown is not None
    assert (shown.shaft, shown.tip) == (shaft, tip)
    assert list(shown.deposits) == [3]


def test_stale_guidance_was_not_shown() -> None:
    assert shown_on(LINE, guidance() | {"stale": True}, None) is None
    assert shown_on(LINE, None, None) is None


PLACE = Place(100, 100, Scale.isotropic(0.1))
BASE = Judged(4, deposits=(ONE,), deposits_known=True, shaft=SHAFT, needle_known=True, tip=TIP, tip_known=True)


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        (BASE, ()),
        (replace(BASE, tip=PointPx(31, 45)), ()),
        (replace(BASE, tip=PointPx(31, 47)), ("tip",)),
        (replace(BASE, tip=None), ("tip",)),
        (replace(BASE, tip=None, tip_known=False), ()),
        (replace(BASE, shaft=ShaftPx(PointPx(5, 5), PointPx(20, 20))), ()),
        (replace(BASE, shaft=ShaftPx(PointPx(0, 0), PointPx(30, 60))), ("needle",)),
        (replace(BASE, shaft=None), ("needle",)),
        (replace(BASE, deposits=(TWO,)), ("deposits",)),
        (replace(BASE, deposits=(ONE, TWO)), ("deposits",)),
        (replace(BASE, deposits=(), deposits_known=False), ()),
        (Judged(4, excluded=True), ("frame",)),
    ],
)
def test_two_reviewers_disagree_about_what_both_know(other: Judged, differs: tuple[str, ...]) -> None:
    assert agree(BASE, other, PLACE).differs == differs
    assert agree(other, BASE, PLACE).differs == differs


@pytest.mark.parametrize(
    ("second", "correction", "differs"),
    [
        ({"deposit:2": REJECTED}, None, ("deposits",)),
        ({"tip": REJECTED, "needle": REJECTED}, None, ("needle", "tip")),
        ({"tip": ACCEPTED}, None, ()),
        # A rejected tip that was also corrected is compared by its place.
        ({"tip": REJECTED}, Correction(4, None, None, PointPx(31, 32), True), ()),
        ({"tip": REJECTED}, Correction(4, None, None, PointPx(31, 80), True), ("tip",)),
    ],
)
def test_what_one_accepts_as_shown_and_the_other_rejects_is_a_disagreement(
    second: dict[str, Judgement], correction: Correction | None, differs: tuple[str, ...]
) -> None:
    whole, other = judged(SHOWN, {"frame": ACCEPTED}), judged(SHOWN, second, correction)
    assert agree(whole, other, PLACE).differs == agree(other, whole, PLACE).differs == differs


def test_agreement_has_its_figures() -> None:
    found = agree(BASE, replace(BASE, tip=PointPx(31, 41), shaft=ShaftPx(PointPx(0, 5), PointPx(30, 35))), PLACE)
    assert found.tip_distance_mm == pytest.approx(1.0)
    assert found.shaft_offset_mm == pytest.approx(0.5 / np.sqrt(2))
    assert found.deposits_dice == 1.0


def test_dice_of_half_overlapping_boxes_is_one_half() -> None:
    def box(x: float) -> tuple[PointPx, ...]:
        return tuple(PointPx(*p) for p in ((x, 10), (x + 39, 10), (x + 39, 49), (x, 49)))

    assert outline_dice([box(10)], [box(30)], PLACE) == pytest.approx(0.5, abs=0.02)
    assert outline_dice([], [], PLACE) == 1.0
    assert outline_dice([box(10)], [], PLACE) == 0.0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session that tests copy nothing of: each writes its reviews into an own copy."""
    return write_session(tmp_path_factory.mktemp("recorded"), Script(frames=40, unsure=(20, 24)))


@pytest.fixture
def session(recorded: Path, tmp_path: Path) -> Path:
    copy = tmp_path / recorded.name
    copy.mkdir()
    for file in recorded.iterdir():
        (copy / file.name).symlink_to(file)
    return copy


def reviewed(session: Path, name: str, *parts: Verdict | Correction | Measure | Note) -> Review:
    def of(kind: type) -> tuple[Any, ...]:
        return tuple(p for p in parts if isinstance(p, kind))

    review = Review(session.name, name, 0, 0, of(Note), of(Verdict), of(Correction), of(Measure))
    return save(session, review, 0)


def by_frame(folder: Path) -> dict[int, ReviewedFrame]:
    return {frame.frame: frame for frame in read_frames(folder)}


def test_an_export_becomes_training_samples_with_the_labels_at_the_right_cells(session: Path, tmp_path: Path) -> None:
    corrected = Correction(10, Shaft(PointPx(100, 100), PointPx(180, 140)), True, PointPx(180, 140), True, None)
    reviewed(
        session, "AB", Verdict(12, "frame", ACCEPTED), Verdict(13, "frame", REJECTED), corrected, Note(2, "nothing to learn")
    )
    done = export_labels([session], tmp_path / "out", split=ReviewedSplit.TRAIN)
    assert done.manifest.known == {"deposits": 1, "needle": 2, "tip": 2}
    assert done.document()["sessions"][0] | {"model": None} == {
        "id": session.name,
        "split": "train",
        "frames": 2,
        "simulated": True,
        "software": "0",
        "model": None,
    }
    labels = by_frame(tmp_path / "out")
    assert sorted(labels) == [10, 12]
    assert labels[10].verdicts == {"needle": "corrected", "tip": "corrected"}
    with SessionReader.open(session) as reader:
        original = cv2.imdecode(np.frombuffer(reader.frame(12).data, np.uint8), cv2.IMREAD_GRAYSCALE)
    exported = cv2.imread(str(tmp_path / "out" / labels[12].file), cv2.IMREAD_UNCHANGED)
    assert exported is not None
    np.testing.assert_array_equal(exported, original)

    tip_only, whole = reviewed_samples(tmp_path / "out", Split.TRAIN)
    assert tip_only.known == (False, False, True, True)
    assert not (tip_only.classes == Tissue.DEPOSIT).any()
    assert whole.known == (True, False, True, True)
    # 640 x 480 pixels of 0.06 mm fill 64 x 48 cells of 10 pixels.
    rows, columns = np.nonzero(whole.classes == Tissue.DEPOSIT)
    assert ((columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2) == pytest.approx(
        (DEPOSIT_PX[0] / 10, DEPOSIT_PX[1] / 10), abs=0.6
    )
    assert tip_only.tip_cells == pytest.approx((180.5 / 10 - 0.5, 140.5 / 10 - 0.5), abs=0.02)
    assert tip_only.classes[13, 17] == Tissue.NEEDLE


def test_the_recording_and_the_reviews_are_left_as_they_were(session: Path, recorded: Path, tmp_path: Path) -> None:
    reviewed(session, "AB", Verdict(12, "frame", ACCEPTED))
    before = {p: p.read_bytes() for p in (*recorded.iterdir(), session / "review/AB.json") if p.is_file()}
    export_labels([session], tmp_path / "out")
    assert all(p.read_bytes() == content for p, content in before.items())
    assert read_manifest(tmp_path / "out").sessions[0].split is split_of_session(session.name)


def test_reviewers_who_disagree_are_not_mixed(session: Path, tmp_path: Path) -> None:
    reviewed(session, "AB", Verdict(12, "frame", ACCEPTED), Verdict(14, "tip", ACCEPTED))
    reviewed(session, "CD", Correction(12, None, False), Verdict(14, "frame", ACCEPTED))
    with pytest.raises(RefusedError, match=r"AB and CD disagree about frame 12 .*needle.*--reviewer"):
        export_labels([session], tmp_path / "out")
    assert not list(tmp_path.glob("out*"))
    export_labels([session], tmp_path / "first", ["AB", "CD"])
    assert {f: label.reviewer for f, label in by_frame(tmp_path / "first").items()} == {12: "AB", 14: "AB"}
    export_labels([session], tmp_path / "second", ["CD"])
    labels = by_frame(tmp_path / "second")
    assert (labels[12].reviewer, labels[12].shaft, labels[12].needle_known) == ("CD", None, True)


def test_of_reviewers_who_agree_the_one_who_knows_more_counts(session: Path, tmp_path: Path) -> None:
    reviewed(session, "AB", Verdict(14, "tip", ACCEPTED))
    reviewed(session, "CD", Verdict(14, "frame", ACCEPTED))
    export_labels([session], tmp_path / "out")
    assert by_frame(tmp_path / "out")[14].reviewer == "CD"


@pytest.mark.parametrize("reviewers", [[], ["EF"]])
def test_nothing_to_export_is_said(session: Path, tmp_path: Path, reviewers: list[str]) -> None:
    reviewed(session, "AB", Note(3, "x"), Verdict(3, "needle", REJECTED))
    with pytest.raises(NotFoundError, match="barbotage review"):
        export_labels([session], tmp_path / "out", reviewers)
    assert not list(tmp_path.glob("out*"))


def test_what_exists_is_not_overwritten_and_no_session_counts_twice(session: Path, tmp_path: Path) -> None:
    reviewed(session, "AB", Verdict(12, "frame", ACCEPTED))
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()
    with pytest.raises(RefusedError, match="not an empty folder"):
        export_labels([session], tmp_path / "full")
    with pytest.raises(RefusedError, match="twice"):
        export_labels([session, session], tmp_path / "out")


def test_sessions_without_reviews_do_not_matter(session: Path, tmp_path: Path) -> None:
    reviewed(session, "AB", Verdict(12, "frame", ACCEPTED))
    torn = write_session(tmp_path / "torn", Script(frames=5, close=False))
    done = export_labels([torn, session], tmp_path / "out")
    assert [s.id for s in done.manifest.sessions] == [session.name]


def test_a_damaged_side_car_that_counts_stops_the_export(session: Path, tmp_path: Path) -> None:
    reviewed(session, "AB", Verdict(12, "frame", ACCEPTED))
    (session / "review/CD.json").write_text("{")
    with pytest.raises(InvalidReviewError, match="CD"):
        export_labels([session], tmp_path / "out")
    assert export_labels([session], tmp_path / "out", ["AB"]).manifest.frames == 1


def test_frames_that_do_not_exist_are_told(session: Path, tmp_path: Path) -> None:
    reviewed(session, "AB", Verdict(12, "frame", ACCEPTED), Verdict(400, "frame", ACCEPTED))
    told: list[tuple[int, int]] = []
    done = export_labels([session], tmp_path / "out", progress=lambda number, of: told.append((number, of)))
    assert told == [(1, 1)]
    assert done.manifest.frames == 1
    assert "no frame 400" in done.skipped[0]


def test_agreement_of_two_reviewers_is_a_table(session: Path) -> None:
    reviewed(session, "AB", Verdict(12, "frame", ACCEPTED), Verdict(14, "tip", ACCEPTED), Verdict(15, "tip", ACCEPTED))
    reviewed(session, "CD", Correction(12, None, None, PointPx(500, 10), True), Verdict(14, "tip", REJECTED))
    with SessionReader.open(session) as reader:
        document = agreement_document(reader, "AB", "CD")
    json.dumps(document, allow_nan=False)
    first, second = document["frames"]
    assert (first["frame"], first["differs"]) == (12, ["tip"])
    assert first["tip_distance_mm"] > 5
    assert second["verdicts"] == [{"object": "tip", "first": "accepted", "second": "rejected"}]
    assert second["differs"] == ["tip"]
    assert document["summary"] | {"median_tip_distance_mm": None} == {
        "both": 2,
        "equal": 0,
        "only_first": 1,
        "only_second": 0,
        "median_tip_distance_mm": None,
        "median_shaft_offset_mm": None,
        "median_deposits_dice": None,
    }


def test_measures_come_with_the_scale_of_their_frame_and_the_devices_own(session: Path) -> None:
    line = (PointPx(100, 100), PointPx(200, 100))
    reviewed(
        session,
        "AB",
        Measure("a", MeasureKind.CALIPER, 3, line, When.BEFORE),
        Measure("b", MeasureKind.ABSENT, 30, (), When.AFTER),
    )
    with SessionReader.open(session) as reader:
        document = measures_document(reader)
        nobody = measures_document(reader, "CD")
        rows = list(measures_rows(reader))
    json.dumps(document, allow_nan=False)
    assert document["scale_known"]
    assert [(r["source"], r["plane"], r["change"]["category"]) for r in document["rows"]] == [
        ("device", "long", "half-or-more"),
        ("reviewer", None, "not-visible"),
    ]
    assert document["measures"][0]["longest_mm"] == {"value": 6.0, "uncertainty": pytest.approx(0.042, abs=1e-3)}
    assert [r["source"] for r in nobody["rows"]] == ["device"]
    assert [tuple(r) for r in rows] == [COLUMNS] * 4
    assert [(r["source"], r["when"], r["acute"]) for r in rows] == [
        ("device", "before", False),
        ("device", "after", True),
        ("reviewer", "before", False),
        ("reviewer", "after", True),
    ]


def test_without_a_scale_no_measure_is_in_mm(tmp_path: Path) -> None:
    session = write_session(tmp_path, Script(frames=4, scale_mm_per_px=None))
    reviewed(session, "AB", Measure("a", MeasureKind.CALIPER, 3, (PointPx(1, 1), PointPx(9, 9)), When.BEFORE))
    with SessionReader.open(session) as reader:
        document = measures_document(reader, "AB")
    assert not document["scale_known"]
    assert document["measures"][0]["longest_mm"] is None
    assert document["rows"][-1]["before"] == {
        "visible": True,
        "scale_known": False,
        "readings": [1],
        "frames": [3],
        "longest_mm": None,
        "perpendicular_mm": None,
        "area_mm2": None,
    }
