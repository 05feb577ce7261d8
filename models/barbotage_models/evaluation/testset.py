"""Which frames a model is measured on: the test split of a data directory, or new test frames from a seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from barbotage_models.errors import InvalidInputError
from barbotage_models.training.backgrounds import find_backgrounds
from barbotage_models.training.labels import Sample
from barbotage_models.training.samples import Recipe, world_samples
from barbotage_models.training.shards import Split, iterate_split, read_manifest


@dataclass(frozen=True, slots=True)
class FrameSet:
    """Frames to measure on, how many there are, and in words where they come from."""

    samples: Iterator[Sample]
    count: int
    source: str


def stored_set(data: Path) -> FrameSet:
    """The test split of a data directory. Raises NotFoundError or InvalidInputError."""
    manifest = read_manifest(data)
    count = sum(manifest.counts[Split.TEST].values())
    return FrameSet(iterate_split(data, Split.TEST), count, f"the {count} test frames of data made with seed {manifest.seed}")


def fresh_set(frames: int, seed: int, backgrounds: Path | None) -> FrameSet:
    """New test frames: worlds of this seed's test set, on test pictures only. The seed must not be one that was trained with.

    Raises NotFoundError when the backgrounds are missing.
    """
    if frames < 2:
        raise InvalidInputError(f"{frames} frames are too few to measure on; ask for at least 2")
    if backgrounds is not None:
        find_backgrounds(backgrounds)
    recipe = Recipe(frames=max(frames, 8), seed=seed, backgrounds=backgrounds)
    source = f"{frames} new test frames, seed {seed}, {'with' if backgrounds else 'without'} real pictures"
    return FrameSet(_frames(recipe, frames), frames, source)


def _frames(recipe: Recipe, frames: int) -> Iterator[Sample]:
    done, world = 0, 0
    while done < frames:
        count = min(recipe.frames_per_world, frames - done)
        yield from world_samples(recipe, Split.TEST, world, count)
        done, world = done + count, world + 1
