"""What looks like a deposit or a needle and is neither: fascia, linear calcification, gas, bone edges, vessels, bright specks.

One renderer serves simulated scenes and real backgrounds: it draws on any grid, as echoes to be added and losses to be applied.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from barbotage_models.contract.geometry import FloatArray, PointMm

Float32 = npt.NDArray[np.float32]


class MimicKind(StrEnum):
    """Kinds of mimics."""

    FASCIA = "fascia"
    """A bright line or pair of lines, nearly straight, that may cross the whole picture."""
    LINEAR = "linear"
    """A thin linear calcification: never punctured (clinical sources), hence not a deposit."""
    GAS = "gas"
    """An irregular bright surface with a dirty shadow."""
    VESSEL = "vessel"
    """Black inside, bright walls, enhancement below."""
    PATCH = "patch"
    """A patch of brighter tissue without a border."""
    SPECK = "speck"
    """Bright dots, with or without a comet tail: a needle or vessel cut across, a suture, debris."""
    BONE_EDGE = "bone-edge"
    """Bone that reaches in from the side of the picture, as the acromion does."""


SHARES = {
    MimicKind.FASCIA: 0.36,
    MimicKind.LINEAR: 0.14,
    MimicKind.GAS: 0.06,
    MimicKind.VESSEL: 0.13,
    MimicKind.PATCH: 0.12,
    MimicKind.SPECK: 0.12,
    MimicKind.BONE_EDGE: 0.07,
}
FASCIA_LIMIT_DEG = 24.0
"""Where the echo of a smooth fascia has lost 8 dB; a needle's surface may go on shining beyond."""
BONE_LOSS_DB = 24.0
BONE_SIGMA_MM = 0.22


@dataclass(frozen=True, slots=True)
class Mimic:
    """One mimic. ``angle_deg`` of its long side, positive downwards to the right; ``level_db`` of full scale, before attenuation
    (vessel and patch: relative to the tissue around).
    """

    kind: MimicKind
    centre: PointMm
    length_mm: float
    thick_mm: float
    angle_deg: float
    level_db: float
    bow_mm: float = 0.0
    """How far the middle of a line bends away from its chord."""
    loss_db: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class MimicEchoes:
    """On a grid (samples, columns): ``specular`` amplitude to add, ``change_db`` of the tissue's echo, ``loss_db`` per sample."""

    specular: Float32
    change_db: Float32
    loss_db: Float32


@dataclass(frozen=True, slots=True)
class MimicGrid:
    """The grid to draw on; ``margin`` columns lie left of the picture."""

    samples: int
    columns: int
    sample_mm: float
    pitch_mm: float
    margin: int = 0

    def coordinates(self) -> tuple[Float32, Float32]:
        """``x`` (1, columns) and ``z`` (samples, 1) of the pixel centres in mm."""
        x = (np.arange(self.columns, dtype=np.float32) - self.margin + 0.5) * np.float32(self.pitch_mm)
        z = (np.arange(self.samples, dtype=np.float32) + 0.5) * np.float32(self.sample_mm)
        return x[None, :], z[:, None]


def random_mimics(rng: np.random.Generator, width_mm: float, depth_mm: float, most: int) -> tuple[Mimic, ...]:
    """None to ``most`` mimics anywhere in a picture."""
    kinds = [k.value for k in SHARES]
    chosen = rng.choice(kinds, int(rng.integers(0, most + 1)), p=list(SHARES.values()))
    return tuple(_random_mimic(MimicKind(kind), rng, width_mm, depth_mm) for kind in chosen)


def _random_mimic(kind: MimicKind, rng: np.random.Generator, width_mm: float, depth_mm: float) -> Mimic:
    centre = PointMm(float(rng.uniform(0, width_mm)), float(rng.uniform(2.0, 0.85 * depth_mm)))
    seed = int(rng.integers(2**31))
    angle = float(np.clip(rng.normal(0, 16), -42, 42))
    if kind is MimicKind.FASCIA:
        length = float(np.exp(rng.uniform(np.log(6), np.log(60))))
        bow = float(rng.choice([-1, 1]) * (0.2 + abs(rng.normal(0, 0.045)) * length))
        level = float(rng.uniform(-22, -5)) - min(8 * (angle / FASCIA_LIMIT_DEG) ** 4, 30)
        return Mimic(kind, centre, length, float(rng.uniform(0.05, 0.18)), angle, level, bow, 0.0, seed)
    if kind is MimicKind.LINEAR:
        length, thick = float(rng.uniform(2, 14)), float(rng.uniform(0.07, 0.2))
        loss = float(rng.choice([0.0, rng.uniform(1, 5)]))
        return Mimic(kind, centre, length, thick, angle / 2, float(rng.uniform(-14, 0)), float(rng.normal(0, 0.4)), loss, seed)
    if kind is MimicKind.GAS:
        level, loss = float(rng.uniform(-8, 4)), float(rng.uniform(8, 20))
        return Mimic(kind, centre, float(rng.uniform(2, 12)), float(rng.uniform(0.1, 0.3)), angle / 3, level, 0.0, loss, seed)
    if kind is MimicKind.VESSEL:
        length, thick = float(rng.uniform(2, 9)), float(rng.uniform(1.5, 5))
        return Mimic(kind, centre, max(length, thick), thick, angle / 2, float(rng.uniform(-32, -10)), 0.0, -3.0, seed)
    if kind is MimicKind.PATCH:
        return Mimic(
            kind, centre, float(rng.uniform(4, 16)), float(rng.uniform(2, 7)), angle, float(rng.uniform(2, 6)), 0.0, 0.0, seed
        )
    if kind is MimicKind.SPECK:
        level = float(rng.uniform(-14, 2))
        return Mimic(kind, centre, float(rng.uniform(0.5, 8)), float(rng.uniform(0.1, 0.4)), angle, level, 0.0, 0.0, seed)
    side = rng.random() < 0.5
    length = float(rng.uniform(8, 22))
    edge = PointMm(0.0 if side else width_mm, float(rng.uniform(5, 0.5 * depth_mm)))
    return Mimic(kind, edge, length, BONE_SIGMA_MM, float(rng.normal(0, 9)), float(rng.uniform(-9, 0)), 0.0, BONE_LOSS_DB, seed)


def draw_mimics(mimics: tuple[Mimic, ...], grid: MimicGrid) -> MimicEchoes:
    """All mimics together on one grid."""
    shape = (grid.samples, grid.columns)
    specular, change, loss = (np.zeros(shape, dtype=np.float32) for _ in range(3))
    x, z = grid.coordinates()
    for mimic in mimics:
        rng = np.random.default_rng(mimic.seed)
        angle = np.deg2rad(mimic.angle_deg)
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        dx, dz = x - np.float32(mimic.centre.x_mm), z - np.float32(mimic.centre.z_mm)
        along = np.asarray(dx * cosine + dz * sine, dtype=np.float32)
        across = np.asarray(dz * cosine - dx * sine, dtype=np.float32)
        if mimic.kind in (MimicKind.VESSEL, MimicKind.PATCH):
            _add_round(mimic, along, across, (specular, change, loss), grid)
        elif mimic.kind is MimicKind.SPECK:
            specular += _specks(mimic, dx, dz, rng, grid)
        else:
            _add_line(mimic, along, across, (specular, loss), rng, grid)
    return MimicEchoes(specular, change, loss)


def bone_surface(mimic: Mimic) -> FloatArray:
    """The labelled surface (n, 2) of a bone edge in (x_mm, z_mm), sorted by x."""
    reach = np.linspace(-mimic.length_mm / 2, mimic.length_mm / 2, 24)
    angle = np.deg2rad(mimic.angle_deg)
    across = _Wander(mimic)(reach)
    x = mimic.centre.x_mm + reach * np.cos(angle) - across * np.sin(angle)
    z = mimic.centre.z_mm + reach * np.sin(angle) + across * np.cos(angle)
    return np.asarray(np.stack([x, z], axis=1), dtype=np.float64)


class _Wander:
    """How a line departs from its chord: a bow and, by kind, irregularity; a function of the position along it."""

    def __init__(self, mimic: Mimic) -> None:
        rng = np.random.default_rng(mimic.seed + 1)
        rough = {MimicKind.GAS: 0.16, MimicKind.LINEAR: 0.07, MimicKind.BONE_EDGE: 0.12}.get(mimic.kind, 0.06)
        period = {MimicKind.GAS: 2.5, MimicKind.FASCIA: 14.0}.get(mimic.kind, 6.0)
        self._mimic = mimic
        waves = [n * rng.uniform(0.7, 1.4) for n in (0.5, 1, 1.7, 2.9)]
        self._waves = [(rough * rng.normal() / n, 2 * np.pi * n / period, rng.uniform(0, 2 * np.pi)) for n in waves]

    def __call__(self, along: FloatArray) -> FloatArray:
        share = np.clip(2 * along / self._mimic.length_mm, -1, 1)
        out = self._mimic.bow_mm * (1 - share**2)
        for amplitude, wave, phase in self._waves:
            out = out + amplitude * np.sin(wave * along + phase)
        if self._mimic.kind is MimicKind.BONE_EDGE:
            out = out + 2.5 * np.clip(np.abs(share) - 0.7, 0, 1) ** 2 * self._mimic.length_mm / 3
        return np.asarray(out, dtype=np.float64)


def _add_line(
    mimic: Mimic, along: Float32, across: Float32, onto: tuple[Float32, Float32], rng: np.random.Generator, grid: MimicGrid
) -> None:
    specular, loss = onto
    steps = np.linspace(-mimic.length_mm / 2 - 1, mimic.length_mm / 2 + 1, 400)
    gain_db = np.convolve(rng.standard_normal(440), np.ones(41) / np.sqrt(41), "valid") * (
        5 if mimic.kind is MimicKind.GAS else 3
    )
    fade_mm = mimic.length_mm / 3 if mimic.kind is MimicKind.FASCIA else min(1.5, mimic.length_mm / 4)
    window = np.clip((mimic.length_mm / 2 - np.abs(steps)) / fade_mm, 0, 1)
    course = np.interp(along, steps, _Wander(mimic)(steps)).astype(np.float32)
    strength = np.interp(along, steps, window * 10 ** ((gain_db + mimic.level_db) / 20)).astype(np.float32)
    distance = across - course
    line = np.exp(np.float32(-0.5) * np.minimum((distance / np.float32(mimic.thick_mm)) ** 2, 60))
    if mimic.kind is MimicKind.FASCIA and rng.random() < 0.4:
        second = distance - np.float32(rng.uniform(0.5, 1.6))
        line += np.float32(rng.uniform(0.3, 1)) * np.exp(
            np.float32(-0.5) * np.minimum((second / np.float32(mimic.thick_mm)) ** 2, 60)
        )
    image = line * strength
    if mimic.kind is MimicKind.GAS:
        decay = float(np.exp(-grid.sample_mm / rng.uniform(2, 6)))
        tail = lfilter([1.0], [1.0, -decay], image, axis=0).astype(np.float32)
        image = image + tail * np.float32(grid.sample_mm / mimic.thick_mm * 10 ** (rng.uniform(-26, -16) / 20))
    specular += image
    if mimic.loss_db > 0:
        # Below the surface, so that its own echo is not weakened.
        band = (distance > 0.1) & (distance < 0.6) & (np.abs(along) < mimic.length_mm / 2)
        loss += band * np.float32(mimic.loss_db * grid.sample_mm / 0.5)


def _add_round(mimic: Mimic, along: Float32, across: Float32, onto: tuple[Float32, Float32, Float32], grid: MimicGrid) -> None:
    specular, change, loss = onto
    radius = np.sqrt((2 * along / np.float32(mimic.length_mm)) ** 2 + (2 * across / np.float32(mimic.thick_mm)) ** 2)
    if mimic.kind is MimicKind.PATCH:
        change += np.float32(mimic.level_db) * np.exp(-(radius**2))
        return
    inside = np.clip((1 - radius) * 4, 0, 1)
    change += np.float32(mimic.level_db) * inside
    loss += np.float32(mimic.loss_db * grid.sample_mm / mimic.thick_mm) * (radius < 1)
    # Walls echo where they face the probe: above and below, not at the sides.
    facing = np.abs(2 * across / np.float32(mimic.thick_mm)) ** 3
    wall = np.exp(-0.5 * ((radius - 1) * np.float32(mimic.thick_mm) / 2 / 0.15) ** 2) * np.minimum(facing, 1)
    specular += wall * np.float32(10 ** (-20 / 20))


def _specks(mimic: Mimic, dx: Float32, dz: Float32, rng: np.random.Generator, grid: MimicGrid) -> Float32:
    image = np.zeros(np.broadcast_shapes(dx.shape, dz.shape), dtype=np.float32)
    for _ in range(int(rng.choice([1, 2, 4], p=[0.6, 0.25, 0.15]))):
        x, z = rng.normal(0, mimic.length_mm / 2), rng.normal(0, 0.8)
        wide, high = mimic.thick_mm * rng.uniform(1, 3), mimic.thick_mm
        spot = np.exp(-0.5 * ((dz - np.float32(z)) / np.float32(high)) ** 2) * np.exp(
            -0.5 * ((dx - np.float32(x)) / np.float32(wide)) ** 2
        )
        image += spot * np.float32(10 ** ((mimic.level_db + rng.normal(0, 3)) / 20))
    if rng.random() < 0.5:
        decay = float(np.exp(-grid.sample_mm / rng.uniform(1, 5)))
        tail = lfilter([1.0], [1.0, -decay], image, axis=0).astype(np.float32)
        bands = 0.5 + 0.5 * np.cos(2 * np.pi * dz / np.float32(rng.uniform(0.4, 1.2)))
        image = image + tail * bands * np.float32(grid.sample_mm / mimic.thick_mm * 10 ** (rng.uniform(-16, -6) / 20))
    return np.asarray(image, dtype=np.float32)
