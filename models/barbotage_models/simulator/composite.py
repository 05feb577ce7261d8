"""A simulated needle and deposit laid into a real picture, in dB, so that the background stays real.

Grey values are taken back to echo amplitudes with an assumed dynamic range; echoes are added and losses multiplied there, and
the sum is compressed again with the same range. Needle, deposit and mimics are drawn by the same code as in a simulated scene;
their speckle has the grain, the beam width and the number of looks that are measured in the background.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX, CANONICAL_SIDE_MM, CANONICAL_SIZE_PX
from barbotage_models.contract.geometry import GreyImage, PointMm
from barbotage_models.contract.taxonomy import ShadowType
from barbotage_models.simulator.deposits import Appearance, DepositPainter, DepositSettings, DepositShape
from barbotage_models.simulator.deposits import truth as deposit_truth
from barbotage_models.simulator.mimics import MimicEchoes, MimicGrid, draw_mimics, random_mimics
from barbotage_models.simulator.motion import Motion, pose_before
from barbotage_models.simulator.needle import NeedleEcho, NeedlePose, NeedleSettings, needle_truth
from barbotage_models.simulator.probe import World, amplitude_of_loss
from barbotage_models.simulator.randomise import (
    LOSS_DB_PER_MM,
    SECOND_NEEDLE_SHARE,
    SHADOW_SHARES,
    random_needle,
    random_pose,
    second_pose,
)
from barbotage_models.simulator.settings import ProbeSettings
from barbotage_models.simulator.truth import Truth

Float32 = npt.NDArray[np.float32]

GRID = ProbeSettings(
    lines=CANONICAL_SIZE_PX,
    samples=CANONICAL_SIZE_PX,
    width_mm=CANONICAL_SIDE_MM,
    depth_mm=CANONICAL_SIDE_MM,
)
MIMIC_GRID = MimicGrid(CANONICAL_SIZE_PX, CANONICAL_SIZE_PX, CANONICAL_MM_PER_PX, CANONICAL_MM_PER_PX)
NEEDLE_SHARE = 0.62
DEPOSIT_SHARE = 0.55
SECOND_DEPOSIT_SHARE = 0.15
MIMIC_SHARE = 0.3
"""Real backgrounds have mimics of their own; a few simulated ones keep "pasted" from meaning "deposit or needle"."""
NO_SHIFT = PointMm(0.0, 0.0)
NO_MOTION = Motion(0.0, 0.0, 0.0, 0.0, 0.0)
SPECKLE_DB = 5.57
"""Deviation of fully developed speckle, one look, in dB (theory)."""
SHADOW_FLOOR_BELOW_DB = 10.0
"""A shadow's floor of clutter lies at least this far below the tissue around."""


@dataclass(frozen=True, slots=True)
class _Scanner:
    """How the real picture is taken to have been made."""

    dynamic_range_db: float
    lateral_sigma_px: float
    axial_sigma_px: float
    looks: int
    floor_db: float


@dataclass(frozen=True, slots=True)
class CompositePair:
    """The frame before and the frame, canonical uint8 (256, 256), and the labels of what was added to the frame."""

    before: GreyImage
    picture: GreyImage
    truth: Truth


def composite_onto(background: GreyImage, rng: np.random.Generator) -> tuple[GreyImage, Truth]:
    """A canonical background (256, 256) with a needle, a deposit, both or neither, and the labels of what was added."""
    pair = composite_pair(background, background, NO_MOTION, rng)
    return pair.picture, pair.truth


def composite_pair(before: GreyImage, background: GreyImage, motion: Motion, rng: np.random.Generator) -> CompositePair:
    """The same needle, deposits and mimics on a background and on the one before, moved as ``motion`` says.

    ``Truth.bone`` is empty: what bone a real background shows is not known.
    """
    scanner = measured_scanner(background, rng)
    level_db = _level_db(background, scanner)
    deposits = _random_deposits(background, rng)
    things = _Things(deposits, level_db, scanner, rng)
    amplitude = things.laid_into(_amplitude(background, scanner), NO_SHIFT)
    needles = _random_needles(deposits, level_db, scanner, rng) if rng.random() < NEEDLE_SHARE else None
    truth = Truth(
        CANONICAL_SIDE_MM,
        CANONICAL_SIDE_MM,
        tuple(deposit_truth(d, None, NO_SHIFT) for d in deposits),
        np.zeros((0, 2)),
        None,
    )
    earlier = things.laid_into(_amplitude(before, scanner), PointMm(-motion.tissue_x_mm, -motion.tissue_z_mm))
    if needles is not None:
        truth = needles.added_to(truth, amplitude)
        amplitude = needles.laid_into(amplitude, NO_MOTION)
        earlier = needles.laid_into(earlier, motion)
    return CompositePair(_grey(earlier, scanner), _grey(amplitude, scanner), truth)


def measured_scanner(background: GreyImage, rng: np.random.Generator) -> _Scanner:
    """Beam width and looks as the background's speckle shows them; its dynamic range is not known and drawn at random."""
    values = background.astype(np.float32)
    fine = values - cv2.GaussianBlur(values, (0, 0), 5.0)
    mean = cv2.blur(values, (9, 9))
    grey = (mean > 25) & (mean < 215)
    dynamic_range = float(rng.uniform(45, 70))
    if grey.sum() < 500:
        return _Scanner(dynamic_range, 1.4, 0.7, 3, float(rng.uniform(-75, -48)))
    power = cv2.blur(fine * fine, (9, 9))[grey]
    energy = float((fine * fine)[grey].mean())

    def sigma_px(dx: int, dz: int) -> float:
        moved = np.roll(fine, (-dz, -dx), axis=(0, 1))
        correlation = float((fine * moved)[grey].mean()) / max(energy, 1e-6)
        seen = float(np.sqrt(-1 / (2 * np.log(np.clip(correlation, 0.05, 0.95)))))
        # The logarithm sharpens speckle's dark spots; measured on synthetic speckle of sigma 0.6 to 2.6 px (within 6 %).
        return seen * (1.05 + 0.35 * seen)

    # The quarter of the patches with the least structure shows the speckle.
    deviation_db = float(np.sqrt(np.percentile(power, 25))) / 255 * dynamic_range
    looks = int(np.clip(round((SPECKLE_DB / max(deviation_db, 0.5)) ** 2), 1, 9))
    return _Scanner(
        dynamic_range,
        float(np.clip(sigma_px(1, 0), 0.6, 2.6)),
        float(np.clip(sigma_px(0, 1), 0.5, 1.5)),
        looks,
        float(rng.uniform(-75, -48)),
    )


def _amplitude(grey: GreyImage, scanner: _Scanner) -> Float32:
    level_db = (grey.astype(np.float32) / 255 - 1) * np.float32(scanner.dynamic_range_db)
    return np.asarray(10 ** (level_db / 20), dtype=np.float32)


def _level_db(grey: GreyImage, scanner: _Scanner) -> Float32:
    """Local level of the background: what is added follows its gain."""
    soft = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 2.5 / CANONICAL_MM_PER_PX)
    return np.asarray((soft / 255 - 1) * np.float32(scanner.dynamic_range_db), dtype=np.float32)


def _grey(amplitude: Float32, scanner: _Scanner) -> GreyImage:
    level_db = 20 * np.log10(np.maximum(amplitude, 1e-6))
    grey = (level_db / scanner.dynamic_range_db + 1) * 255
    return np.asarray(np.clip(np.rint(grey), 0, 255), dtype=np.uint8)


class _Things:
    """Deposits and mimics of one composite, with speckle of their own that moves with them."""

    def __init__(
        self, deposits: tuple[DepositSettings, ...], level_db: Float32, scanner: _Scanner, rng: np.random.Generator
    ) -> None:
        mm, size = (CANONICAL_MM_PER_PX, CANONICAL_MM_PER_PX), (CANONICAL_SIZE_PX, CANONICAL_SIZE_PX)
        self._seen: list[Appearance] = [DepositPainter(d, size, mm, 0).appearance(level_db, None) for d in deposits]
        self._mimics: MimicEchoes | None = None
        if rng.random() < MIMIC_SHARE:
            mimics = random_mimics(rng, CANONICAL_SIDE_MM, CANONICAL_SIDE_MM, 3)
            if mimics:
                self._mimics = draw_mimics(mimics, MIMIC_GRID)
        self._grain = _speckle(scanner, rng)
        floor_db = np.minimum(np.float32(scanner.floor_db), level_db - SHADOW_FLOOR_BELOW_DB)
        self._floor = np.asarray(10 ** (floor_db / 20), dtype=np.float32) * _speckle(scanner, rng)
        self._glitter = _Glitter(scanner, rng)

    def laid_into(self, amplitude: Float32, shift: PointMm) -> Float32:
        """The background's amplitude with everything, moved by ``shift``."""
        loss = np.zeros_like(amplitude)
        specular = None
        if self._mimics is not None:
            change = 10 ** (_moved(self._mimics.change_db, shift) / 20)
            amplitude = np.asarray(amplitude * change, dtype=np.float32)
            loss = loss + _moved(self._mimics.loss_db, shift)
            specular = _moved(self._mimics.specular, shift)
        grain = _moved(self._grain, shift)
        for seen in self._seen:
            mask = _moved(seen.mask, shift)
            level = np.clip(_moved(seen.level_db, shift), -90, 3)
            amplitude = np.asarray(amplitude * (1 - mask) + 10 ** (level / 20) * grain * mask, dtype=np.float32)
            loss = loss + _moved(seen.loss_db, shift)
        if loss.any():
            passed = amplitude_of_loss(loss, CANONICAL_MM_PER_PX, CANONICAL_MM_PER_PX)
            amplitude = np.asarray(
                amplitude * passed + _moved(self._floor, shift) * (1 - np.minimum(passed, 1)), dtype=np.float32
            )
            specular = None if specular is None else specular * passed
        return amplitude if specular is None else self._glitter.added(amplitude, specular)


class _Glitter:
    """Adds smooth echoes to an amplitude: blurred by the beam, uneven, with a phase against the background that wanders."""

    def __init__(self, scanner: _Scanner, rng: np.random.Generator) -> None:
        self._sigma = (
            scanner.lateral_sigma_px * float(rng.uniform(0.5, 1.0)),
            scanner.axial_sigma_px * float(rng.uniform(0.5, 1.0)),
        )
        phase = _smooth_field(rng, 6.0) * np.float32(1.2)
        uneven = np.abs(1 + np.float32(0.3) * _smooth_field(rng, max(1.0, scanner.lateral_sigma_px)))
        self._in_phase, self._across = uneven * np.cos(phase), uneven * np.sin(phase)

    def added(self, amplitude: Float32, specular: Float32) -> Float32:
        """The magnitude of the sum."""
        peak = float(specular.max())
        if peak <= 0:
            return amplitude
        soft = cv2.GaussianBlur(specular, (0, 0), sigmaX=self._sigma[0], sigmaY=self._sigma[1])
        soft = soft * np.float32(peak / max(float(soft.max()), 1e-6))
        return np.asarray(cv2.magnitude(amplitude + soft * self._in_phase, soft * self._across), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Needles:
    """One needle, or two of the same make; the second runs out of the picture."""

    echo: NeedleEcho
    first: NeedlePose
    second: NeedlePose | None
    glitter: _Glitter

    def laid_into(self, amplitude: Float32, motion: Motion) -> Float32:
        """The amplitude with the needles as they were before ``motion``."""
        shift = PointMm(-motion.tissue_x_mm, -motion.tissue_z_mm)
        poses = [pose_before(self.first, motion)] if self.second is None else [self.second, pose_before(self.first, motion)]
        for pose in poses:
            image, loss = self.echo.draw(pose, shift)
            if loss.any():
                amplitude = np.asarray(amplitude * amplitude_of_loss(loss, GRID.sample_mm, GRID.pitch_mm), dtype=np.float32)
            amplitude = self.glitter.added(amplitude, image)
        return amplitude

    def added_to(self, truth: Truth, amplitude: Float32) -> Truth:
        """The truth with the needles, as they stand out from an amplitude without them."""
        needle = needle_truth(self.echo, self.first, NO_SHIFT, GRID, amplitude)
        second = None if self.second is None else needle_truth(self.echo, self.second, NO_SHIFT, GRID, amplitude)
        truth = replace(truth, needle=needle)
        return truth if second is None else replace(truth, more_shafts=second.visible_segments)


def _random_needles(
    deposits: tuple[DepositSettings, ...], level_db: Float32, scanner: _Scanner, rng: np.random.Generator
) -> _Needles:
    echo = NeedleEcho(_needle_for(level_db, rng), GRID)
    world = World(seed=0, probe=GRID, deposits=deposits)
    pose = random_pose(world, rng)
    second = second_pose(world, pose, rng) if rng.random() < SECOND_NEEDLE_SHARE else None
    return _Needles(echo, pose, second, _Glitter(scanner, rng))


def _needle_for(level_db: Float32, rng: np.random.Generator) -> NeedleSettings:
    """A needle that stands out from this background more or less, as real ones do: 240 grey against 87, or hardly at all."""
    around = float(np.percentile(level_db, 70))
    return replace(random_needle(rng), echo_db=float(np.clip(around + rng.uniform(10, 44), -32, 9)))


def _random_deposits(background: GreyImage, rng: np.random.Generator) -> tuple[DepositSettings, ...]:
    if rng.random() >= DEPOSIT_SHARE:
        return ()
    first = _random_deposit(background, rng)
    second = _random_deposit(background, rng)
    apart = abs(second.centre.x_mm - first.centre.x_mm) > (first.long_mm + second.long_mm) / 2 + 1.0
    return (first, second) if apart and rng.random() < SECOND_DEPOSIT_SHARE else (first,)


def _random_deposit(background: GreyImage, rng: np.random.Generator) -> DepositSettings:
    shadow = ShadowType(rng.choice([s.value for s in SHADOW_SHARES], p=list(SHADOW_SHARES.values())))
    thick = float(rng.uniform(1.2, 3.4) if shadow is ShadowType.CLEAR else rng.uniform(1.4, 7.0))
    rows = np.flatnonzero(background.max(axis=1) > 20)
    deepest = min(CANONICAL_SIDE_MM - 5, (rows[-1] if rows.size else CANONICAL_SIZE_PX) * CANONICAL_MM_PER_PX - 3)
    return DepositSettings(
        centre=PointMm(float(rng.uniform(3, CANONICAL_SIDE_MM - 3)), float(rng.uniform(4, max(deepest, 8)))),
        long_mm=float(np.clip(np.exp(rng.normal(np.log(9.0), 0.55)), max(2.0, thick * 0.9), 30.0)),
        thick_mm=thick,
        tilt_deg=float(rng.normal(0, 14)),
        shape=DepositShape(rng.choice([s.value for s in DepositShape], p=[0.35, 0.25, 0.3, 0.1])),
        shadow=shadow,
        contrast_db=float(rng.uniform(10, 24) if shadow is ShadowType.CLEAR else rng.uniform(6, 18)),
        loss_db_per_mm=float(rng.uniform(*LOSS_DB_PER_MM[shadow])),
        rim_db=float(rng.uniform(2, 8)),
        seed=int(rng.integers(2**31)),
    )


def _speckle(scanner: _Scanner, rng: np.random.Generator) -> Float32:
    """Speckle of mean 1 with the scanner's beam and looks."""
    lateral, axial = scanner.lateral_sigma_px, scanner.axial_sigma_px
    one = cv2.magnitude(_smooth_field(rng, lateral, axial), _smooth_field(rng, lateral, axial))
    one = one / np.float32(one.mean())
    # The mean of n looks deviates by the square root of n less; drawing each would cost n times as much.
    return np.asarray(np.maximum(1 + (one - 1) * np.float32(1 / np.sqrt(scanner.looks)), 0.03), dtype=np.float32)


def _moved(image: Float32, shift: PointMm) -> Float32:
    if shift == NO_SHIFT:
        return image
    matrix = np.array([[1, 0, shift.x_mm / CANONICAL_MM_PER_PX], [0, 1, shift.z_mm / CANONICAL_MM_PER_PX]], dtype=np.float64)
    moved = cv2.warpAffine(image, matrix, (CANONICAL_SIZE_PX, CANONICAL_SIZE_PX), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.float32)


def _smooth_field(rng: np.random.Generator, sigma_x: float, sigma_z: float | None = None) -> Float32:
    """Unit-variance Gaussian random field (256, 256)."""
    white = rng.standard_normal((CANONICAL_SIZE_PX, CANONICAL_SIZE_PX), dtype=np.float32)
    noise = cv2.GaussianBlur(white, (0, 0), sigmaX=sigma_x, sigmaY=sigma_x if sigma_z is None else sigma_z)
    return np.asarray(noise / noise.std(), dtype=np.float32)
