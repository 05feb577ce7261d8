"""Real ultrasound pictures as backgrounds and hard negatives: which may be used where, their usable region, random crops.

A folder holds subfolders of grey pictures and optionally a README.md with a table ``| folder/ | ... | licence |``. Split rule: the names
of each subfolder are sorted; index % 5 == 0 is test and never trained on, index % 10 == 1 is validation, the others train.
"""

import hashlib
import re
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
SEQUENCE_CORRELATION = 0.95
"""Of two consecutive frames; pictures of the same muscle seconds apart stay below 0.92."""
CROP_SIDE_RANGE = (0.6, 1.0)
"""Side of a crop as a fraction of the region's shorter side: 0.6 to 1 covers about 25 to 45 mm deep pictures shown at 38.4 mm."""
FOCUS_SIDE_RANGE = (0.45, 0.95)
"""The same for crops around a chosen line: some closer, so that it looks as wide as a needle."""
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


@dataclass(frozen=True, slots=True)
class CropPair:
    """The same part of a real picture now and one frame before, moved by whole pixels of the picture.

    ``tissue_x_mm`` and ``tissue_z_mm`` are how far the tissue really moved since the frame before, in mm of the canonical frame.
    """

    before: GreyImage
    frame: CanonicalFrame
    tissue_x_mm: float
    tissue_z_mm: float


def random_crop(region: GreyImage, rng: np.random.Generator) -> CanonicalFrame:
    """A random part of a real region as a canonical frame, flipped half of the time."""
    return random_crop_pair(region, rng, (0.0, 0.0)).frame


def random_crop_pair(
    region: GreyImage,
    rng: np.random.Generator,
    moved_mm: tuple[float, float],
    focus: tuple[int, int] | None = None,
    earlier: GreyImage | None = None,
) -> CropPair:
    """A random part of a real region, flipped half of the time, and the same part before the tissue moved by ``moved_mm`` (x, z).

    With ``focus``, a pixel (x, y) of the region, the part holds it. With ``earlier``, the region one frame before (same shape), that
    is what the frame before shows. The true scale of these pictures is unknown; the crop's side is declared to be about 38.4 mm,
    with up to 15 % of stretch.
    """
    height, width = region.shape
    side = int(min(height, width) * rng.uniform(*(CROP_SIDE_RANGE if focus is None else FOCUS_SIDE_RANGE)))
    shallow = rng.random() < SHALLOW_SHARE
    crop_h = int(side * rng.uniform(0.6, 0.95)) if shallow else side
    top = 0 if rng.random() < FROM_SKIN_SHARE else int(rng.integers(0, height - crop_h + 1))
    left = int(rng.integers(0, width - side + 1))
    if focus is not None:
        left, top = (
            int(np.clip(at - rng.uniform(0.15, 0.85) * size, 0, whole - size))
            for at, size, whole in zip(focus, (side, crop_h), (width, height), strict=True)
        )
    flip = rng.random() < 0.5
    x_mm_per_px = CANONICAL_SIDE_MM / side
    z_mm_per_px = x_mm_per_px * rng.uniform(1.0 - STRETCH, 1.0 + STRETCH) if shallow else x_mm_per_px
    shift_x = round(moved_mm[0] / x_mm_per_px) * (-1 if flip else 1)
    left_before = int(np.clip(left + shift_x, 0, width - side))
    top_before = int(np.clip(top + round(moved_mm[1] / z_mm_per_px), 0, height - crop_h))
    if earlier is not None:
        left_before, top_before = left, top

    def cut(picture: GreyImage, x0: int, y0: int) -> CanonicalFrame:
        crop = picture[y0 : y0 + crop_h, x0 : x0 + side]
        return to_canonical(np.ascontiguousarray(crop[:, ::-1] if flip else crop), Scale(x_mm_per_px, z_mm_per_px))

    return CropPair(
        before=cut(region if earlier is None else earlier, left_before, top_before).pixels,
        frame=cut(region, left, top),
        tissue_x_mm=(left_before - left) * x_mm_per_px * (-1 if flip else 1),
        tissue_z_mm=(top_before - top) * z_mm_per_px,
    )


def frame_before(path: Path) -> Path | None:
    """The picture one frame before in a numbered sequence of the same set, or None when the folder has none.

    The names must be equal but for a last number that is one less. Whether two such pictures really follow each other is
    for ``follows`` to say.
    """
    match = re.fullmatch(r"(.*?)(\d+)", path.stem)
    if match is None:
        return None
    number = int(match[2]) - 1
    candidate = path.with_name(f"{match[1]}{number:0{len(match[2])}d}{path.suffix}")
    return candidate if number >= 0 and candidate.is_file() else None


def follows(before: GreyImage, picture: GreyImage) -> bool:
    """Whether two pictures are so alike that one frame lies between them."""
    if before.shape != picture.shape:
        return False
    one, two = (cv2.resize(p, (160, 120), interpolation=cv2.INTER_AREA).astype(np.float64).ravel() for p in (before, picture))
    return bool(one.std() > 0 and two.std() > 0 and np.corrcoef(one, two)[0, 1] > SEQUENCE_CORRELATION)


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
