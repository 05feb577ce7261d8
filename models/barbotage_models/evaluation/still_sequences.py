"""Short films of real pictures without a needle: the picture drifts as probe and tissue do, and noise is fresh in every frame.

No film of a shoulder without a needle is at hand; a still picture in motion is harder for a tracker than a film, since what looks like a
shaft stays one. Every film is of one test picture, never trained on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from barbotage_models.contract.canonical import CANONICAL_SIDE_MM, to_canonical
from barbotage_models.contract.geometry import FloatArray, GreyImage, Scale
from barbotage_models.errors import InvalidInputError
from barbotage_models.training.backgrounds import find_backgrounds, load_picture, ultrasound_region
from barbotage_models.training.shards import Split

SIDE_RANGE = (0.6, 0.9)
"""Side of the part that is shown, as a share of the region's shorter side; the rest is room to drift."""
DRIFT_MM = 1.5
"""Deviation of the drift about its middle: a hand that holds a probe in place."""
DRIFT_TIME_S = 0.5
NOISE_GREY = 1.5
"""Deviation of the noise that differs between frames, the mean of training."""


@dataclass(frozen=True, slots=True)
class StillSequence:
    """One film: canonical frames uint8 (256, 256), and the name of its picture."""

    name: str
    frames: tuple[GreyImage, ...]


def still_sequences(
    backgrounds: Path, split: Split, count: int, frames: int, period_s: float, seed: int
) -> Iterator[StillSequence]:
    """``count`` films of ``frames`` frames, ``period_s`` apart, spread evenly over the pictures of a split. The same for the same seed.

    Raises NotFoundError or InvalidInputError when there are no pictures.
    """
    pictures = [b.path for b in find_backgrounds(backgrounds) if b.split is split]
    if not pictures:
        raise InvalidInputError(f"{backgrounds} has no picture of the set '{split.value}'; a folder needs at least 3")
    for number, index in enumerate(np.linspace(0, len(pictures) - 1, count).round().astype(int)):
        rng = np.random.default_rng([seed, number])
        path = pictures[int(index)]
        region = ultrasound_region(load_picture(path))
        yield StillSequence(f"{path.parent.name}/{path.stem}", tuple(_film(region, frames, period_s, rng)))


def drift_mm(frames: int, period_s: float, rng: np.random.Generator) -> FloatArray:
    """A smooth wandering (frames, 2) in mm: first-order noise of ``DRIFT_TIME_S`` about a fixed place."""
    keep = float(np.exp(-period_s / DRIFT_TIME_S))
    path = np.zeros((frames, 2))
    path[0] = rng.normal(0.0, DRIFT_MM, 2)
    for i in range(1, frames):
        path[i] = keep * path[i - 1] + np.sqrt(1.0 - keep**2) * rng.normal(0.0, DRIFT_MM, 2)
    return path * (1.0, 0.4)  # a probe slides sideways more than it presses


def _film(region: GreyImage, frames: int, period_s: float, rng: np.random.Generator) -> Iterator[GreyImage]:
    height, width = region.shape
    side = int(min(height, width) * rng.uniform(*SIDE_RANGE))
    left, top = (int(rng.integers(0, free + 1)) for free in (width - side, height - side))
    flip = rng.random() < 0.5
    mm_per_px = CANONICAL_SIDE_MM / side
    for dx_mm, dz_mm in drift_mm(frames, period_s, rng):
        x = int(np.clip(left + round(dx_mm / mm_per_px), 0, width - side))
        y = int(np.clip(top + round(dz_mm / mm_per_px), 0, height - side))
        crop = region[y : y + side, x : x + side]
        picture = to_canonical(np.ascontiguousarray(crop[:, ::-1] if flip else crop), Scale.isotropic(mm_per_px)).pixels
        noise = cv2.GaussianBlur(rng.standard_normal(picture.shape, dtype=np.float32), (0, 0), sigmaX=1.0, sigmaY=0.6)
        noisy = picture + noise * np.float32(NOISE_GREY / 0.35)  # 0.35: what the smoothing leaves of the deviation
        yield np.where(picture > 0, np.clip(np.rint(noisy), 1, 255), 0).astype(np.uint8)
