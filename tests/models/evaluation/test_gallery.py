"""Which frames become pictures, and that truth and claim are drawn where they are."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import ShadowType
from barbotage_models.evaluation.curve_plot import reliability_plot
from barbotage_models.evaluation.detections import Detections, FoundDeposit, FoundShaft, FoundTip
from barbotage_models.evaluation.gallery import CLAIM_BGR, COLUMNS, HITS, MISSES, TRUTH_BGR, Gallery, Sort, drawn, write_pictures
from barbotage_models.training.labels import DepositLabel, NeedleLabel, Sample, SampleKind

CELLS = np.zeros((64, 64), dtype=np.bool_)
CELLS[20:26, 20:30] = True
NOTHING = FoundTip(PointMm(0.0, 0.0), 0.0, False)
SHAFT = FoundShaft(PointMm(10.0, 10.0), (1.0, 0.0), (PointMm(2.0, 10.0), PointMm(18.0, 10.0)), 16.0, 0.9)
NEEDLE = NeedleLabel(PointMm(18.0, 10.0), PointMm(10.0, 10.0), 0.0, True, 16.0)
CLAIMED = (FoundDeposit(CELLS, 0.9),)


def sample(*, deposit: bool = False, needle: NeedleLabel | None = None, kind: SampleKind = SampleKind.SIMULATED) -> Sample:
    black = np.zeros((256, 256), dtype=np.uint8)
    deposits = (DepositLabel(6.0, ShadowType.CLEAR),) if deposit else ()
    instances = (CELLS if deposit else np.zeros_like(CELLS)).astype(np.uint8)
    return Sample(black, black, instances, instances, np.full(2, np.nan, dtype=np.float32), True, kind, deposits, needle)


def tip(x_mm: float) -> FoundTip:
    return FoundTip(PointMm(x_mm, 10.0), 0.9, True)


@pytest.mark.parametrize(
    ("truth", "found", "sorts"),
    [
        (sample(deposit=True), Detections(CLAIMED, None, NOTHING), {Sort.DEPOSIT_FOUND}),
        (sample(deposit=True), Detections((), None, NOTHING), {Sort.DEPOSIT_MISSED}),
        (sample(), Detections(CLAIMED, None, NOTHING), {Sort.FALSE_DEPOSIT}),
        (sample(needle=NEEDLE), Detections((), SHAFT, tip(17.0)), {Sort.TIP_FOUND}),
        (sample(needle=NEEDLE), Detections((), SHAFT, tip(15.0)), set()),
        (sample(needle=NEEDLE), Detections((), SHAFT, tip(12.0)), {Sort.FAR_TIP}),
        (sample(needle=NEEDLE), Detections((), None, NOTHING), {Sort.NEEDLE_MISSED}),
        (sample(needle=replace(NEEDLE, visible_mm=4.0)), Detections((), None, NOTHING), set()),
        (sample(kind=SampleKind.REAL), Detections((), SHAFT, tip(12.0)), {Sort.FALSE_NEEDLE, Sort.FAR_TIP}),
        (sample(kind=SampleKind.REAL), Detections((), None, NOTHING), {Sort.SPARED}),
        (sample(), Detections((), None, NOTHING), set()),
    ],
)
def test_a_frame_goes_to_its_sorts(truth: Sample, found: Detections, sorts: set[Sort]) -> None:
    gallery = Gallery()
    gallery.look(truth, found)
    assert {sort for sort, count in gallery.counts.items() if count} == sorts


def test_of_misses_the_worst_are_kept_and_all_are_counted() -> None:
    gallery = Gallery()
    for offset in range(10):
        gallery.look(sample(needle=NEEDLE), Detections((), SHAFT, tip(12.0 - offset)))
    assert gallery.counts[Sort.FAR_TIP] == 10
    assert gallery.notes(Sort.FAR_TIP) == [f"simulated {away:.1f} mm" for away in (15.0, 14.0, 13.0, 12.0)]


def test_hits_are_drawn_by_lot_the_same_again() -> None:
    def kept(seed: int) -> list[str]:
        gallery = Gallery(seed)
        for offset in range(200):
            gallery.look(sample(needle=NEEDLE), Detections((), SHAFT, tip(18.0 - offset / 100)))
        return gallery.notes(Sort.TIP_FOUND)

    assert kept(1) == kept(1) != kept(2)
    assert len(kept(1)) == COLUMNS


def test_truth_is_green_and_claim_orange_where_they_are() -> None:
    picture = drawn(sample(deposit=True, needle=NEEDLE), Detections((), SHAFT, tip(17.0)))
    # The deposit's left border: 20 cells of 8 pixels; the shaft at 10 mm of depth: 20 / 0.15 pixels.
    assert tuple(picture[180, 160]) == TRUTH_BGR
    assert np.abs(picture[133, 60].astype(int) - CLAIM_BGR).max() < 30
    assert not picture[400:, :].any()


def test_pictures_are_written_for_all_sorts(tmp_path: Path) -> None:
    gallery = Gallery()
    gallery.look(sample(deposit=True), Detections(CLAIMED, None, NOTHING))
    curve = {"n": 3, "ece": 0.1, "bins": [{"from": 0.9, "n": 3, "confidence": 0.95, "right": 0.85}]}
    written = write_pictures(tmp_path / "new", gallery, {"deposit": curve, "tip": {"n": 0, "ece": None, "bins": []}})
    assert [path.name for path in written] == ["hits.png", "misses.png", "reliability.png"]
    assert all(cv2.imread(str(path)) is not None for path in written)
    # A sort that did not occur is one line.
    assert gallery.sheet(HITS).shape[0] == 518 + 3 * 30
    assert gallery.sheet(MISSES).shape[0] == 5 * 30


def test_a_point_of_the_curve_lies_where_confidence_and_share_meet() -> None:
    curve = {"n": 1, "ece": 0.1, "bins": [{"from": 0.5, "n": 1, "confidence": 0.5, "right": 0.25}]}
    plot = reliability_plot({"deposit": curve})
    blue = np.argwhere((plot[..., 0].astype(int) - plot[..., 2]) > 100)
    assert blue.mean(axis=0) == pytest.approx((48 + 285, 60 + 190), abs=1.5)
