"""Labelled frames from seeds: simulated worlds, simulated needles and deposits on real pictures, real hard negatives.

Sets are split by world and by real picture, never by frame. A shard is planned before any work starts, so the files are the same
whatever the number of workers.
"""

import hashlib
import math
import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from barbotage_models.contract.canonical import CANONICAL_SIDE_MM, to_canonical
from barbotage_models.contract.geometry import GreyImage, Scale
from barbotage_models.errors import InvalidInputError, RefusedError
from barbotage_models.simulator.composite import composite_onto
from barbotage_models.simulator.randomise import random_frames
from barbotage_models.simulator.truth import Truth
from barbotage_models.training.backgrounds import (
    describe_backgrounds,
    find_backgrounds,
    load_picture,
    random_crop,
    ultrasound_region,
)
from barbotage_models.training.labels import Sample, SampleKind, labelled, truth_in_canonical, used_extent_px
from barbotage_models.training.shards import MANIFEST_NAME, Manifest, Split, write_manifest, write_shard

_SPLIT_CODES = {Split.TRAIN: 0, Split.VALIDATION: 1, Split.TEST: 2}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make. Shares of composites and real negatives count only with ``backgrounds``; all shares lie in [0, 1].

    Few frames per world: variety between worlds teaches more than another view of the same one.
    """

    frames: int
    seed: int = 0
    backgrounds: Path | None = None
    validation_share: float = 0.08
    test_share: float = 0.10
    composite_share: float = 0.30
    real_share: float = 0.12
    frames_per_world: int = 3
    frames_per_shard: int = 128

    def __post_init__(self) -> None:
        if self.frames < 8:
            raise InvalidInputError(f"{self.frames} frames cannot be split into three sets; ask for at least 8")
        if self.seed < 0:
            raise InvalidInputError(f"the seed is {self.seed}; it must not be negative")


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """One shard: which worlds of which set, and how many frames in all (the last world may be cut short)."""

    split: Split
    first_world: int
    frames: int
    name: str


def plan_shards(recipe: Recipe) -> list[ShardPlan]:
    """Every shard of a recipe, in order; all sets together have ``recipe.frames`` frames and each at least one."""
    validation = max(1, round(recipe.frames * recipe.validation_share))
    test = max(1, round(recipe.frames * recipe.test_share))
    sizes = {Split.TRAIN: recipe.frames - validation - test, Split.VALIDATION: validation, Split.TEST: test}
    plans = []
    for split, size in sizes.items():
        per_shard = max(1, recipe.frames_per_shard // recipe.frames_per_world) * recipe.frames_per_world
        for number, start in enumerate(range(0, size, per_shard)):
            frames = min(per_shard, size - start)
            plans.append(ShardPlan(split, start // recipe.frames_per_world, frames, f"{split.value}-{number:04d}.npz"))
    return plans


def shard_samples(recipe: Recipe, plan: ShardPlan) -> Iterator[Sample]:
    """The samples of one shard, always the same for the same recipe."""
    done = 0
    for world in range(plan.first_world, plan.first_world + math.ceil(plan.frames / recipe.frames_per_world)):
        count = min(recipe.frames_per_world, plan.frames - done)
        yield from world_samples(recipe, plan.split, world, count)
        done += count


def world_samples(recipe: Recipe, split: Split, world: int, count: int) -> Iterator[Sample]:
    """``count`` samples of one world of one set: simulated, composited or real as chance has it."""
    rng = np.random.default_rng([recipe.seed, _SPLIT_CODES[split], world])
    draw = rng.random()
    seed = int(rng.integers(2**62))
    if recipe.backgrounds is None or draw >= recipe.composite_share + recipe.real_share:
        yield from (simulated_sample(frame.pixels, frame.mm_per_px, frame.truth) for frame in random_frames(seed, count))
        return
    pictures = _pictures(recipe.backgrounds, split)
    for _ in range(count):
        region = _region(pictures[int(rng.integers(len(pictures)))])
        yield real_sample(region, rng, pasted=draw < recipe.composite_share)


def simulated_sample(pixels: GreyImage, mm_per_px: float, truth: Truth) -> Sample:
    """The sample of a simulated frame: resampled by the same function that the device uses."""
    canonical = to_canonical(pixels, Scale.isotropic(mm_per_px))
    moved = truth_in_canonical(truth, canonical.view)
    return labelled(canonical.pixels, moved, SampleKind.SIMULATED, used_extent_px(canonical.view))


def real_sample(region: GreyImage, rng: np.random.Generator, pasted: bool) -> Sample:
    """A random crop of a real picture, with a needle and/or deposit on it (``pasted``) or as it is."""
    canonical = random_crop(region, rng)
    extent = used_extent_px(canonical.view)
    if not pasted:
        nothing = Truth(CANONICAL_SIDE_MM, CANONICAL_SIDE_MM, (), np.zeros((0, 2)), None)
        return labelled(canonical.pixels, nothing, SampleKind.REAL, extent)
    pixels, truth = composite_onto(canonical.pixels, rng)
    pixels = pixels.copy()
    pixels[extent[1] :], pixels[:, extent[0] :] = 0, 0
    return labelled(pixels, truth, SampleKind.COMPOSITE, extent)


def make_data(recipe: Recipe, out: Path, workers: int = 1, progress: Callable[[int, int], None] | None = None) -> Manifest:
    """Makes a data directory: shards first, the manifest last. ``progress`` is told frames done and frames in all.

    Raises RefusedError when the directory already holds data, NotFoundError when the backgrounds are missing.
    """
    if (out / MANIFEST_NAME).exists():
        raise RefusedError(f"{out} already holds data; choose another --out or remove it first")
    described = [] if recipe.backgrounds is None else describe_backgrounds(recipe.backgrounds)
    out.mkdir(parents=True, exist_ok=True)
    plans = plan_shards(recipe)
    counts: dict[str, Counter[str]] = {split.value: Counter() for split in Split}
    done = 0
    for plan, kinds in zip(plans, _made(recipe, plans, out, workers), strict=True):
        counts[plan.split.value].update(kinds)
        done += plan.frames
        if progress is not None:
            progress(done, recipe.frames)
    manifest = Manifest(
        seed=recipe.seed,
        recipe=_described_recipe(recipe),
        simulator_sha256=simulator_sha256(),
        counts={split: dict(sorted(kinds.items())) for split, kinds in counts.items()},
        backgrounds=described,
        shards={split.value: [p.name for p in plans if p.split is split] for split in Split},
    )
    write_manifest(out, manifest)
    return manifest


def simulator_sha256() -> str:
    """SHA-256 over the simulator's source files in order of name: which simulator made the data."""
    digest = hashlib.sha256()
    for item in sorted(resources.files("barbotage_models.simulator").iterdir(), key=lambda i: i.name):
        if item.name.endswith(".py"):
            digest.update(item.read_bytes())
    return digest.hexdigest()


def _made(recipe: Recipe, plans: list[ShardPlan], out: Path, workers: int) -> Iterator[dict[str, int]]:
    if workers <= 1:
        yield from (_make_shard(recipe, plan, out) for plan in plans)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker) as pool:
        futures = [pool.submit(_make_shard, recipe, plan, out) for plan in plans]
        try:
            for future in futures:
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start_worker() -> None:
    # Ctrl-C reaches the whole process group; only the parent answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _make_shard(recipe: Recipe, plan: ShardPlan, out: Path) -> dict[str, int]:
    samples = list(shard_samples(recipe, plan))
    write_shard(out / plan.name, samples)
    return dict(Counter(s.kind.name.lower() for s in samples))


@lru_cache(maxsize=8)
def _pictures(folder: Path, split: Split) -> tuple[Path, ...]:
    paths = tuple(b.path for b in find_backgrounds(folder) if b.split is split)
    if not paths:
        raise InvalidInputError(f"{folder} has no picture for the set '{split.value}'; a folder needs at least 3 pictures")
    return paths


@lru_cache(maxsize=512)
def _region(path: Path) -> GreyImage:
    return ultrasound_region(load_picture(path))


def _described_recipe(recipe: Recipe) -> dict[str, Any]:
    """The recipe for the manifest; the folder's place on this machine is nobody's business, its content is described apart."""
    names = ("frames", "validation_share", "test_share", "composite_share", "real_share", "frames_per_world")
    return {name: getattr(recipe, name) for name in names} | {"with_backgrounds": recipe.backgrounds is not None}
