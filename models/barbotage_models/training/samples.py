"""Labelled frames from seeds: simulated worlds, simulated needles and deposits on real pictures, real hard negatives.

Every sample is a pair: a frame and the one before it. Sets are split by world and by real picture, never by frame. A shard is
planned before any work starts, so the files are the same whatever the number of workers, and a stopped run can go on.
"""

import hashlib
import json
import math
import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_SIDE_MM, CanonicalFrame, to_canonical
from barbotage_models.contract.geometry import GreyImage, Scale
from barbotage_models.errors import InvalidInputError, RefusedError
from barbotage_models.simulator.composite import composite_pair
from barbotage_models.simulator.look import Look, random_look, shown
from barbotage_models.simulator.motion import random_motion
from barbotage_models.simulator.probe import SimulatedFrame
from barbotage_models.simulator.randomise import random_pairs
from barbotage_models.simulator.truth import Truth
from barbotage_models.training.backgrounds import (
    describe_backgrounds,
    find_backgrounds,
    follows,
    frame_before,
    load_picture,
    random_crop_pair,
    ultrasound_region,
)
from barbotage_models.training.labels import Sample, SampleKind, labelled, truth_in_canonical, used_extent_px
from barbotage_models.training.ridges import ridge_points
from barbotage_models.training.seen import only_seen
from barbotage_models.training.shards import MANIFEST_NAME, Manifest, Split, shard_kinds, write_manifest, write_shard

NO_FRAME_BEFORE_SHARE = 0.08
"""Samples whose frame before is missing (the first of a stream, a still picture): it is the frame itself."""
FOCUS_SHARE = 0.6
"""Real negatives whose crop is chosen around a bright line."""
COMPOSITE_FOCUS_SHARE = 0.2
FRESH_NOISE_GREY = 3.0
"""Largest deviation of the noise that differs between two frames."""
_SAMPLE_MODULES = frozenset({"samples", "backgrounds", "ridges", "seen", "labels", "shards"})
CLAIM_NAME = "making.json"
"""In a directory whose data are not finished: of what."""
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
    composite_share: float = 0.40
    real_share: float = 0.15
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
        for before, frame in random_pairs(seed, count):
            yield simulated_sample(before, frame, random_look(rng), rng)
        return
    pictures = _pictures(recipe.backgrounds, split)
    for _ in range(count):
        yield real_sample(_background(pictures[int(rng.integers(len(pictures)))], split), rng, draw < recipe.composite_share)


@dataclass(frozen=True, slots=True)
class BackgroundPicture:
    """The ultrasound part of a real picture, its bright lines (n, 2) as (x, y), and the picture one frame before, if there is one."""

    region: GreyImage
    ridges: npt.NDArray[np.intp]
    earlier: GreyImage | None = None


def simulated_sample(before: SimulatedFrame, frame: SimulatedFrame, look: Look, rng: np.random.Generator) -> Sample:
    """The sample of a simulated frame and the one before: resampled by the same function that the device uses, then given a look."""
    scale = Scale.isotropic(frame.mm_per_px)
    canonical, earlier = to_canonical(frame.pixels, scale), to_canonical(before.pixels, scale)
    truth = truth_in_canonical(frame.truth, canonical.view)
    return _shown_sample(earlier.pixels, canonical, truth, SampleKind.SIMULATED, look, rng)


def real_sample(background: BackgroundPicture, rng: np.random.Generator, pasted: bool) -> Sample:
    """A random crop of a real picture, with a needle and/or deposit on it (``pasted``) or as it is."""
    motion = random_motion(rng)
    focus = None
    if len(background.ridges) and rng.random() < (COMPOSITE_FOCUS_SHARE if pasted else FOCUS_SHARE):
        x, y = background.ridges[int(rng.integers(len(background.ridges)))]
        focus = (int(x), int(y))
    moved = (motion.tissue_x_mm, motion.tissue_z_mm)
    crop = random_crop_pair(background.region, rng, moved, focus, background.earlier)
    fresh_grey = float(rng.uniform(0.0, FRESH_NOISE_GREY))
    earlier, pixels = (_with_fresh_noise(p, fresh_grey, rng) for p in (crop.before, crop.frame.pixels))
    look = random_look(rng)
    if not pasted:
        nothing = Truth(CANONICAL_SIDE_MM, CANONICAL_SIDE_MM, (), np.zeros((0, 2)), None)
        return _shown_sample(earlier, replace(crop.frame, pixels=pixels), nothing, SampleKind.REAL, look, rng)
    really = replace(motion, tissue_x_mm=crop.tissue_x_mm, tissue_z_mm=crop.tissue_z_mm)
    pair = composite_pair(earlier, pixels, really, rng)
    return _shown_sample(pair.before, replace(crop.frame, pixels=pair.picture), pair.truth, SampleKind.COMPOSITE, look, rng)


def _shown_sample(
    before: GreyImage, frame: CanonicalFrame, truth: Truth, kind: SampleKind, look: Look, rng: np.random.Generator
) -> Sample:
    """A pair of canonical frames with a look, labelled with what can still be seen."""
    pair = shown(before, frame.pixels, used_extent_px(frame.view), look, rng)
    earlier = pair.picture if rng.random() < NO_FRAME_BEFORE_SHARE else pair.before
    seen = only_seen(truth, pair.picture, pair.tissue)
    # By identity: outlines cannot be compared, and what is seen is kept as it is.
    kept = {id(deposit) for deposit in seen.deposits}
    doubtful = [deposit for deposit in truth.deposits if id(deposit) not in kept]
    return labelled(pair.picture, earlier, seen, kind, pair.tissue, doubtful)


def _with_fresh_noise(picture: GreyImage, grey: float, rng: np.random.Generator) -> GreyImage:
    """The noise that differs between two frames of a scene at rest; a real picture shown twice would have none."""
    noise = cv2.GaussianBlur(rng.standard_normal(picture.shape, dtype=np.float32), (0, 0), sigmaX=1.0, sigmaY=0.6)
    noisy = picture + noise * np.float32(grey / 0.35)  # 0.35: what the smoothing leaves of the deviation
    return np.where(picture > 0, np.clip(np.rint(noisy), 1, 255), 0).astype(np.uint8)


def make_data(recipe: Recipe, out: Path, workers: int = 1, progress: Callable[[int, int], None] | None = None) -> Manifest:
    """Makes a data directory: shards first, the manifest last. ``progress`` is told frames done and frames in all.

    After a stop the same call goes on: shards that are complete are kept. Raises RefusedError when the directory already holds
    finished data or shards of another recipe or simulator, NotFoundError when the backgrounds are missing.
    """
    if (out / MANIFEST_NAME).exists():
        raise RefusedError(f"{out} already holds data; choose another --out or remove it first")
    described = [] if recipe.backgrounds is None else describe_backgrounds(recipe.backgrounds)
    out.mkdir(parents=True, exist_ok=True)
    _claim(out, {"seed": recipe.seed, "recipe": _described_recipe(recipe), "code": data_code_sha256(), "backgrounds": described})
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
    (out / CLAIM_NAME).unlink()
    return manifest


def _claim(out: Path, claim: dict[str, Any]) -> None:
    """Says in the directory what is being made there, so that only the same can go on."""
    path = out / CLAIM_NAME
    text = json.dumps(claim, indent=2, sort_keys=True) + "\n"
    if not path.exists():
        if any(out.glob("*.npz")):
            raise RefusedError(
                f"{out} holds shards but not {CLAIM_NAME}, which says of what; choose another --out or remove them"
            )
        path.write_text(text, encoding="utf-8")
    elif path.read_text(encoding="utf-8") != text:
        raise RefusedError(
            f"{out} holds the beginning of other data (another seed, number of frames, backgrounds or version); "
            "choose another --out or remove it first"
        )


def simulator_sha256() -> str:
    """SHA-256 over the simulator's source files in order of name: which simulator made the data."""
    return _sources_sha256("barbotage_models.simulator")


def data_code_sha256() -> str:
    """SHA-256 over all sources that decide what a sample is: data begun by one version are not finished by another."""
    parts = _sources_sha256("barbotage_models.simulator") + _sources_sha256("barbotage_models.training", _SAMPLE_MODULES)
    return hashlib.sha256(parts.encode()).hexdigest()


def _sources_sha256(package: str, modules: frozenset[str] | None = None) -> str:
    digest = hashlib.sha256()
    for item in sorted(resources.files(package).iterdir(), key=lambda i: i.name):
        if item.name.endswith(".py") and (modules is None or item.name.removesuffix(".py") in modules):
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
    finished = shard_kinds(out / plan.name, plan.frames)
    if finished is not None:
        return finished
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
def _background(path: Path, split: Split) -> BackgroundPicture:
    picture = load_picture(path)
    region = ultrasound_region(picture)
    before = frame_before(path)
    earlier = None
    if before is not None and before in _pictures(path.parent.parent, split) and follows(load_picture(before), picture):
        same_part = ultrasound_region(load_picture(before))
        earlier = same_part if same_part.shape == region.shape else None
    return BackgroundPicture(region, ridge_points(region), earlier)


def _described_recipe(recipe: Recipe) -> dict[str, Any]:
    """The recipe for the manifest; the folder's place on this machine is nobody's business, its content is described apart."""
    names = ("frames", "validation_share", "test_share", "composite_share", "real_share", "frames_per_world")
    return {name: getattr(recipe, name) for name in names} | {"with_backgrounds": recipe.backgrounds is not None}
