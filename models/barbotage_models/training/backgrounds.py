"""Real ultrasound pictures as backgrounds and hard negatives: which may be used where, their usable region, random crops.

A folder holds subfolders of grey pictures and optionally a README.md with a table ``| folder/ | ... | licence |``. Split rule: the names
of each subfolder are sorted; index % 5 == 0 is test and never trained on, index % 10 == 1 is validation, the others train.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_SIDE_MM, CanonicalFrame, to_canonical
from barbotage_models.contract.geometry import GreyImage, Scale
from barbotage_models.errors import InvalidInputError, NotFoundError
from barbotage_models.training.shards import Split

TEXTURE_WINDOW_PX = 15
TEXTURE_STD_MIN = 2.0
"""Grey-level deviation that separates tissue from flat chrome or black in 8-bit pictures; speckle has 6 to 24 (realism gates)."""
FLAT_STD_MAX = 0.5
CHROME_GREY_MIN = 10
CHROME_SHARE = 0.25
"""A column or row with this share of flat pixels that are not black belongs to the scanner's frame, not to the picture."""
REGION_OPENING_PX = 31
"""Text, ticks and icons of scanners are thinner than this; the ultrasound region is not."""
REGION_MIN_PX = 128
CROP_SIDE_RANGE = (0.6, 1.0)
"""Side of a crop as a fraction of the region's shorter side: 0.6 to 1 covers about 25 to 45 mm deep pictures shown at 38.4 mm."""
SHALLOW_SHARE = 0.2
"""Share of crops that are less deep than the canonical frame, so that padding below is seen on real pictures too."""
FROM_SKIN_SHARE = 0.7
"""Share of crops that start at the skin, as a device's own frames do."""
STRETCH = 0.15
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class Background:
    """One picture and the set that it belongs to."""

    path: Path
    split: Split


def split_of(index: int) -> Split:
    """The set of the picture at ``index`` in the sorted names of its folder."""
    if index % 5 == 0:
        return Split.TEST
    return Split.VALIDATION if index % 10 == 1 else Split.TRAIN


def find_backgrounds(folder: Path) -> tuple[Background, ...]:
    """Every picture in the subfolders of a folder, sorted, with its set. Raises NotFoundError when there is none."""
    found: list[Background] = []
    for subfolder in sorted(p for p in folder.glob("*") if p.is_dir()):
        names = sorted(p for p in subfolder.iterdir() if p.suffix.lower() in SUFFIXES)
        found += [Background(path, split_of(index)) for index, path in enumerate(names)]
    if not found:
        raise NotFoundError(
            f"no pictures in subfolders of {folder}; name a folder that holds folders of {', '.join(SUFFIXES)} files"
        )
    return tuple(found)


def describe_backgrounds(folder: Path) -> list[dict[str, Any]]:
    """For the manifest and the card: per subfolder its name, pictures per set, SHA-256 of all bytes, and licence as the README says."""
    licences = _licences(folder / "README.md")
    described: list[dict[str, Any]] = []
    pictures = find_backgrounds(folder)
    for name in sorted({b.path.parent.name for b in pictures}):
        own = [b for b in pictures if b.path.parent.name == name]
        digest = hashlib.sha256()
        for background in own:
            digest.update(background.path.read_bytes())
        counts = {split.value: sum(b.split is split for b in own) for split in Split}
        described.append(
            {"name": name, "pictures": counts, "sha256": digest.hexdigest(), **licences.get(name, {"licence": "not stated"})}
        )
    return described


def load_picture(path: Path) -> GreyImage:
    """A picture as 8-bit grey. Raises InvalidInputError when it cannot be decoded."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise InvalidInputError(f"{path} is not a picture that can be decoded; remove it or convert it to PNG")
    return np.asarray(picture, dtype=np.uint8)


def ultrasound_region(picture: GreyImage) -> GreyImage:
    """The part of a grabbed picture that is ultrasound: the bounding box of its largest textured area.

    Raises InvalidInputError when no textured area of 128 pixels a side is left.
    """
    values = picture.astype(np.float32)
    window = (TEXTURE_WINDOW_PX, TEXTURE_WINDOW_PX)
    mean = cv2.blur(values, window)
    deviation = np.sqrt(np.maximum(cv2.blur(values * values, window) - mean * mean, 0.0))
    textured = (deviation > TEXTURE_STD_MIN).astype(np.uint8)
    # Dark tissue leaves holes; text and ticks leave thin bridges: first close, then open.
    closing = np.ones((TEXTURE_WINDOW_PX, TEXTURE_WINDOW_PX), dtype=np.uint8)
    opening = np.ones((REGION_OPENING_PX, REGION_OPENING_PX), dtype=np.uint8)
    solid = cv2.morphologyEx(cv2.morphologyEx(textured, cv2.MORPH_CLOSE, closing), cv2.MORPH_OPEN, opening)
    _, _, stats, _ = cv2.connectedComponentsWithStats(solid)
    if len(stats) < 2:
        raise InvalidInputError("the picture has no textured area; it does not look like ultrasound")
    left, top, width, height = (int(v) for v in stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())][:4])
    margin = TEXTURE_WINDOW_PX // 2  # the window reaches this far over the true edge
    box = (slice(top + margin * (top > 0), top + height - margin), slice(left + margin * (left > 0), left + width - margin))
    chrome = ((deviation < FLAT_STD_MAX) & (picture >= CHROME_GREY_MIN))[box]
    columns = _longest_run(chrome.mean(axis=0) < CHROME_SHARE)
    region = picture[box][_longest_run(chrome[:, columns].mean(axis=1) < CHROME_SHARE), columns]
    if min(region.shape) < REGION_MIN_PX:
        raise InvalidInputError(
            f"the textured area is only {region.shape[1]}x{region.shape[0]} pixels; {REGION_MIN_PX} are needed"
        )
    return region


def random_crop(region: GreyImage, rng: np.random.Generator) -> CanonicalFrame:
    """A random part of a real region as a canonical frame, flipped half of the time.

    The true scale of these pictures is unknown; the crop's side is declared to be about 38.4 mm, with up to 15 % of stretch.
    """
    height, width = region.shape
    side = int(min(height, width) * rng.uniform(*CROP_SIDE_RANGE))
    shallow = rng.random() < SHALLOW_SHARE
    crop_h = int(side * rng.uniform(0.6, 0.95)) if shallow else side
    top = 0 if rng.random() < FROM_SKIN_SHARE else int(rng.integers(0, height - crop_h + 1))
    left = int(rng.integers(0, width - side + 1))
    crop = region[top : top + crop_h, left : left + side]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    x_mm_per_px = CANONICAL_SIDE_MM / side
    z_mm_per_px = x_mm_per_px * rng.uniform(1.0 - STRETCH, 1.0 + STRETCH) if shallow else x_mm_per_px
    return to_canonical(np.ascontiguousarray(crop), Scale(x_mm_per_px, z_mm_per_px))


def _longest_run(good: npt.NDArray[np.bool_]) -> slice:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], good.astype(np.int8), [0]))))
    if len(edges) == 0:
        return slice(0, 0)
    longest = int((edges[1::2] - edges[::2]).argmax())
    return slice(int(edges[2 * longest]), int(edges[2 * longest + 1]))


def _licences(readme: Path) -> dict[str, dict[str, str]]:
    """Source and licence per folder from the README's table: its last two columns."""
    if not readme.is_file():
        return {}
    found: dict[str, dict[str, str]] = {}
    for line in readme.read_text(encoding="utf-8").splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) >= 3 and cells[0].strip("`").endswith("/"):
            found[cells[0].strip("`").rstrip("/")] = {"source": cells[-2], "licence": cells[-1]}
    return found
