"""Cheap random changes to training frames, in numpy and cv2 on bytes: they cost a few per cent of a training step.

Everything that changes geometry (flip, shift, dark borders) changes the labels with it, by whole cells.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_SIZE_PX
from barbotage_models.contract.geometry import GreyImage
from barbotage_models.contract.output import OUTPUT_SIZE_PX, STRIDE_PX
from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.training.shards import Samples

TIP_SIGMA_CELLS = 1.2
"""Spread of the tip map; the sub-cell centroid of ``tip_peak`` reads 5 x 5 cells, which holds 96 % of it along an axis."""
_NOISE_POOL = 32


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """How strong the changes are. Shares are probabilities; grey levels are of 8-bit frames."""

    flip_share: float = 0.5
    shift_share: float = 0.5
    shift_max_cells: int = 8
    border_share: float = 0.15
    border_max_cells: int = 16
    gain_grey: float = 18.0
    """Standard deviation of the added offset: gain in a log-compressed picture is an offset."""
    contrast: tuple[float, float] = (0.65, 1.35)
    """Dynamic range: 60 dB shown as 44 to 92 dB."""
    gamma: tuple[float, float] = (0.7, 1.4)
    ramp_grey: float = 20.0
    """Offset between top and bottom (time gain compensation set badly) and between left and right (poor contact)."""
    noise_grey: float = 8.0
    """Largest standard deviation of added noise; homogeneous tissue has 6 to 24 by itself (realism gates)."""
    blur_share: float = 0.3
    sharpen_share: float = 0.15


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch: ``frames`` uint8 (n, 256, 256, planes), ``classes`` uint8 (n, 64, 64), ``tip`` float32 (n, 64, 64, 1), ``known`` float32 (n, 4)."""

    frames: GreyImage
    classes: GreyImage
    tip: npt.NDArray[np.float32]
    known: npt.NDArray[np.float32]


class Augmenter:
    """Random changes from one generator; the same generator state gives the same batches."""

    def __init__(self, rng: np.random.Generator, settings: AugmentSettings) -> None:
        self._rng = rng
        self._settings = settings
        white = rng.standard_normal((_NOISE_POOL, CANONICAL_SIZE_PX, CANONICAL_SIZE_PX)).astype(np.float32)
        # Half of the pool is speckle-like: correlated over about 2 pixels laterally, then brought back to unit variance.
        for index in range(0, _NOISE_POOL, 2):
            smooth = cv2.GaussianBlur(white[index], (0, 0), sigmaX=1.5, sigmaY=0.7)
            white[index] = smooth / smooth.std()
        self._noise = white

    def reseed(self, rng: np.random.Generator) -> None:
        """Goes on with another generator; the pool of noise stays."""
        self._rng = rng

    def batch(self, samples: Samples, indices: npt.NDArray[np.intp]) -> Batch:
        """A changed copy of the chosen samples."""
        planes = 1 if samples.frames.ndim == 3 else samples.frames.shape[3]
        frames = np.empty((len(indices), CANONICAL_SIZE_PX, CANONICAL_SIZE_PX, planes), dtype=np.uint8)
        classes = np.empty((len(indices), OUTPUT_SIZE_PX, OUTPUT_SIZE_PX), dtype=np.uint8)
        tips = np.empty((len(indices), 2), dtype=np.float32)
        for row, index in enumerate(indices):
            frame, labels, tip = self._moved(samples.frames[index], samples.classes[index], samples.tips_cells[index])
            frames[row] = self._toned(frame.reshape(CANONICAL_SIZE_PX, CANONICAL_SIZE_PX, planes))
            classes[row], tips[row] = labels, tip
        return Batch(frames, classes, tip_maps(tips), samples.known[indices].astype(np.float32))

    def _moved(
        self, frame: GreyImage, classes: GreyImage, tip: npt.NDArray[np.float32]
    ) -> tuple[GreyImage, GreyImage, npt.NDArray[np.float32]]:
        rng, settings = self._rng, self._settings
        tip = tip.copy()
        if rng.random() < settings.flip_share:
            frame, classes = flipped(frame), flipped(classes)
            tip[0] = OUTPUT_SIZE_PX - 1 - tip[0]
        if rng.random() < settings.shift_share:
            dx, dy = (int(v) for v in rng.integers(-settings.shift_max_cells, settings.shift_max_cells + 1, 2))
            frame, classes = shifted(frame, dx * STRIDE_PX, dy * STRIDE_PX), shifted(classes, dx, dy)
            tip += (dx, dy)
        if rng.random() < settings.border_share:
            frame, classes, tip = self._bordered(frame, classes, tip)
        if not (np.all(tip >= -0.5) and np.all(tip <= OUTPUT_SIZE_PX - 0.5)):
            tip[:] = np.nan
        return frame, classes, tip

    def _bordered(
        self, frame: GreyImage, classes: GreyImage, tip: npt.NDArray[np.float32]
    ) -> tuple[GreyImage, GreyImage, npt.NDArray[np.float32]]:
        """Dark right and lower borders, as ``to_canonical`` pads a small region."""
        right, below = (int(v) for v in self._rng.integers(0, self._settings.border_max_cells + 1, 2))
        keep_x, keep_y = OUTPUT_SIZE_PX - right, OUTPUT_SIZE_PX - below
        frame, classes = frame.copy(), classes.copy()
        frame[keep_y * STRIDE_PX :], frame[:, keep_x * STRIDE_PX :] = 0, 0
        classes[keep_y:], classes[:, keep_x:] = Tissue.BACKGROUND, Tissue.BACKGROUND
        if tip[0] > keep_x - 0.5 or tip[1] > keep_y - 0.5:
            tip = np.full(2, np.nan, dtype=np.float32)
        return frame, classes, tip

    def _toned(self, frame: GreyImage) -> GreyImage:
        """Grey levels changed alike in all planes (256, 256, planes), but for the noise, which is fresh in each."""
        rng, settings = self._rng, self._settings
        levels = np.linspace(0.0, 1.0, 256) ** rng.uniform(*settings.gamma) * 255.0
        table = ((levels - 70.0) * rng.uniform(*settings.contrast) + 70.0 + rng.normal(0.0, settings.gain_grey)).astype(
            np.float32
        )
        ramps = rng.normal(0.0, settings.ramp_grey, 2)[:, None] * np.linspace(-0.5, 0.5, CANONICAL_SIZE_PX)
        ramp = ramps[0].astype(np.float32)[:, None] + ramps[1].astype(np.float32)[None, :]
        noise_grey = np.float32(rng.uniform(0.0, settings.noise_grey))
        choice, sigmas, weight = rng.random(), (rng.uniform(0.3, 1.3), rng.uniform(0.3, 0.9)), rng.uniform(0.3, 1.0)
        out = np.empty_like(frame)
        for plane in range(frame.shape[2]):
            image = frame[:, :, plane]
            noise = self._noise[int(rng.integers(_NOISE_POOL))] * noise_grey
            values = table[image] + np.roll(noise, tuple(rng.integers(0, CANONICAL_SIZE_PX, 2)), axis=(0, 1)) + ramp
            if choice < settings.blur_share:
                values = cv2.GaussianBlur(values, (0, 0), sigmaX=sigmas[0], sigmaY=sigmas[1])
            elif choice < settings.blur_share + settings.sharpen_share:
                values = values + weight * (values - cv2.GaussianBlur(values, (0, 0), 1.0))
            values[image == 0] = 0.0
            out[:, :, plane] = np.clip(values, 0.0, 255.0)
        return out


def plain_batch(samples: Samples, indices: npt.NDArray[np.intp]) -> Batch:
    """The chosen samples unchanged, for validation."""
    tips = tip_maps(samples.tips_cells[indices])
    frames = samples.frames[indices]
    frames = frames[..., None] if frames.ndim == 3 else frames
    return Batch(frames, samples.classes[indices], tips, samples.known[indices].astype(np.float32))


def tip_maps(tips_cells: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Gaussian target maps float32 (n, 64, 64, 1) of tips (n, 2) in cells; all 0 where a tip is NaN."""
    grid = np.arange(OUTPUT_SIZE_PX, dtype=np.float32)
    squares = (grid[None, None, :] - np.nan_to_num(tips_cells, nan=1e3)[:, :, None]) ** 2
    across, down = np.exp(squares / np.float32(-2.0 * TIP_SIGMA_CELLS**2)).transpose(1, 0, 2)
    maps = down[:, :, None] * across[:, None, :]
    return np.asarray(maps[..., None], dtype=np.float32)


def flipped(image: GreyImage) -> GreyImage:
    """Mirrored left to right."""
    return np.ascontiguousarray(image[:, ::-1])


def shifted(image: GreyImage, dx: int, dy: int) -> GreyImage:
    """Moved by whole pixels to the right and down; what comes in is 0 (black, background)."""
    height, width = image.shape[:2]
    moved = np.zeros_like(image)
    source = image[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
    moved[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)] = source
    return moved
