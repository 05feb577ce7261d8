import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from barbotage_models.contract.geometry import PointPx, Scale
from barbotage_models.contract.reviewed import (
    LABELS_NAME,
    MANIFEST_NAME,
    ReviewedFrame,
    ReviewedManifest,
    ReviewedSession,
    ReviewedSplit,
    ShaftPx,
    count_known,
    read_frames,
    read_manifest,
    split_of_session,
    write_labels,
    write_manifest,
)
from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.errors import InvalidInputError, NotFoundError
from barbotage_models.training.labels import Known, Sample, SampleKind
from barbotage_models.training.reviewed import load_data, reviewed_samples
from barbotage_models.training.shards import Manifest, Split, write_shard
from barbotage_models.training.shards import write_manifest as write_data_manifest

WIDTH, HEIGHT = 320, 300
SCALE = Scale(0.1, 0.05)
"""A region of 32 x 15 mm with oblong pixels."""
CELL_PX = (6.0, 12.0)
"""An output cell of 0.6 mm in such pixels."""
FULL = ReviewedFrame(
    file="frames/a.png",
    session="A",
    frame=3,
    sequence=30,
    reviewer="AB",
    width_px=WIDTH,
    height_px=HEIGHT,
    scale=SCALE,
    deposits=((PointPx(119.5, 119.5), PointPx(179.5, 119.5), PointPx(179.5, 179.5), PointPx(119.5, 179.5)),),
    deposits_known=True,
    shaft=ShaftPx(PointPx(20, 20), PointPx(100, 100)),
    needle_known=True,
    tip=PointPx(101, 102),
    tip_known=True,
    verdicts={"frame": "accepted"},
)


def folder_of(path: Path, *frames: ReviewedFrame, split: ReviewedSplit = ReviewedSplit.TRAIN) -> Path:
    (path / "frames").mkdir(parents=True, exist_ok=True)
    for frame in frames:
        pixels = np.full((frame.height_px, frame.width_px), 60, dtype=np.uint8)
        if frame.tip is not None:
            cv2.circle(pixels, (round(frame.tip.x_px), round(frame.tip.y_px)), 2, 250, -1)
        assert cv2.imwrite(str(path / frame.file), pixels)
    digest = write_labels(path, frames)
    sessions = tuple(
        ReviewedSession(name, split, 1, simulated=True, software="0", model={"name": "m"}) for name in {f.session for f in frames}
    )
    write_manifest(path, ReviewedManifest(sessions, ("AB",), len(frames), count_known(frames), digest))
    return path


def sample_of(path: Path, frame: ReviewedFrame) -> Sample:
    (sample,) = reviewed_samples(folder_of(path, frame), Split.TRAIN)
    return sample


def test_what_is_written_is_read(tmp_path: Path) -> None:
    other = replace(FULL, file="frames/b.png", scale=None, shaft=None, tip=None, deposits=(), needle_known=False)
    folder = folder_of(tmp_path, FULL, other)
    assert read_frames(folder) == [FULL, other]
    assert read_manifest(folder).known == {"deposits": 2, "needle": 1, "tip": 2}
    assert "not licensed for redistribution" in json.loads((folder / MANIFEST_NAME).read_text())["licence"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / LABELS_NAME).write_text("{}"), "SHA-256"),
        (lambda f: (f / MANIFEST_NAME).write_text("{}"), "manifest"),
        (lambda f: (f / MANIFEST_NAME).write_text("[" * 9), "manifest"),
        (lambda f: (f / MANIFEST_NAME).write_text((f / MANIFEST_NAME).read_text().replace(": 1,", ": 2,", 1)), "version 2"),
    ],
)
def test_a_folder_that_was_changed_is_refused(tmp_path: Path, damage: object, words: str) -> None:
    folder = folder_of(tmp_path, FULL)
    assert callable(damage)
    damage(folder)
    with pytest.raises(InvalidInputError, match=words):
        read_frames(folder)


@pytest.mark.parametrize("file", ["../secret.png", "/etc/passwd", "frames/../../x.png"])
def test_a_label_that_leads_out_of_the_folder_is_refused(tmp_path: Path, file: str) -> None:
    folder = folder_of(tmp_path, FULL)
    digest = write_labels(folder, [replace(FULL, file=file)])
    write_manifest(folder, replace(read_manifest(folder), labels_sha256=digest))
    with pytest.raises(InvalidInputError, match="outside"):
        read_frames(folder)


def test_missing_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="barbotage export labels"):
        read_manifest(tmp_path)
    folder = folder_of(tmp_path, FULL)
    (folder / FULL.file).unlink()
    with pytest.raises(NotFoundError, match="is missing"):
        list(reviewed_samples(folder, Split.TRAIN))


def test_a_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, FULL)
    cv2.imwrite(str(folder / FULL.file), np.zeros((100, 100), dtype=np.uint8))
    with pytest.raises(InvalidInputError, match="320x300"):
        list(reviewed_samples(folder, Split.TRAIN))


def test_labels_lie_on_the_cells_that_show_them(tmp_path: Path) -> None:
    sample = sample_of(tmp_path, FULL)
    assert sample.kind is SampleKind.REVIEWED
    rows, columns = np.nonzero(sample.classes == Tissue.DEPOSIT)
    # 12 to 18 mm across and 6 to 9 mm deep, in cells of 0.6 mm.
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (20, 29, 10, 14)
    assert len(rows) == 50
    bright = np.argwhere(sample.frame > 200).mean(axis=0)[::-1]
    assert sample.tip_cells == pytest.approx((bright - 1.5) / 4, abs=0.3)
    assert sample.tip_cells == pytest.approx((101.5 / CELL_PX[0] - 0.5, 102.5 / CELL_PX[1] - 0.5), abs=0.05)
    needle = np.argwhere(sample.classes == Tissue.NEEDLE)
    assert len(needle) > 10
    assert needle[:, 1].max() * CELL_PX[0] <= 106


def test_what_was_not_judged_stays_unknown(tmp_path: Path) -> None:
    tip_only = replace(FULL, deposits=(), deposits_known=False, shaft=None, needle_known=False)
    sample = sample_of(tmp_path, tip_only)
    assert sample.known == (False, False, False, True)
    assert not sample.classes.any()
    assert not np.isnan(sample.tip_cells).any()
    nothing = replace(tip_only, tip=None, tip_known=True, needle_known=True, deposits_known=True)
    absent = sample_of(tmp_path / "b", nothing)
    assert absent.known == (True, False, True, True)
    assert not absent.classes.any()
    assert np.isnan(absent.tip_cells).all()


def test_a_frame_without_a_scale_is_fitted_as_on_the_device(tmp_path: Path) -> None:
    sample = sample_of(tmp_path, replace(FULL, scale=None))
    rows, columns = np.nonzero(sample.classes == Tissue.DEPOSIT)
    # 320 pixels become 64 cells of 5 pixels.
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (24, 35, 24, 35)


def simulated(path: Path, sample: Sample) -> Path:
    path.mkdir()
    write_shard(path / "a.npz", [replace(sample, deposits_known=True, needle_known=True, tip_known=True, bone_known=True)] * 3)
    shards = {"train": ["a.npz"], "val": ["a.npz"], "test": []}
    write_data_manifest(path, Manifest(1, {}, "0", {s.value: {} for s in Split}, [], shards))
    return path


def test_reviewed_and_simulated_data_make_one_set(tmp_path: Path) -> None:
    reviewed = folder_of(tmp_path / "r", FULL, replace(FULL, file="frames/b.png", sequence=31, deposits_known=False))
    data = simulated(tmp_path / "s", sample_of(tmp_path / "x", FULL))
    both = load_data([data, reviewed], Split.TRAIN)
    assert both.known[:, Known.DEPOSIT].tolist() == [True, True, True, True, False]
    assert both.known[:, Known.BONE].tolist() == [True, True, True, False, False]
    assert len(load_data([data, reviewed], Split.TRAIN, limit=1)) == 2
    pairs = load_data([data, reviewed], Split.TRAIN, planes=2)
    assert pairs.frames.shape == (5, 256, 256, 2)
    # A reviewed frame stands alone: the frame before it is itself.
    assert np.array_equal(pairs.frames[4, :, :, 0], pairs.frames[4, :, :, 1])
    assert np.array_equal(pairs.frames[..., 0], both.frames)
    # The reviewed session belongs to the training set only.
    assert len(load_data([data, reviewed], Split.VALIDATION)) == 3
    with pytest.raises(NotFoundError, match="split by session"):
        load_data([reviewed], Split.VALIDATION)


def test_frames_with_unknown_objects_are_not_put_into_shards(tmp_path: Path) -> None:
    sample = sample_of(tmp_path / "x", replace(FULL, tip_known=False))
    with pytest.raises(InvalidInputError, match="unknown"):
        write_shard(tmp_path / "a.npz", [sample])
    assert not (tmp_path / "a.npz").exists()


def test_the_set_of_a_session_follows_from_its_id_alone() -> None:
    sets = [split_of_session(f"session {i}") for i in range(2000)]
    assert sets == [split_of_session(f"session {i}") for i in range(2000)]
    shares = [sets.count(s) / 2000 for s in (ReviewedSplit.TEST, ReviewedSplit.VALIDATION, ReviewedSplit.TRAIN)]
    assert shares == pytest.approx([0.1, 0.1, 0.8], abs=0.03)
