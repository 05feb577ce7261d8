import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from barbotage_models.errors import InvalidInputError, RefusedError
from barbotage_models.training import samples
from barbotage_models.training.labels import Sample, SampleKind
from barbotage_models.training.ridges import ridge_points
from barbotage_models.training.samples import (
    BackgroundPicture,
    Recipe,
    ShardPlan,
    make_data,
    plan_shards,
    real_sample,
    shard_samples,
    world_samples,
)
from barbotage_models.training.shards import Split, read_manifest


@pytest.mark.parametrize("frames", [8, 100, 1001])
def test_a_plan_has_every_frame_once_and_every_set(frames: int) -> None:
    recipe = Recipe(frames=frames)
    plans = plan_shards(recipe)
    assert sum(p.frames for p in plans) == frames
    assert {p.split for p in plans} == set(Split)
    for split in Split:
        own = [p for p in plans if p.split is split]
        worlds = [w for p in own for w in range(p.first_world, p.first_world - (-p.frames // recipe.frames_per_world))]
        assert len(worlds) == len(set(worlds))


def test_sets_never_share_a_world() -> None:
    recipe = Recipe(frames=8)
    frames = [next(iter(world_samples(recipe, split, 0, 1))).frame for split in (Split.TRAIN, Split.TEST)]
    assert not np.array_equal(frames[0], frames[1])


def test_too_few_frames_are_an_error() -> None:
    with pytest.raises(InvalidInputError, match="at least 8"):
        Recipe(frames=3)


def test_data_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    recipe = Recipe(frames=8, seed=4, frames_per_shard=4)
    told: list[tuple[int, int]] = []
    make_data(recipe, tmp_path / "one", 1, lambda done, total: told.append((done, total)))
    make_data(recipe, tmp_path / "two", 2)
    one, two = ({p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (tmp_path / d).iterdir()} for d in ("one", "two"))
    assert one == two
    assert told[-1] == (8, 8)
    assert sum(sum(kinds.values()) for kinds in read_manifest(tmp_path / "one").counts.values()) == 8
    with pytest.raises(RefusedError, match="already holds data"):
        make_data(recipe, tmp_path / "one")


def test_stopped_data_go_on_where_they_stopped_and_end_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(frames=9, seed=4, frames_per_shard=3)
    made: list[str] = []

    def counted(recipe: Recipe, plan: ShardPlan) -> Iterator[Sample]:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(plan.name)
        return shard_samples(recipe, plan)

    monkeypatch.setattr(samples, "shard_samples", counted)
    with pytest.raises(KeyboardInterrupt):
        make_data(recipe, tmp_path / "one")
    monkeypatch.undo()
    (tmp_path / "one" / made[1]).write_bytes(b"cut short")
    kept = (tmp_path / "one" / made[0]).stat().st_mtime_ns
    with pytest.raises(RefusedError, match="the beginning of other data"):
        make_data(replace(recipe, seed=5), tmp_path / "one")
    whole = make_data(recipe, tmp_path / "one")
    assert (tmp_path / "one" / made[0]).stat().st_mtime_ns == kept
    assert whole == make_data(recipe, tmp_path / "two")
    one, two = ({p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (tmp_path / d).iterdir()} for d in ("one", "two"))
    assert one == two


def test_shards_of_unknown_origin_are_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "train-0000.npz").write_bytes(b"whose?")
    with pytest.raises(RefusedError, match="says of what"):
        make_data(Recipe(frames=8), tmp_path)


def test_a_missing_frame_before_is_the_frame_itself_and_is_rare() -> None:
    speckle = np.random.default_rng(0).integers(20, 180, (300, 300)).astype(np.uint8)
    picture = BackgroundPicture(speckle, ridge_points(speckle))
    made = [real_sample(picture, np.random.default_rng(seed), pasted=False) for seed in range(60)]
    missing = [np.array_equal(s.frame, s.previous) for s in made]
    assert 1 <= sum(missing) <= 20


def test_the_frame_before_comes_from_the_sequence_where_there_is_one() -> None:
    rng = np.random.default_rng(0)
    now, before = (rng.integers(low, low + 20, (300, 300)).astype(np.uint8) for low in (150, 40))
    picture = BackgroundPicture(now, np.zeros((0, 2), dtype=np.intp), before)
    made = [real_sample(picture, np.random.default_rng(seed), pasted=False) for seed in range(10)]
    assert sum(s.previous.mean() < s.frame.mean() - 20 for s in made) >= 6


def test_real_pictures_come_only_from_their_own_set(tmp_path: Path) -> None:
    """The test pictures are white noise, all others black-ish noise: brightness tells where a sample came from."""
    (tmp_path / "pictures").mkdir()
    for index in range(10):
        low, high = (120, 250) if index % 5 == 0 else (10, 60)
        noise = np.random.default_rng(index).integers(low, high, (300, 300)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "pictures" / f"{index}.png"), noise)
    recipe = Recipe(frames=8, backgrounds=tmp_path, composite_share=0.0, real_share=1.0)
    for split, bright in ((Split.TRAIN, False), (Split.VALIDATION, False), (Split.TEST, True)):
        for sample in world_samples(recipe, split, 0, 4):
            assert sample.kind is SampleKind.REAL
            assert (sample.frame[sample.frame > 0].mean() > 100) is np.bool_(bright)


def test_real_negatives_claim_nothing_and_leave_bone_open() -> None:
    speckle = np.random.default_rng(0).integers(20, 180, (300, 300)).astype(np.uint8)
    region = BackgroundPicture(speckle, ridge_points(speckle))
    plain = real_sample(region, np.random.default_rng(1), pasted=False)
    assert not plain.classes.any()
    assert not plain.bone_known
    pasted = [real_sample(region, np.random.default_rng(seed), pasted=True) for seed in range(8)]
    assert any(s.classes.any() for s in pasted)
    assert all(s.kind is SampleKind.COMPOSITE and not s.bone_known for s in pasted)
