"""A simulated needle and deposit laid into a real picture, in dB, so that the background stays real.

Grey values are taken back to echo amplitudes with an assumed dynamic range, echoes are added and shadows multiplied there, and
the sum is compressed again with the same range.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX, CANONICAL_SIDE_MM, CANONICAL_SIZE_PX
from barbotage_models.contract.geometry import GreyImage, PointMm
from barbotage_models.contract.taxonomy import ShadowType
from barbotage_models.simulator.deposits import DepositPainter, DepositSettings, DepositShape
from barbotage_models.simulator.deposits import truth as deposit_truth
from barbotage_models.simulator.needle import NeedleEcho, NeedleSettings, needle_truth
from barbotage_models.simulator.probe import World, amplitude_of_loss
from barbotage_models.simulator.randomise import LOSS_DB_PER_MM, SHADOW_SHARES, random_needle, random_pose
from barbotage_models.simulator.settings import ProbeSettings
from barbotage_models.simulator.truth import Truth

Float32 = npt.NDArray[np.float32]

GRID = ProbeSettings(
    lines=CANONICAL_SIZE_PX,
    samples=CANONICAL_SIZE_PX,
    width_mm=CANONICAL_SIDE_MM,
    depth_mm=CANONICAL_SIDE_MM,
)
NEEDLE_SHARE = 0.6
DEPOSIT_SHARE = 0.5
NO_SHIFT = PointMm(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Scanner:
    """How the real picture is taken to have been made."""

    dynamic_range_db: float
    lateral_sigma_px: float
    axial_sigma_px: float
    floor_db: float


def composite_onto(background: GreyImage, rng: np.random.Generator) -> tuple[GreyImage, Truth]:
    """A canonical background (256, 256) with a needle, a deposit, both or neither, and the labels of what was added.

    ``Truth.bone`` is empty: what bone a real background shows is not known.
    """
    scanner = _Scanner(
        dynamic_range_db=float(rng.uniform(45, 70)),
        lateral_sigma_px=float(rng.uniform(0.9, 2.6)),
        axial_sigma_px=float(rng.uniform(0.5, 1.1)),
        floor_db=float(rng.uniform(-75, -48)),
    )
    amplitude = _amplitude(background, scanner)
    deposit = _random_deposit(background, rng) if rng.random() < DEPOSIT_SHARE else None
    if deposit is not None:
        amplitude = _add_deposit(amplitude, deposit, scanner, rng)
    world = World(seed=0, probe=GRID, deposits=() if deposit is None else (deposit,))
    needle = None
    if rng.random() < NEEDLE_SHARE:
        echo = NeedleEcho(_needle_for(background, rng), GRID)
        pose = random_pose(world, rng)
        needle = needle_truth(echo, pose, NO_SHIFT, GRID, amplitude)
        amplitude = _add_needle(amplitude, echo.draw(pose, NO_SHIFT), scanner, rng)
    deposits = () if deposit is None else (deposit_truth(deposit, None, NO_SHIFT),)
    truth = Truth(CANONICAL_SIDE_MM, CANONICAL_SIDE_MM, deposits, np.zeros((0, 2)), needle)
    return _grey(amplitude, scanner), truth


def _amplitude(grey: GreyImage, scanner: _Scanner) -> Float32:
    level_db = (grey.astype(np.float32) / 255 - 1) * np.float32(scanner.dynamic_range_db)
    return np.asarray(10 ** (level_db / 20), dtype=np.float32)


def _grey(amplitude: Float32, scanner: _Scanner) -> GreyImage:
    level_db = 20 * np.log10(np.maximum(amplitude, 1e-6))
    grey = (level_db / scanner.dynamic_range_db + 1) * 255
    return np.asarray(np.clip(np.rint(grey), 0, 255), dtype=np.uint8)


def _needle_for(background: GreyImage, rng: np.random.Generator) -> NeedleSettings:
    """A needle bright enough to be told from this background, as real ones are (contrast 150 grey values and more)."""
    bright = float(np.percentile(background, 90)) / 255
    return replace(random_needle(rng), echo_db=float(rng.uniform(-16, 0)) + 8 * max(0.0, bright - 0.5))


def _add_needle(amplitude: Float32, drawn: tuple[Float32, Float32], scanner: _Scanner, rng: np.random.Generator) -> Float32:
    image, loss = drawn
    soft = cv2.GaussianBlur(image, (0, 0), sigmaX=scanner.lateral_sigma_px, sigmaY=scanner.axial_sigma_px)
    soft = soft * np.float32(image.max() / max(float(soft.max()), 1e-6))
    phase = _smooth_field(rng, 6.0) * 1.2
    speckle = 1 + 0.3 * _smooth_field(rng, 1.5)
    below = amplitude * amplitude_of_loss(loss)
    real = below + soft * np.abs(speckle) * np.cos(phase)
    return np.asarray(cv2.magnitude(real, soft * np.abs(speckle) * np.sin(phase)), dtype=np.float32)


def _random_deposit(background: GreyImage, rng: np.random.Generator) -> DepositSettings:
    shadow = ShadowType(rng.choice([s.value for s in SHADOW_SHARES], p=list(SHADOW_SHARES.values())))
    thick = float(rng.uniform(1.5, 3.2) if shadow is ShadowType.CLEAR else rng.uniform(1.6, 6.0))
    rows = np.flatnonzero(background.max(axis=1) > 20)
    deepest = min(CANONICAL_SIDE_MM - 6, (rows[-1] if rows.size else CANONICAL_SIZE_PX) * CANONICAL_MM_PER_PX - 3)
    return DepositSettings(
        centre=PointMm(float(rng.uniform(6, CANONICAL_SIDE_MM - 6)), float(rng.uniform(6, max(deepest, 8)))),
        long_mm=float(np.clip(np.exp(rng.normal(np.log(9.0), 0.45)), max(2.5, thick * 0.9), 20.0)),
        thick_mm=thick,
        tilt_deg=float(rng.normal(0, 14)),
        shape=DepositShape(rng.choice([s.value for s in DepositShape], p=[0.35, 0.25, 0.3, 0.1])),
        shadow=shadow,
        contrast_db=float(rng.uniform(14, 24) if shadow is ShadowType.CLEAR else rng.uniform(9, 18)),
        loss_db_per_mm=float(rng.uniform(*LOSS_DB_PER_MM[shadow])),
        rim_db=float(rng.uniform(2, 8)),
        seed=int(rng.integers(2**31)),
    )


def _add_deposit(amplitude: Float32, deposit: DepositSettings, scanner: _Scanner, rng: np.random.Generator) -> Float32:
    """The deposit's echo with speckle of the scanner's grain, and its shadow with a floor of clutter."""
    level_db = np.asarray(20 * np.log10(np.maximum(amplitude, 1e-6)), dtype=np.float32)
    x, z = round(deposit.centre.x_mm / CANONICAL_MM_PER_PX), round(deposit.centre.z_mm / CANONICAL_MM_PER_PX)
    around = level_db[max(0, z - 20) : z + 20, max(0, x - 35) : x + 35]
    surroundings = float(np.mean(around)) if around.size else -40.0
    mm = (CANONICAL_MM_PER_PX, CANONICAL_MM_PER_PX)
    seen = DepositPainter(deposit, (CANONICAL_SIZE_PX, CANONICAL_SIZE_PX), mm, 0).appearance(surroundings, None)
    grain = _grain(amplitude, scanner, rng)
    echo = (10 ** (np.clip(seen.level_db, -90, 6) / 20)).astype(np.float32) * grain
    shadow = amplitude_of_loss(seen.loss_db)
    floor = np.float32(10 ** (scanner.floor_db / 20)) * _grain(amplitude, scanner, rng)
    mixed = amplitude * (1 - seen.mask) + echo * seen.mask
    return np.asarray(mixed * shadow + floor * (1 - shadow), dtype=np.float32)


def _grain(amplitude: Float32, scanner: _Scanner, rng: np.random.Generator) -> Float32:
    """Speckle of mean 1: half the time the background's own, moved elsewhere, else made with the scanner's beam."""
    if rng.random() < 0.5:
        relative = amplitude / np.maximum(cv2.GaussianBlur(amplitude, (0, 0), 5.0), 1e-4)
        moved = np.roll(relative, (int(rng.integers(20, 120)), int(rng.integers(20, 236))), axis=(0, 1))
        return np.asarray(np.clip(moved, 0.15, 3.0), dtype=np.float32)
    lateral, axial = scanner.lateral_sigma_px, scanner.axial_sigma_px
    both = cv2.magnitude(_smooth_field(rng, lateral, axial), _smooth_field(rng, lateral, axial))
    return np.asarray(both / both.mean(), dtype=np.float32)


def _smooth_field(rng: np.random.Generator, sigma_x: float, sigma_z: float | None = None) -> Float32:
    """Unit-variance Gaussian random field (256, 256)."""
    white = rng.standard_normal((CANONICAL_SIZE_PX, CANONICAL_SIZE_PX)).astype(np.float32)
    noise = cv2.GaussianBlur(white, (0, 0), sigmaX=sigma_x, sigmaY=sigma_x if sigma_z is None else sigma_z)
    return np.asarray(noise / noise.std(), dtype=np.float32)
