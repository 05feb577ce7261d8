"""The needle in the beam: pose, type, and the echo it gives.

Angle fall-off and contrast follow the measurements of realism.md section 3 (van de Berg): a smooth steel shaft keeps its contrast
to 20 degrees off the perpendicular and has lost it at 30 to 35; Chiba and grooved needles fade later; the tip stays visible.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide
from barbotage_models.simulator.settings import ProbeSettings
from barbotage_models.simulator.truth import NeedleTruth

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

VISIBLE_CONTRAST = 1.6
"""A piece of shaft whose echo is less than this times the mean echo around it is taken as not visible (about 4 dB)."""
VISIBLE_FLOOR = 10 ** (-38 / 20)
"""Nor is one that a picture of usual dynamic range shows as black."""


SEGMENT_STEPS = 20
"""Longest labelled piece of shaft, in steps of 0.2 mm."""


class NeedleType(StrEnum):
    """Surface, which decides how the echo falls off with the angle."""

    SMOOTH = "smooth"
    CHIBA = "chiba"
    ETCHED = "etched"


FALL_OFF_DB_AT_20_DEG = 8.0
FALL_OFF_POWER = 4.0
PLATEAU_DB: dict[NeedleType, float] = {NeedleType.SMOOTH: 60.0, NeedleType.CHIBA: 18.0, NeedleType.ETCHED: 4.0}
"""Loss at which a rough surface stops fading; it then loses ``PLATEAU_DB_PER_DEG`` more beyond 30 degrees."""
PLATEAU_DB_PER_DEG = 0.15


@dataclass(frozen=True, slots=True)
class NeedleSettings:
    """One needle. ``diameter_mm``: 18G is 1.27, 20G 0.91, 22G 0.72."""

    kind: NeedleType = NeedleType.SMOOTH
    diameter_mm: float = 1.27
    echo_db: float = 2.0
    lines: int = 2
    """Echo lines drawn: front wall, back wall, then reverberations."""
    line_decay_db: float = 6.0
    width_mm: float = 0.18
    """Standard deviation of one line's profile across the shaft."""
    gap_fraction: float = 0.1
    """Share of the shaft that is broken by gaps."""
    tip_gain_db: float = 3.0
    bend_mm: float = 0.0
    """Sagitta of the bent shaft when 40 mm are inserted; puncture and tip stay on the straight line between them."""
    loss_db: float = 5.0
    """Two-way loss below the shaft."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class NeedlePose:
    """Where the needle is, in tissue coordinates.

    ``entry`` is the skin puncture; ``inserted_mm`` the length from there to the tip; ``tilt_deg`` the angle out of the plane and
    ``offset_mm`` the distance from the plane at the puncture.
    """

    entry: PointMm
    side: EntrySide
    angle_deg: float
    inserted_mm: float
    tilt_deg: float = 0.0
    offset_mm: float = 0.0

    @property
    def direction(self) -> tuple[float, float]:
        """Unit vector (x, z) of the shaft in the plane, towards the tip."""
        angle = np.deg2rad(self.angle_deg)
        sign = 1.0 if self.side is EntrySide.LEFT else -1.0
        return float(sign * np.cos(angle)), float(np.sin(angle))

    @property
    def tip(self) -> PointMm:
        """The tip, projected onto the plane."""
        length = self.inserted_mm * float(np.cos(np.deg2rad(self.tilt_deg)))
        dx, dz = self.direction
        return PointMm(self.entry.x_mm + length * dx, self.entry.z_mm + length * dz)


def angle_gain(kind: NeedleType, angle_deg: float) -> float:
    """Echo amplitude at an angle from the transducer face, relative to 0 degrees."""
    specular_db = FALL_OFF_DB_AT_20_DEG * (angle_deg / 20.0) ** FALL_OFF_POWER
    rough_db = PLATEAU_DB[kind] + PLATEAU_DB_PER_DEG * max(0.0, angle_deg - 30.0)
    return float(10 ** (-min(specular_db, rough_db) / 20))


class NeedleEcho:
    """Draws a needle on the scan grid; gaps and brightness variations are fixed to the needle."""

    _TABLE_MM = 0.25

    def __init__(self, needle: NeedleSettings, probe: ProbeSettings) -> None:
        self._needle = needle
        self._probe = probe
        rng = np.random.default_rng(needle.seed)
        count = int(120 / self._TABLE_MM)
        wander = np.convolve(rng.standard_normal(count + 16), np.ones(17) / np.sqrt(17), "valid")
        gain = 10 ** (2.5 * wander / 20)
        if needle.gap_fraction > 0:
            field = np.convolve(rng.standard_normal(count + 24), np.ones(25) / 5, "valid")
            gain = np.where(field > np.quantile(field, 1 - needle.gap_fraction), gain * 0.06, gain)
        self._gain = gain
        self._phase = rng.uniform(0, 2 * np.pi)

    def profile(self, pose: NeedlePose, along_mm: Float64) -> Float64:
        """Relative amplitude along the shaft at distances from the puncture: beam, angle, gaps; 0 beyond the tip.

        Gaps travel with the needle, so they are looked up from the tip backwards.
        """
        off_plane = pose.offset_mm + np.sin(np.deg2rad(pose.tilt_deg)) * along_mm
        beam = np.exp(-((off_plane / self._probe.elevation_sigma_mm) ** 2))
        back_mm = pose.inserted_mm - along_mm
        index = np.clip((back_mm / self._TABLE_MM).astype(int), 0, len(self._gain) - 1)
        shaft = angle_gain(self._needle.kind, pose.angle_deg) * self._gain[index]
        tip_gain = 10 ** (self._needle.tip_gain_db / 20)
        tip = tip_gain * np.exp(-0.5 * (back_mm / 0.7) ** 2)
        return np.where(back_mm >= 0, beam * np.maximum(shaft, tip), 0.0)

    def amplitude(self, pose: NeedlePose, along_mm: Float64) -> Float64:
        """Echo amplitude along the shaft, full scale 1."""
        return np.asarray(self.profile(pose, along_mm) * 10 ** (self._needle.echo_db / 20), dtype=np.float64)

    def sag(self, pose: NeedlePose, along_mm: Float64) -> Float64:
        """How far the bent shaft lies below its chord from puncture to tip, in mm, at distances along it."""
        length = max(pose.inserted_mm, 1.0)
        share = np.clip(along_mm / length, 0.0, 1.0)
        return np.asarray(4 * self._needle.bend_mm * (length / 40.0) ** 2 * share * (1 - share), dtype=np.float64)

    def draw(self, pose: NeedlePose, shift: PointMm) -> tuple[Float32, Float32]:
        """Specular amplitude and local loss in dB per sample, both (samples, lines), of the needle in the picture."""
        probe = self._probe
        x = np.asarray((np.arange(probe.lines) + 0.5) * probe.pitch_mm, dtype=np.float64)
        z = np.asarray(((np.arange(probe.samples) + 0.5) * probe.sample_mm)[:, None], dtype=np.float64)
        dx, dz = pose.direction
        along = (x - pose.entry.x_mm - shift.x_mm) / dx
        inside = (along >= 0) & (along <= pose.inserted_mm + 1.0)
        centre = pose.entry.z_mm + shift.z_mm + along * dz + self.sag(pose, along)
        amplitude = self.amplitude(pose, along) * inside
        soft_end = np.clip((pose.inserted_mm + 0.2 - along) / 0.4, 0, 1)
        amplitude = (amplitude * soft_end).astype(np.float32)
        image = np.zeros((probe.samples, probe.lines), dtype=np.float32)
        columns = np.flatnonzero(amplitude > 1e-4)
        if columns.size:
            band = self._lines(z, centre[columns], dz)
            image[:, columns] = band * amplitude[columns]
        covered = (inside & (soft_end > 0.5)).astype(np.float32)
        beam = np.exp(-(((pose.offset_mm + np.sin(np.deg2rad(pose.tilt_deg)) * along) / probe.elevation_sigma_mm) ** 2))
        per_sample = self._needle.loss_db * probe.sample_mm / 0.5
        at_shaft = (np.abs(z - centre - self._needle.diameter_mm / 2) < 0.25).astype(np.float32)
        return image, np.asarray(at_shaft * (covered * beam * per_sample), dtype=np.float32)

    def _lines(self, z: Float64, centre: Float64, dz: float) -> Float32:
        needle = self._needle
        cosine = float(np.sqrt(max(1 - dz * dz, 0.05)))
        spacing = needle.diameter_mm / cosine
        sigma = needle.width_mm / cosine
        total = np.zeros((z.shape[0], centre.size), dtype=np.float32)
        for number in range(needle.lines):
            level = 10 ** (-number * needle.line_decay_db / 20)
            offset = (z - centre - number * spacing) / sigma
            total += (level * np.exp(-0.5 * np.minimum(offset**2, 60.0))).astype(np.float32)
        return total


def needle_truth(
    needle: NeedleEcho, pose: NeedlePose, shift: PointMm, probe: ProbeSettings, background: Float32
) -> NeedleTruth | None:
    """The label of a needle, or None when no part of it lies in the picture.

    ``background`` (samples, lines) is the echo amplitude without the needle: what the beam shows is what stands out from it.
    """
    dx, dz = pose.direction
    cosine = float(np.cos(np.deg2rad(pose.tilt_deg)))
    along = np.append(np.arange(0.0, pose.inserted_mm, 0.2), pose.inserted_mm)
    x = pose.entry.x_mm + shift.x_mm + along * cosine * dx
    z = pose.entry.z_mm + shift.z_mm + along * cosine * dz + needle.sag(pose, along)
    inside = (x >= 0) & (x <= probe.width_mm) & (z >= 0) & (z <= probe.depth_mm)
    if not inside.any():
        return None
    visible = inside & _stands_out(needle.amplitude(pose, along), x, z, probe, background)
    first = int(np.flatnonzero(inside)[0])
    tip_visible = bool(inside[-1]) and bool(visible[along >= pose.inserted_mm - 1.5].mean() > 0.5)
    return NeedleTruth(
        tip=PointMm(float(x[-1]), float(z[-1])),
        entry=PointMm(float(x[first]), float(z[first])),
        angle_deg=pose.angle_deg,
        side=pose.side,
        tip_visible=tip_visible,
        shaft_visible_fraction=float(visible.sum() / inside.sum()),
        visible_segments=_runs(visible, x, z),
    )


def _stands_out(echo: Float64, x: Float64, z: Float64, probe: ProbeSettings, background: Float32) -> npt.NDArray[np.bool_]:
    around = cv2.blur(background, (max(1, round(2.0 / probe.pitch_mm)), max(1, round(1.2 / probe.sample_mm))))
    column = np.clip((x / probe.pitch_mm).astype(int), 0, probe.lines - 1)
    row = np.clip((z / probe.sample_mm).astype(int), 0, probe.samples - 1)
    return np.asarray(echo > np.maximum(VISIBLE_CONTRAST * around[row, column], VISIBLE_FLOOR), dtype=np.bool_)


def _runs(visible: npt.NDArray[np.bool_], x: Float64, z: Float64) -> Float64:
    """Ends of the visible pieces, (n, 2, 2), each at most ``SEGMENT_STEPS`` long so that they follow a bend."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], visible.astype(np.int8), [0]])))
    pieces = []
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - start >= 3:
            cuts = [*range(start, stop - 1, SEGMENT_STEPS), stop - 1]
            pieces += [[[x[a], z[a]], [x[b], z[b]]] for a, b in pairwise(cuts)]
    return np.asarray(pieces, dtype=np.float64).reshape(-1, 2, 2)
