"""Realism gates: statistics of simulated pictures against bands measured on real ones.

The bands are numbers only (facts of the literature and of public recordings, listed in docs/realism.md); no picture of
anybody is needed to run them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from barbotage_models.contract.geometry import GreyImage, PointMm
from barbotage_models.contract.taxonomy import EntrySide
from barbotage_models.evaluation.speckle_statistics import (
    acf_fwhm,
    envelope_snr,
    gcnr,
    nakagami_m,
    profile_fwhm,
)
from barbotage_models.simulator.anatomy import BodyMaps, phantom_maps
from barbotage_models.simulator.imaging import Echoes, ImageChain
from barbotage_models.simulator.needle import NeedleEcho, NeedlePose, NeedleSettings, NeedleType
from barbotage_models.simulator.probe import MARGIN_MM, SceneState, SimulatedFrame, SimulatedProbe, World
from barbotage_models.simulator.randomise import random_frames, random_image, random_world
from barbotage_models.simulator.settings import ImageSettings, ProbeSettings
from barbotage_models.simulator.speckle import ScattererField

Float32 = npt.NDArray[np.float32]

REAL_PERCENTILES = {5: 1.0, 25: 17.0, 50: 61.0, 75: 108.0, 95: 173.0, 99: 208.0}
PERCENTILE_TOLERANCE = 20.0
FRAMES = 96
FRAMES_PER_WORLD = 2
FIRST_SEED = 900_000


@dataclass(frozen=True, slots=True)
class Gate:
    """One measured value and the band that it must lie in, ends included."""

    name: str
    value: float
    low: float
    high: float
    unit: str

    @property
    def passed(self) -> bool:
        """Whether the value lies in the band."""
        return bool(self.low <= self.value <= self.high)

    def row(self) -> str:
        """One line of a table."""
        mark = "ok " if self.passed else "OUT"
        return f"{mark} {self.name:56s} {self.value:8.3f}  in [{self.low:g}, {self.high:g}] {self.unit}".rstrip()


def measure(frames: int = FRAMES, seed: int = FIRST_SEED) -> list[Gate]:
    """Every gate, measured on ``frames`` random frames and on homogeneous phantoms; the same for the same seed."""
    pictures = list(_frames(frames, seed))
    return [
        *_speckle_gates(seed),
        *_grey_gates(pictures, seed),
        *_bone_gates(pictures),
        *_needle_gates(pictures, seed),
        *_temporal_gates(seed),
    ]


def _frames(count: int, seed: int) -> Iterator[SimulatedFrame]:
    for world in range(-(-count // FRAMES_PER_WORLD)):
        yield from random_frames(seed + world, min(FRAMES_PER_WORLD, count - world * FRAMES_PER_WORLD))


def _speckle_gates(seed: int) -> list[Gate]:
    probe, image = ProbeSettings(), ImageSettings(looks=1)
    chain = ImageChain(probe, image)
    maps = phantom_maps(probe, MARGIN_MM)
    snr: list[float] = []
    nakagami: list[float] = []
    axial: list[float] = []
    lateral: dict[str, list[float]] = {"near": [], "focus": [], "far": []}
    for number in range(4):
        echoes = _phantom_echoes(probe, maps, chain, seed + number)
        envelope = chain.envelope(echoes)[0]
        for row in range(60, probe.samples - 60, 47):
            patch = envelope[row : row + 47, 8:-8]
            snr.append(envelope_snr(patch))
            nakagami.append(nakagami_m(patch))
        for name, depth_mm in (("near", 4.0), ("focus", probe.focus_mm), ("far", 34.0)):
            row = round(depth_mm / probe.sample_mm)
            band = envelope[max(0, row - 27) : row + 27, 8:-8]
            lateral[name].append(acf_fwhm(band, axis=1) * probe.pitch_mm)
            axial.append(acf_fwhm(band, axis=0) * probe.sample_mm)
    focus = float(np.mean(lateral["focus"]))
    slope = _attenuation(probe, image, seed)
    return [
        Gate("envelope SNR, homogeneous, one look", float(np.mean(snr)), 1.80, 2.00, ""),
        Gate("Nakagami m, one look", float(np.mean(nakagami)), 0.85, 1.15, ""),
        Gate("axial ACF FWHM / (c/2B)", float(np.mean(axial)) / probe.axial_fwhm_mm, 0.9, 1.6, "x"),
        Gate("lateral ACF FWHM at focus / (lambda F#)", focus / probe.lateral_fwhm_mm, 1.0, 2.0, "x"),
        Gate("lateral ACF FWHM, near / focus", float(np.mean(lateral["near"])) / focus, 1.02, 3.0, "x"),
        Gate("lateral ACF FWHM, far / focus", float(np.mean(lateral["far"])) / focus, 1.02, 3.0, "x"),
        Gate("attenuation measured in a 0.6 dB/cm/MHz phantom", slope, 0.3, 1.0, "dB/cm/MHz"),
    ]


def _phantom_echoes(probe: ProbeSettings, maps: BodyMaps, chain: ImageChain, seed: int) -> Echoes:
    field = ScattererField(probe, 1.0, np.random.default_rng(seed)).splat(0.0, 0.0)
    inner = slice(maps.margin, maps.margin + probe.lines)
    amplitude = 10 ** ((maps.echo_db[:, inner] - maps.loss_db[:, inner]) / 20) * chain.tgc
    return Echoes(np.asarray(field * amplitude, dtype=np.complex64), np.zeros_like(amplitude, dtype=np.float32))


def _attenuation(probe: ProbeSettings, image: ImageSettings, seed: int) -> float:
    """One-way attenuation in dB/cm/MHz from the fall of the echo with depth, without compensation."""
    chain = ImageChain(probe, replace(image, tgc_db_per_cm_mhz=0.0))
    envelope = chain.envelope(_phantom_echoes(probe, phantom_maps(probe, MARGIN_MM), chain, seed))[0]
    level_db = 10 * np.log10((envelope[40:-40, 8:-8].astype(np.float64) ** 2).mean(axis=1))
    depth_cm = (np.arange(level_db.size) * probe.sample_mm) / 10
    return float(-np.polyfit(depth_cm, level_db, 1)[0] / 2 / probe.frequency_mhz)


def _grey_gates(pictures: list[SimulatedFrame], seed: int) -> list[Gate]:
    grey = np.concatenate([p.pixels[::3, ::3].ravel() for p in pictures])
    gates = [
        Gate(
            f"grey level, percentile {q} (real {real:.0f})",
            float(np.percentile(grey, q)),
            max(0.0, real - PERCENTILE_TOLERANCE),
            real + PERCENTILE_TOLERANCE,
            "grey",
        )
        for q, real in REAL_PERCENTILES.items()
    ]
    gates.append(Gate("share of pixels above 200", float((grey > 200).mean() * 100), 0.5, 3.0, "%"))
    spread = np.sort(_phantom_spreads(seed))
    gates.append(Gate("grey std of phantoms, least over random scanners", float(spread[1]), 5.0, 9.0, "grey"))
    gates.append(Gate("grey std of phantoms, greatest over random scanners", float(spread[-2]), 18.0, 27.0, "grey"))
    return gates


def _phantom_spreads(seed: int) -> list[float]:
    """Standard deviation of grey in mid-depth patches of a phantom, for 40 random scanner settings."""
    probe = ProbeSettings()
    maps = phantom_maps(probe, MARGIN_MM, echo_db=-26.0)
    rng = np.random.default_rng([seed, 5])
    spreads = []
    for number in range(40):
        image = replace(random_image(rng), gain_db=0.0, persistence=0.0)
        chain = ImageChain(probe, image)
        picture = chain.picture(_phantom_echoes(probe, maps, chain, seed + number % 3), rng)
        height, width = picture.shape
        patch = picture[height * 2 // 5 : height // 2, width // 3 : width * 2 // 3]
        spreads.append(float(patch.std()))
    return spreads


@dataclass(frozen=True, slots=True)
class _BoneColumn:
    ridge: float
    above: npt.NDArray[np.uint8]
    below: npt.NDArray[np.uint8]
    around: npt.NDArray[np.uint8]
    fwhm_mm: float


def _bone_gates(pictures: list[SimulatedFrame]) -> list[Gate]:
    per_frame = []
    for picture in pictures:
        columns = list(_bone_columns(picture))
        if len(columns) >= 10:
            ridge = np.concatenate([c.around for c in columns])
            above, below = np.concatenate([c.above for c in columns]), np.concatenate([c.below for c in columns])
            per_frame.append(
                (
                    np.median([c.ridge for c in columns]),
                    np.median(above),
                    np.median(below),
                    np.median([c.fwhm_mm for c in columns]),
                    gcnr(ridge, above),
                    gcnr(above, below),
                )
            )
    ridge_m, above_m, below_m, fwhm, against_above, against_shadow = np.array(per_frame, dtype=np.float64).T
    return [
        Gate("bone ridge minus tissue above, median", float(np.median(ridge_m - above_m)), 60.0, 160.0, "grey"),
        Gate("shadow 1.5-6 mm below bone, median", float(np.median(below_m)), 5.0, 45.0, "grey"),
        Gate("frames whose bone shadow is pure black", float((below_m < 1).mean() * 100), 0.0, 25.0, "%"),
        Gate("bone ridge FWHM, median", float(np.median(fwhm)), 0.4, 1.5, "mm"),
        Gate("gCNR bone ridge against tissue above", float(np.median(against_above)), 0.69, 0.94, ""),
        Gate("gCNR tissue above against bone shadow", float(np.median(against_shadow)), 0.31, 0.78, ""),
    ]


def _bone_columns(picture: SimulatedFrame) -> Iterator[_BoneColumn]:
    """Vertical profiles through the bone where nothing lies above it and it is roughly horizontal.

    The ridge's region is a band of 0.8 mm on the labelled line, tissue and shadow are 1.5 to 6 mm above and below it.
    """
    mm = picture.mm_per_px
    blocked = picture.truth.class_map((picture.pixels.shape[0], picture.pixels.shape[1]), mm)
    bone = picture.truth.bone
    if len(bone) < 10:
        return
    slope = np.abs(np.gradient(bone[:, 1], bone[:, 0]))
    for (x_mm, z_mm), steep in zip(bone[::3], slope[::3], strict=True):
        column, row = round(x_mm / mm - 0.5), round(z_mm / mm - 0.5)
        shadow_end = row + round(6 / mm)
        if steep > 0.35 or not (0 <= column < picture.pixels.shape[1]) or shadow_end >= picture.pixels.shape[0]:
            continue
        if np.isin(blocked[:row, column], (1, 3)).any():
            continue
        line = picture.pixels[:, column]
        window = line[max(0, row - round(0.8 / mm)) : row + round(0.8 / mm)]
        peak = max(0, row - round(0.8 / mm)) + int(window.argmax())
        yield _BoneColumn(
            ridge=float(line[peak]),
            above=line[max(0, row - round(6 / mm)) : max(1, row - round(1.5 / mm))],
            below=line[row + round(1.5 / mm) : shadow_end],
            around=line[max(0, row - round(0.4 / mm)) : row + round(0.4 / mm) + 1],
            fwhm_mm=profile_fwhm(line, peak) * mm,
        )


def _needle_gates(pictures: list[SimulatedFrame], seed: int) -> list[Gate]:
    smooth = {angle: _needle_contrast(NeedleType.SMOOTH, angle, seed) for angle in (0, 10, 20, 30, 35, 45)}
    peak = max(smooth[0][0], smooth[10][0])
    steps = [smooth[b][0] - smooth[a][0] for a, b in ((0, 10), (10, 20), (20, 30), (30, 35), (35, 45))]
    fractions = [p.truth.needle.shaft_visible_fraction for p in pictures if p.truth.needle is not None]
    single = [random_world(seed + n).needle.lines == 1 for n in range(60)]
    return [
        Gate("smooth shaft contrast at 20 deg / peak", smooth[20][0] / peak, 0.70, 1.05, ""),
        Gate("smooth shaft contrast at 30 deg / peak", smooth[30][0] / peak, -0.05, 0.20, ""),
        Gate("smooth shaft contrast at 35 deg / peak", smooth[35][0] / peak, -0.05, 0.20, ""),
        Gate("greatest rise of smooth contrast with angle", max(steps) / peak, -1.0, 0.05, ""),
        Gate("least tip contrast, smooth, 0 to 45 deg", min(tip for _, tip in smooth.values()), 3.0, 20.0, "CNR"),
        Gate("smooth shaft contrast, peak", peak, 3.8, 14.0, "CNR"),
        Gate("frames with at most 60 % of the shaft visible", float(np.mean(np.array(fractions) <= 0.6) * 100), 10, 70, "%"),
        Gate("needles drawn as a single line", float(np.mean(single) * 100), 40, 75, "%"),
    ]


def _needle_contrast(kind: NeedleType, angle_deg: int, seed: int) -> tuple[float, float]:
    """Contrast-to-noise of shaft and tip against their surroundings, on the grey picture of a phantom with a needle."""
    probe, image = ProbeSettings(), ImageSettings(looks=3)
    chain = ImageChain(probe, image)
    maps = phantom_maps(probe, MARGIN_MM, echo_db=-32.0)
    tissue = _phantom_echoes(probe, maps, chain, seed)
    echo = NeedleEcho(NeedleSettings(kind=kind, lines=1, gap_fraction=0.0, echo_db=-4.0, loss_db=0.0, seed=3), probe)
    # Through the same mid-depth at every angle, so that the beam is the same.
    angle = np.deg2rad(angle_deg)
    half = 9.0
    entry = PointMm(19.2 - half * float(np.cos(angle)), 17.0 - half * float(np.sin(angle)))
    pose = NeedlePose(entry, EntrySide.LEFT, float(angle_deg), 2 * half)
    drawn, _ = echo.draw(pose, PointMm(0.0, 0.0))
    picture = chain.picture(Echoes(tissue.diffuse, tissue.specular + drawn), np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    without = chain.picture(tissue, rng).astype(np.float64)
    along = np.linspace(3.0, 2 * half - 4.0, 60)
    shaft = _peak_along(picture, image.mm_per_px, entry, angle, along)
    tip = _peak_along(picture, image.mm_per_px, entry, angle, np.linspace(2 * half - 0.6, 2 * half, 5))
    noise = _peak_along(without.astype(np.uint8), image.mm_per_px, entry, angle, along)
    spread = float(without[120:220, 60:320].std())
    return (float(shaft.mean() - noise.mean()) / spread, float(tip.max() - noise.mean()) / spread)


def _peak_along(
    picture: GreyImage, mm: float, entry: PointMm, angle: float, along: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    columns = np.rint((entry.x_mm + along * np.cos(angle)) / mm - 0.5).astype(int)
    rows = np.rint((entry.z_mm + along * np.sin(angle)) / mm - 0.5).astype(int)
    return np.asarray(np.max([picture[rows + shift, columns] for shift in (-1, 0, 1)], axis=0), dtype=np.float64)


def _temporal_gates(seed: int) -> list[Gate]:
    world = World(seed=seed, image=ImageSettings(looks=2))
    probe = SimulatedProbe(world)
    reference = probe.render(SceneState()).pixels
    correlation = [
        _correlation(reference, probe.render(SceneState(drift_mm=shift)).pixels) for shift in (0.0, 0.05, 0.1, 0.2, 0.4)
    ]
    rises = [later - earlier for earlier, later in pairwise(correlation)]
    return [
        Gate("correlation of two frames, nothing moves", correlation[0], 0.97, 1.0, ""),
        Gate("correlation after 0.05 mm of drift", correlation[1], 0.90, 1.0, ""),
        Gate("greatest rise of correlation with drift", max(rises), -1.0, 0.0, ""),
    ]


def _correlation(first: GreyImage, second: GreyImage) -> float:
    """Correlation of the deltoid's speckle, where texture and not layers dominate."""
    patch = (slice(70, 130), slice(60, 320))
    return float(np.corrcoef(first[patch].ravel(), second[patch].ravel())[0, 1])
