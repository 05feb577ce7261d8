"""Calcific deposits: their outline, echo and shadow, and the cavity that lavage makes of them."""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.geometry import FloatArray, PointMm
from barbotage_models.contract.taxonomy import ShadowType
from barbotage_models.simulator.truth import DepositTruth

Float32 = npt.NDArray[np.float32]

OUTLINE_POINTS = 72
GRAIN_MM = 0.32
"""Coarseness of a deposit's brightness."""
CLOUD_DB = 2.0
BORDER_MM = {
    ShadowType.CLEAR: (0.1, 0.35),
    ShadowType.FAINT: (0.12, 0.5),
    ShadowType.NONE: (0.2, 0.8),
    ShadowType.INDETERMINATE: (0.1, 0.5),
}
"""Softness of the border: soft deposits are poorly defined."""


class DepositShape(StrEnum):
    """Shapes seen in ultrasound (Chiou 2001)."""

    ARC = "arc"
    FRAGMENTED = "fragmented"
    NODULAR = "nodular"
    CYSTIC = "cystic"


@dataclass(frozen=True, slots=True)
class DepositSettings:
    """One deposit in tissue coordinates. ``tilt_deg`` of the long axis, positive downwards to the right."""

    centre: PointMm
    long_mm: float
    thick_mm: float
    tilt_deg: float
    shape: DepositShape
    shadow: ShadowType
    contrast_db: float
    """Echo above the tendon."""
    loss_db_per_mm: float
    """Two-way: 9 to 16 dB/mm for hard, 0.3 to 1 for soft deposits (realism.md section 1)."""
    rim_db: float = 4.0
    """Further echo of the surface that faces the probe: hard deposits show as a bright arc."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Lavage:
    """State of a lavage: ``washed`` 0 (whole) to 1 (empty), ``pressure`` 0 to 1 on the plunger."""

    washed: float = 0.0
    pressure: float = 0.0


def outline(deposit: DepositSettings, lavage: Lavage | None = None) -> FloatArray:
    """Closed outline (72, 2) in (x_mm, z_mm). Under lavage it swells with pressure and shrinks as it empties."""
    rng = np.random.default_rng(deposit.seed)
    t = np.linspace(0, 2 * np.pi, OUTLINE_POINTS, endpoint=False)
    u, v = _unit_shape(deposit.shape, t, rng)
    ratio = deposit.thick_mm / deposit.long_mm
    u, v = u * deposit.long_mm / 2, v * deposit.thick_mm / 2
    if deposit.shape is DepositShape.ARC:
        # A crescent: both edges bend towards the skin in the middle.
        v = v - 0.14 * deposit.long_mm * (1 - (2 * u / deposit.long_mm) ** 2) * min(1.0, 2 * ratio)
    size = 1.0 if lavage is None else (1 - 0.25 * lavage.washed) * (1 + 0.16 * lavage.pressure * min(1.0, 4 * lavage.washed))
    angle = np.deg2rad(deposit.tilt_deg)
    x = deposit.centre.x_mm + size * (u * np.cos(angle) - v * np.sin(angle))
    z = deposit.centre.z_mm + size * (u * np.sin(angle) + v * np.cos(angle))
    return np.stack([x, z], axis=1)


def truth(deposit: DepositSettings, lavage: Lavage | None, shift: PointMm) -> DepositTruth:
    """The exact label of a deposit in the picture; ``shift`` moves tissue coordinates to the picture's."""
    points = outline(deposit, lavage) + np.array([shift.x_mm, shift.z_mm])
    longest, perpendicular = diameters(points)
    moments = cv2.moments(points.astype(np.float32).reshape(-1, 1, 2))
    area = moments["m00"]
    centre = PointMm(moments["m10"] / area, moments["m01"] / area)
    return DepositTruth(points, centre, longest, perpendicular, float(area), deposit.shadow)


def diameters(points: FloatArray) -> tuple[float, float]:
    """Longest chord of an outline (n, 2) and its widest extent across that chord, in the points' unit."""
    difference = points[:, None, :] - points[None, :, :]
    squared = (difference**2).sum(axis=2)
    first, second = np.unravel_index(int(squared.argmax()), squared.shape)
    longest = float(np.sqrt(squared[first, second]))
    axis = (points[second] - points[first]) / max(longest, 1e-9)
    across = points @ np.array([-axis[1], axis[0]])
    return longest, float(across.max() - across.min())


def _unit_shape(shape: DepositShape, t: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    wobble = np.zeros_like(t)
    lobes, strength = {
        DepositShape.ARC: ((2, 3), 0.05),
        DepositShape.NODULAR: ((2, 3, 4), 0.05),
        DepositShape.CYSTIC: ((2, 3), 0.06),
        DepositShape.FRAGMENTED: ((3, 5, 7), 0.09),
    }[shape]
    for n in lobes:
        wobble += strength * rng.normal() * np.cos(n * t + rng.uniform(0, 2 * np.pi))
    radius = 1 + np.clip(wobble, -0.3, 0.3)
    return radius * np.cos(t), radius * np.sin(t)


@dataclass(frozen=True, slots=True)
class Appearance:
    """A deposit on a scan grid: ``mask`` 0 to 1, echo ``level_db``, and local two-way ``loss_db`` per sample."""

    mask: Float32
    level_db: Float32
    loss_db: Float32


class DepositPainter:
    """Draws one deposit on a scan grid of ``shape``; the texture is fixed to the deposit."""

    def __init__(self, deposit: DepositSettings, shape: tuple[int, int], mm: tuple[float, float], margin: int) -> None:
        """``mm`` is (sample, pitch) in mm; ``margin`` the columns left of the picture."""
        rng = np.random.default_rng(deposit.seed + 1)
        self.deposit = deposit
        self._shape, self._margin = shape, margin
        self._sample_mm, self._pitch_mm = mm
        coarse_mm = GRAIN_MM * (1.8 if deposit.shape is DepositShape.FRAGMENTED else 1.0)
        self._grain = self._noise(rng, coarse_mm)
        self._cloud = self._noise(rng, float(np.clip(deposit.long_mm / 6, 0.6, 2.5)))
        """Slow variation of brightness and of the border."""
        self._soft_mm = float(rng.uniform(*BORDER_MM[deposit.shadow]))
        self._pieces = self._noise(rng, float(np.clip(deposit.long_mm / 9, 0.5, 1.4)))
        """Where this is low, a fragmented deposit has a gap."""

    def _noise(self, rng: np.random.Generator, sigma_mm: float) -> Float32:
        white = rng.standard_normal(self._shape).astype(np.float32)
        smooth = cv2.GaussianBlur(white, (0, 0), sigmaX=sigma_mm / self._pitch_mm, sigmaY=sigma_mm / self._sample_mm)
        return np.asarray(smooth / smooth.std(), dtype=np.float32)

    def appearance(self, surroundings_db: float | Float32, lavage: Lavage | None) -> Appearance:
        """The deposit in tissue of the given echo level: one value, or a map of the grid."""
        mask = self._soft_mask(lavage)
        level = surroundings_db + self.deposit.contrast_db + self._texture_db() * self._grain + CLOUD_DB * self._cloud
        level = level + np.float32(self.deposit.rim_db) * self._rim(mask)
        if self.deposit.shape is DepositShape.CYSTIC:
            level = level - 16 * self._core(mask)
        whole = np.ones_like(mask)
        if self.deposit.shape is DepositShape.FRAGMENTED:
            whole = np.clip(0.5 + 2.5 * (self._pieces + 0.7), 0, 1)
            level = level - (self.deposit.contrast_db - 2) * (1 - whole)
        washed = 0.0 if lavage is None else lavage.washed
        if washed > 0:
            # Fluid replaces calcium from the middle outwards, with debris; a rim stays.
            core = np.clip((self._core(mask) - (1 - 1.15 * washed)) * 6, 0, 1)
            level = level * (1 - core) + (-42 + 3 * self._grain) * core
        loss = mask * whole * np.float32(self.deposit.loss_db_per_mm * self._sample_mm * (1 - 0.85 * washed))
        return Appearance(mask, np.asarray(level, dtype=np.float32), np.asarray(loss, dtype=np.float32))

    def _texture_db(self) -> float:
        return {DepositShape.FRAGMENTED: 6.0, DepositShape.CYSTIC: 3.0}.get(self.deposit.shape, 2.5)

    def _soft_mask(self, lavage: Lavage | None) -> Float32:
        sample_mm, pitch_mm, margin = self._sample_mm, self._pitch_mm, self._margin
        points = outline(self.deposit, lavage)
        pixels = np.stack([points[:, 0] / pitch_mm - 0.5 + margin, points[:, 1] / sample_mm - 0.5], axis=1)
        mask = np.zeros(self._shape, dtype=np.uint8)
        cv2.fillPoly(mask, [np.asarray(np.rint(pixels * 16), dtype=np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
        soft = self._soft_mm
        blurred = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), sigmaX=soft / pitch_mm, sigmaY=soft / sample_mm)
        # An uneven border: where brightness varies, so does the edge, by about the border's own width.
        uneven = blurred + 0.18 * (0.6 * self._cloud + 0.4 * self._grain) * 4 * blurred * (1 - blurred)
        return np.asarray(np.clip(uneven, 0, 1), dtype=np.float32)

    def _rim(self, mask: Float32) -> Float32:
        """1 on the surface that faces the probe, fading over half a millimetre."""
        steps = max(1, round(0.5 / self._sample_mm))
        above = np.zeros_like(mask)
        above[steps:] = mask[:-steps]
        return np.asarray(np.clip(mask - above, 0, 1), dtype=np.float32)

    @staticmethod
    def _core(mask: Float32) -> Float32:
        """1 in the middle of the mask, 0 at its rim."""
        distance = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
        peak = float(distance.max())
        return np.asarray(distance / peak if peak > 0 else distance, dtype=np.float32)
