from pathlib import Path

import cv2
import numpy as np
import pytest

from barbotage_models.contract.geometry import GreyImage
from barbotage_models.errors import InvalidInputError, NotFoundError
from barbotage_models.training.backgrounds import (
    describe_backgrounds,
    find_backgrounds,
    follows,
    frame_before,
    random_crop,
    random_crop_pair,
    split_of,
    ultrasound_region,
)
from barbotage_models.training.shards import Split


def speckle(height: int, width: int) -> GreyImage:
    return np.asarray(np.random.default_rng(0).integers(40, 160, (height, width)), dtype=np.uint8)


def folder_of(path: Path, count: int = 12) -> Path:
    (path / "one").mkdir(parents=True)
    for index in range(count):
        cv2.imwrite(str(path / "one" / f"{index:02d}.png"), speckle(200, 220))
    (path / "README.md").write_text("| folder | source | licence |\n|---|---|---|\n| `one/` | somewhere | CC0 1.0 |\n")
    return path


@pytest.mark.parametrize(
    ("index", "split"),
    [
        (0, Split.TEST),
        (1, Split.VALIDATION),
        (2, Split.TRAIN),
        (5, Split.TEST),
        (6, Split.TRAIN),
        (11, Split.VALIDATION),
        (20, Split.TEST),
    ],
)
def test_every_fifth_picture_is_test(index: int, split: Split) -> None:
    assert split_of(index) is split


def test_pictures_are_split_by_sorted_name(tmp_path: Path) -> None:
    found = {b.path.stem: b.split for b in find_backgrounds(folder_of(tmp_path))}
    assert [name for name, split in found.items() if split is Split.TEST] == ["00", "05", "10"]


def test_the_licence_comes_from_the_readme(tmp_path: Path) -> None:
    (described,) = describe_backgrounds(folder_of(tmp_path))
    assert described["licence"] == "CC0 1.0"
    assert described["pictures"] == {"train": 7, "val": 2, "test": 3}


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no pictures"):
        find_backgrounds(tmp_path)


@pytest.mark.parametrize("chrome", [0, 48])
def test_borders_and_chrome_are_cut_away(chrome: int) -> None:
    picture = np.full((480, 640), chrome, dtype=np.uint8)
    picture[80:400, 150:500] = speckle(320, 350)
    picture[20:28, 20:60] = 255
    region = ultrasound_region(picture)
    assert region.shape[0] == pytest.approx(320, abs=16)
    assert region.shape[1] == pytest.approx(350, abs=16)
    assert region.min() >= 40 or (region < 40).mean() < 0.05


def test_a_flat_picture_is_not_ultrasound() -> None:
    with pytest.raises(InvalidInputError, match="ultrasound"):
        ultrasound_region(np.full((300, 300), 60, dtype=np.uint8))


def test_crops_are_canonical_and_follow_the_generator() -> None:
    region = speckle(260, 400)
    crops = [random_crop(region, np.random.default_rng(seed)).pixels for seed in (1, 1, 2)]
    assert crops[0].shape == (256, 256)
    np.testing.assert_array_equal(crops[0], crops[1])
    assert not np.array_equal(crops[0], crops[2])


@pytest.mark.parametrize("seed", range(6))
def test_the_crop_before_shows_the_tissue_where_it_was(seed: int) -> None:
    region = np.asarray(cv2.GaussianBlur(speckle(400, 600), (0, 0), 3.0), dtype=np.uint8) * np.uint8(2)
    pair = random_crop_pair(region, np.random.default_rng(seed), (3.0, 0.0))
    shift_px = round(pair.tissue_x_mm / 0.15)
    assert abs(pair.tissue_x_mm) <= 3.2
    now, before = pair.frame.pixels[:150].astype(float), pair.before[:150].astype(float)
    at_rest = np.roll(now, -shift_px, axis=1)[:, 40:-40]
    assert np.abs(at_rest - before[:, 40:-40]).mean() < 3


def test_a_crop_around_a_point_holds_it() -> None:
    region = np.full((400, 600), 60, dtype=np.uint8)
    region[300:304, 500:504] = 255
    for seed in range(10):
        frame = random_crop_pair(region, np.random.default_rng(seed), (0.0, 0.0), focus=(502, 302)).frame
        assert frame.pixels.max() > 150


def test_frames_follow_each_other_only_in_a_numbered_sequence_of_like_pictures(tmp_path: Path) -> None:
    for name in ("a_007.png", "a_008.png", "still.png"):
        (tmp_path / name).write_bytes(b"")
    assert frame_before(tmp_path / "a_008.png") == tmp_path / "a_007.png"
    assert frame_before(tmp_path / "a_007.png") is None
    assert frame_before(tmp_path / "still.png") is None
    one = np.asarray(cv2.GaussianBlur(speckle(300, 300), (0, 0), 6.0), dtype=np.uint8)
    assert follows(one, np.roll(one, 1, axis=1))
    assert not follows(one, np.roll(one, 40, axis=1))
    assert not follows(one, one[:200])
