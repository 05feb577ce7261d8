"""How labelled frames are stored: .npz shards of samples and a JSON manifest that says how they were made."""

import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX, CANONICAL_SIZE_PX
from barbotage_models.contract.geometry import GreyImage
from barbotage_models.contract.output import OUTPUT_SIZE_PX
from barbotage_models.errors import InvalidInputError, NotFoundError
from barbotage_models.training.labels import DOUBTFUL, Known, Sample, SampleKind, labels_from_json, labels_to_json

MANIFEST_NAME = "manifest.json"
FORMAT_VERSION = 2
"""2: ``frames`` has two planes, the frame and the one before it."""
FRAME_PLANE, PREVIOUS_PLANE = 0, 1
_TRAINING_KEYS = ("frames", "classes", "instances", "tips_cells", "bone_known", "kinds")


class Split(StrEnum):
    """The three disjoint sets of worlds and of real pictures."""

    TRAIN = "train"
    VALIDATION = "val"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Manifest:
    """How a data directory was made; everything needed to make it again. ``shards`` maps a split to its file names."""

    seed: int
    recipe: dict[str, Any]
    simulator_sha256: str
    counts: dict[str, dict[str, int]]
    """Samples per split and kind."""
    backgrounds: list[dict[str, Any]]
    """Folders of real pictures that were used: name, number of pictures per split, SHA-256, licence."""
    shards: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Samples:
    """Many samples as arrays, for training: see ``Sample`` for the fields (n in front); ``known`` is (n, 4), columns as ``Known``.

    ``frames`` is (n, 256, 256), or (n, 256, 256, 2) with the frame before as the second plane, as they were loaded.
    """

    frames: GreyImage
    classes: GreyImage
    tips_cells: npt.NDArray[np.float32]
    known: npt.NDArray[np.bool_]
    kinds: GreyImage

    def __len__(self) -> int:
        return len(self.frames)

    def spread(self, limit: int | None) -> "Samples":
        """At most ``limit`` of them, evenly spread; all with None."""
        if limit is None or limit >= len(self):
            return self
        chosen = np.linspace(0, len(self) - 1, limit).round().astype(np.intp)
        return Samples(self.frames[chosen], self.classes[chosen], self.tips_cells[chosen], self.known[chosen], self.kinds[chosen])


def joined(parts: Sequence[Samples]) -> Samples:
    """Samples of several sources as one, in order; at least one part, all with the same planes."""
    if len(parts) == 1:
        return parts[0]
    return Samples(
        frames=np.concatenate([p.frames for p in parts]),
        classes=np.concatenate([p.classes for p in parts]),
        tips_cells=np.concatenate([p.tips_cells for p in parts]),
        known=np.concatenate([p.known for p in parts]),
        kinds=np.concatenate([p.kinds for p in parts]),
    )


def write_shard(path: Path, samples: Sequence[Sample]) -> None:
    """Writes one shard atomically. Speckle does not compress (61 of 64 kB), so the arrays are stored as they are.

    Raises InvalidInputError for a reviewed frame with unknown objects: the format has no place for that.
    """
    if not all(s.deposits_known is not bool((s.instances == DOUBTFUL).any()) and s.needle_known and s.tip_known for s in samples):
        raise InvalidInputError(f"{path.name} would hold frames with unknown objects; keep reviewed frames in their own folder")
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as stream:
        np.savez(
            stream,
            frames=np.stack([np.stack([s.frame, s.previous], axis=-1) for s in samples]),
            classes=np.stack([s.classes for s in samples]),
            instances=np.stack([s.instances for s in samples]),
            tips_cells=np.stack([s.tip_cells for s in samples]),
            bone_known=np.array([s.bone_known for s in samples]),
            kinds=np.array([int(s.kind) for s in samples], dtype=np.uint8),
            labels=np.array([labels_to_json(s) for s in samples]),
        )
    temporary.replace(path)


def read_shard(path: Path) -> list[Sample]:
    """The samples of one shard. Raises NotFoundError, or InvalidInputError when the file is not a shard."""
    arrays = _load(path)
    samples = []
    for index, label in enumerate(arrays["labels"]):
        deposits, needle = labels_from_json(bytes(label))
        samples.append(
            Sample(
                frame=np.ascontiguousarray(arrays["frames"][index, :, :, FRAME_PLANE]),
                previous=np.ascontiguousarray(arrays["frames"][index, :, :, PREVIOUS_PLANE]),
                classes=arrays["classes"][index],
                instances=arrays["instances"][index],
                tip_cells=arrays["tips_cells"][index],
                bone_known=bool(arrays["bone_known"][index]),
                kind=SampleKind(int(arrays["kinds"][index])),
                deposits=deposits,
                needle=needle,
                deposits_known=not (arrays["instances"][index] == DOUBTFUL).any(),
            )
        )
    return samples


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Writes the manifest atomically; it is written last, so a directory with a manifest is complete."""
    document = {
        "format_version": FORMAT_VERSION,
        "frame": {"size_px": CANONICAL_SIZE_PX, "mm_per_px": CANONICAL_MM_PER_PX},
        "map": {"size_px": OUTPUT_SIZE_PX},
        **asdict(manifest),
    }
    temporary = directory / (MANIFEST_NAME + ".part")
    temporary.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(directory / MANIFEST_NAME)


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a data directory. Raises NotFoundError or InvalidInputError."""
    path = directory / MANIFEST_NAME
    if not path.is_file():
        raise NotFoundError(
            f"no {MANIFEST_NAME} in {directory}; make the data with 'barbotage-models simulate --out {directory}'"
        )
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        version, size = raw.pop("format_version"), (raw.pop("frame"), raw.pop("map"))
        manifest = Manifest(**raw)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError(f"{path} is not a data manifest: {error!r}; make the data again") from error
    expected = ({"size_px": CANONICAL_SIZE_PX, "mm_per_px": CANONICAL_MM_PER_PX}, {"size_px": OUTPUT_SIZE_PX})
    if version != FORMAT_VERSION or size != expected:
        raise InvalidInputError(
            f"{path} has format {version} and sizes {size}, expected {FORMAT_VERSION} and {expected}; make the data again"
        )
    return manifest


def iterate_split(directory: Path, split: Split) -> Iterator[Sample]:
    """Every sample of one split, in order. Raises NotFoundError or InvalidInputError."""
    for name in read_manifest(directory).shards[split]:
        yield from read_shard(directory / name)


def load_split(directory: Path, split: Split, limit: int | None = None, planes: int = 1) -> Samples:
    """One split as arrays in memory (70 kB a sample with one plane, 135 kB with two); ``limit`` keeps evenly spread samples only.

    Raises NotFoundError when the directory or a shard is missing or the split is empty, InvalidInputError when one is damaged.
    """
    names = read_manifest(directory).shards[split]
    sizes = [len(_load(directory / name, ("kinds",))["kinds"]) for name in names]
    count = sum(sizes)
    if count == 0:
        raise NotFoundError(f"{directory} has no samples for '{split.value}'; make it again with more --frames")
    wanted = np.arange(count) if limit is None or limit >= count else np.linspace(0, count - 1, limit).round().astype(np.intp)
    # Filled in place: joining parts at the end would need the memory twice.
    filling: dict[str, npt.NDArray[Any]] = {}
    filled = done = 0
    for name, size in zip(names, sizes, strict=True):
        arrays = _load(directory / name, _TRAINING_KEYS)
        if planes == 1:
            arrays["frames"] = arrays["frames"][..., FRAME_PLANE]
        own = wanted[(wanted >= done) & (wanted < done + size)] - done
        for key, value in arrays.items():
            if key not in filling:
                filling[key] = np.empty((len(wanted), *value.shape[1:]), dtype=value.dtype)
            filling[key][filled : filled + len(own)] = value[own]
        filled, done = filled + len(own), done + size
    return _samples(filling)


def shard_kinds(path: Path, frames: int) -> dict[str, int] | None:
    """How many samples of each kind a finished shard holds, or None when the file is missing, damaged or of another size."""
    try:
        arrays = _load(path)
    except (NotFoundError, InvalidInputError):
        return None
    if "labels" not in arrays or arrays.get("frames", np.zeros(0)).shape != (frames, CANONICAL_SIZE_PX, CANONICAL_SIZE_PX, 2):
        return None
    return dict(Counter(SampleKind(int(k)).name.lower() for k in arrays["kinds"]))


def gather(samples: Iterable[Sample], planes: int = 1) -> Samples:
    """Samples in memory as arrays, with ``planes`` as ``load_split``. Raises InvalidInputError when there are none."""
    items = list(samples)
    if not items:
        raise InvalidInputError("no samples were given; at least one is needed")
    return Samples(
        frames=np.stack([s.frame if planes == 1 else np.stack([s.frame, s.previous], axis=-1) for s in items]),
        classes=np.stack([s.classes for s in items]),
        tips_cells=np.stack([s.tip_cells for s in items]),
        known=np.array([s.known for s in items]),
        kinds=np.array([int(s.kind) for s in items], dtype=np.uint8),
    )


def _samples(shard: dict[str, npt.NDArray[Any]]) -> Samples:
    """The arrays of shards, in which every object is known but bone, and deposits where one is doubtful."""
    known = np.ones((len(shard["frames"]), len(Known)), dtype=np.bool_)
    known[:, Known.DEPOSIT] = (shard["instances"] != DOUBTFUL).all(axis=(1, 2))
    known[:, Known.BONE] = shard["bone_known"]
    return Samples(shard["frames"], shard["classes"], shard["tips_cells"], known, shard["kinds"])


def _load(path: Path, keys: tuple[str, ...] | None = None) -> dict[str, npt.NDArray[Any]]:
    if not path.is_file():
        raise NotFoundError(f"the shard {path} is missing; make the data again with 'barbotage-models simulate'")
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {key: archive[key] for key in (archive.files if keys is None else keys)}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise InvalidInputError(f"the shard {path} cannot be read: {error}; make the data again") from error
