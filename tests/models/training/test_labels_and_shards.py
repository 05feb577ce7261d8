from pathlib import Path

import cv2
import numpy as np
import pytest

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType, Tissue
from barbotage_models.errors import InvalidInputError, NotFoundError
from barbotage_models.simulator.look import Look
from barbotage_models.simulator.probe import SimulatedFrame
from barbotage_models.simulator.truth import DepositTruth, NeedleTruth, Truth
from barbotage_models.training.labels import DOUBTFUL, Known, Sample, SampleKind
from barbotage_models.training.samples import simulated_sample
from barbotage_models.training.shards import (
    FRAME_PLANE,
    MANIFEST_NAME,
    PREVIOUS_PLANE,
    Manifest,
    Split,
    iterate_split,
    load_split,
    read_manifest,
    read_shard,
    write_manifest,
    write_shard,
)

SQUARE = np.array([[-2.0, -1.5], [2.0, -1.5], [2.0, 1.5], [-2.0, 1.5]])


def made_sample(
    width_mm: float = 30.0, depth_mm: float = 24.0, mm_per_px: float = 0.1, tip: PointMm | None = None, deposit_grey: int = 140
) -> Sample:
    centre = PointMm(width_mm / 2, 12.0)
    deposit = DepositTruth(SQUARE + np.array([centre.x_mm, centre.z_mm]), centre, 5.0, 3.0, 12.0, ShadowType.FAINT)
    end = PointMm(width_mm / 2, 6.0) if tip is None else tip
    start = np.array([end.x_mm - 8.0, end.z_mm - 4.0])
    needle = NeedleTruth(end, PointMm(0, 0), 26.6, EntrySide.LEFT, True, 1.0, np.array([[start, [end.x_mm, end.z_mm]]]))
    truth = Truth(width_mm, depth_mm, (deposit,), np.array([[-5.0, 20.0], [width_mm + 5, 20.0]]), needle)
    shape = (round(depth_mm / mm_per_px), round(width_mm / mm_per_px))
    pixels = np.full(shape, 80, dtype=np.uint8)
    cv2.fillPoly(pixels, [np.rint(deposit.outline / mm_per_px - 0.5).astype(np.int32)], deposit_grey)
    pixels[round(20.0 / mm_per_px) - 3 : round(20.0 / mm_per_px) + 3] = 170
    ends = [tuple(int(v) for v in np.rint(p / mm_per_px)) for p in (start, np.array([end.x_mm, end.z_mm]))]
    cv2.line(pixels, ends[0], ends[1], 190, 3)
    row, column = round(end.z_mm / mm_per_px), round(end.x_mm / mm_per_px)
    pixels[max(0, row - 3) : row + 3, max(0, column - 3) : column + 3] = 255
    frame = SimulatedFrame(pixels, mm_per_px, truth)
    before = SimulatedFrame(np.full_like(pixels, 50), mm_per_px, truth)
    return simulated_sample(before, frame, Look(), np.random.default_rng(1))


@pytest.mark.parametrize("width_mm", [30.0, 38.4, 50.0])
def test_labels_lie_where_the_frame_shows_them(width_mm: float) -> None:
    sample = made_sample(width_mm)
    rows, columns = np.nonzero(sample.frame > 200)
    brightest = (columns.mean() - 1.5) / 4, (rows.mean() - 1.5) / 4
    assert sample.tip_cells == pytest.approx(brightest, abs=0.3)
    shown_width = min(width_mm, 38.4)
    ys, xs = np.nonzero(sample.classes == Tissue.DEPOSIT)
    assert (xs.mean() + 0.5) * 0.6 == pytest.approx(shown_width / 2, abs=0.35)
    assert (ys.mean() + 0.5) * 0.6 == pytest.approx(12.0, abs=0.35)


def test_nothing_is_labelled_outside_the_picture() -> None:
    sample = made_sample(width_mm=24.0)
    assert (sample.classes[:, 41:] == Tissue.BACKGROUND).all()
    assert (sample.classes[:, :40] == Tissue.BONE).any()


def test_a_tip_outside_the_picture_is_not_a_visible_tip() -> None:
    sample = made_sample(tip=PointMm(35.0, 6.0))
    assert np.isnan(sample.tip_cells).all()
    assert sample.needle is not None
    assert not sample.needle.tip_visible
    assert sample.needle.visible_mm == pytest.approx(np.hypot(3.0, 1.5), abs=0.5)


def test_a_deposit_that_can_hardly_be_seen_is_neither_labelled_nor_absent(tmp_path: Path) -> None:
    clear, faint = made_sample(), made_sample(deposit_grey=81)
    assert (len(clear.deposits), clear.deposits_known) == (1, True)
    assert (len(faint.deposits), faint.deposits_known) == (0, False)
    assert np.array_equal(faint.instances == DOUBTFUL, clear.instances == 1)
    assert not (faint.classes == Tissue.DEPOSIT).any()
    write_shard(tmp_path / "train-0000.npz", [clear, faint])
    assert [one.deposits_known for one in read_shard(tmp_path / "train-0000.npz")] == [True, False]
    write_manifest(
        tmp_path,
        Manifest(0, {}, "", {s.value: {} for s in Split}, [], {s.value: [] for s in Split} | {"train": ["train-0000.npz"]}),
    )
    assert load_split(tmp_path, Split.TRAIN).known[:, Known.DEPOSIT].tolist() == [True, False]


def test_a_shard_gives_back_what_was_written(tmp_path: Path) -> None:
    samples = [made_sample(), made_sample(tip=PointMm(35.0, 6.0))]
    write_shard(tmp_path / "a.npz", samples)
    for before, after in zip(samples, read_shard(tmp_path / "a.npz"), strict=True):
        assert (before.deposits, before.needle, before.kind, before.bone_known) == (
            after.deposits,
            after.needle,
            after.kind,
            after.bone_known,
        )
        for name in ("frame", "previous", "classes", "instances", "tip_cells"):
            np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


def written(folder: Path) -> None:
    write_shard(folder / "train-0000.npz", [made_sample() for _ in range(5)])
    shards = {"train": ["train-0000.npz"], "val": [], "test": []}
    write_manifest(folder, Manifest(1, {}, "0", {s.value: {} for s in Split}, [], shards))


def test_a_split_is_loaded_as_arrays_and_can_be_limited(tmp_path: Path) -> None:
    written(tmp_path)
    assert load_split(tmp_path, Split.TRAIN).frames.shape == (5, 256, 256)
    assert len(load_split(tmp_path, Split.TRAIN, limit=3)) == 3
    both = load_split(tmp_path, Split.TRAIN, planes=2).frames
    assert both.shape == (5, 256, 256, 2)
    assert both[0, :40, :, FRAME_PLANE].max() > 60 >= both[0, :40, :, PREVIOUS_PLANE].max(), "the frame, then the one before"
    assert len(list(iterate_split(tmp_path, Split.TRAIN))) == 5
    with pytest.raises(NotFoundError, match="val"):
        load_split(tmp_path, Split.VALIDATION)


def test_missing_and_damaged_data_say_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="simulate"):
        read_manifest(tmp_path)
    written(tmp_path)
    (tmp_path / "train-0000.npz").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(InvalidInputError, match="train-0000"):
        load_split(tmp_path, Split.TRAIN)
    (tmp_path / MANIFEST_NAME).write_text('{"format_version": 1}')
    with pytest.raises(InvalidInputError, match="manifest"):
        read_manifest(tmp_path)


def test_the_kind_decides_whether_bone_is_known() -> None:
    assert made_sample().bone_known
    assert made_sample().kind is SampleKind.SIMULATED
