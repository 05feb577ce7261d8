from pathlib import Path

import cv2
import numpy as np
import pytest

from barbotage_models.evaluation.still_sequences import drift_mm, still_sequences
from barbotage_models.training.shards import Split


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six textured pictures in one folder: the first and the sixth are test, the second is validation."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "set").mkdir()
    rng = np.random.default_rng(0)
    for index in range(6):
        texture = cv2.GaussianBlur(rng.integers(0, 256, (300, 360)).astype(np.float32), (0, 0), 2.0) * 1.5
        cv2.imwrite(str(folder / "set" / f"{index}.png"), np.clip(texture - 70, 5, 250).astype(np.uint8))
    return folder


def test_films_are_of_pictures_of_their_split_only(pictures: Path) -> None:
    names = {film.name for film in still_sequences(pictures, Split.TEST, 4, 2, 0.04, 0)}
    assert names == {"set/0", "set/5"}
    assert {film.name for film in still_sequences(pictures, Split.VALIDATION, 2, 2, 0.04, 0)} == {"set/1"}


def test_frames_follow_each_other_and_are_never_the_same(pictures: Path) -> None:
    (film,) = still_sequences(pictures, Split.TEST, 1, 6, 0.04, 3)
    for before, frame in zip(film.frames[:-1], film.frames[1:], strict=True):
        assert frame.shape == (256, 256)
        assert not np.array_equal(before, frame)
    far = np.abs(film.frames[0].astype(int) - film.frames[-1]).mean()
    near = np.abs(film.frames[0].astype(int) - film.frames[1]).mean()
    assert near < far


def test_the_same_seed_gives_the_same_film(pictures: Path) -> None:
    one, other = (next(iter(still_sequences(pictures, Split.TEST, 1, 3, 0.04, 3))) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.frames, other.frames, strict=True))


def test_the_drift_stays_about_its_place_and_is_smooth() -> None:
    path = drift_mm(5000, 0.04, np.random.default_rng(0))
    assert path[:, 0].std() == pytest.approx(1.5, abs=0.3)
    assert path[:, 1].std() < path[:, 0].std()
    assert np.abs(np.diff(path[:, 0])).mean() < 0.6
