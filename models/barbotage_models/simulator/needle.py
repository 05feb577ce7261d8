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
from scipy.signal import lfilter

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide
from barbotage_models.simulator.settings import ProbeSettings
from barbotage_models.simulator.truth import NeedleTruth

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

VISIBLE_CONTRAST = 1.6
"""A piece of shaft whose echo is less than this times the mean echo around it is taken as not visible (about 4 dB)."""
VISIBLE_FLOOR = 10 ** (-50 / 20)
"""Nor is one that a picture of usual dynamic range shows as black."""

SEGMENT_STEPS = 20
"""Longest labelled piece of shaft, in steps of 0.2 mm."""


SILENT_DB = -60.0
"""Artefacts below this level are not drawn."""
GROOVE_ECHO = 0.7
"""Echo of a grooved pattern relative to a smooth shaft seen at right angles: flat over the angle (EDM-grooved needle, contrast 7.5 to 11)."""


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
    steer_deg: float = 0.0
    """The beam is steered towards the shaft by this angle, as needle enhancement does: the fall-off starts later."""
    bevel_mm: float = 0.0
    """Length of the bevel. Positive: it faces the probe, the front wall slopes down to the tip. Negative: the back wall rises."""
    groove_mm: float = 0.0
    """Period of an echogenic pattern (grooves, dimples); 0: none. It is seen at any angle."""
    grooved_mm: float = 15.0
    """Length of the pattern from the tip."""
    comet_db: float = -90.0
    """Echo of the tail below strong parts of the shaft (ring-down), relative to the shaft."""
    comet_mm: float = 3.0
    """Distance over which the tail fades by 8.7 dB."""
    ghost_db: float = -90.0
    """Echo of the shaft's mirror image at twice its depth (beam reflected by the probe's face), relative to the shaft."""
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
        self._comet = np.clip(np.convolve(rng.standard_normal(count + 6), np.ones(7) / np.sqrt(7), "valid") - 0.9, 0, 1.5)

    def profile(self, pose: NeedlePose, along_mm: Float64) -> Float64:
        """Relative amplitude along the shaft at distances from the puncture: beam, angle, gaps; 0 beyond the tip.

        Gaps travel with the needle, so they are looked up from the tip backwards.
        """
        off_plane = pose.offset_mm + np.sin(np.deg2rad(pose.tilt_deg)) * along_mm
        beam = np.exp(-((off_plane / self._probe.elevation_sigma_mm) ** 2))
        back_mm = pose.inserted_mm - along_mm
        index = np.clip((back_mm / self._TABLE_MM).astype(int), 0, len(self._gain) - 1)
        off_beam_deg = max(0.0, abs(pose.angle_deg) - self._needle.steer_deg)
        shaft = angle_gain(self._needle.kind, off_beam_deg) * self._gain[index]
        shaft = np.maximum(shaft, self._grooves(back_mm))
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

    def _grooves(self, back_mm: Float64) -> Float64:
        """Echo of the pattern at distances back from the tip: dots that are seen at any angle."""
        needle = self._needle
        if needle.groove_mm <= 0:
            return np.zeros_like(back_mm)
        dots = np.clip(np.cos(2 * np.pi * back_mm / needle.groove_mm), 0, 1) ** 2
        return np.where((back_mm > 1.0) & (back_mm < needle.grooved_mm), (0.15 + 0.85 * dots) * GROOVE_ECHO, 0.0)

    def offset(self, pose: NeedlePose, along_mm: Float64) -> Float64:
        """Distance of the front wall from the chord, across the shaft and away from the probe, in mm: bend and bevel."""
        needle = self._needle
        bend = self.sag(pose, along_mm) * abs(pose.direction[0])
        if needle.bevel_mm <= 0:
            return bend
        back_mm = np.clip(pose.inserted_mm - along_mm, 0, needle.bevel_mm)
        return np.asarray(bend + needle.diameter_mm * (1 - back_mm / needle.bevel_mm), dtype=np.float64)

    def path(self, pose: NeedlePose, shift: PointMm, along_mm: Float64) -> tuple[Float64, Float64]:
        """Picture coordinates (x_mm, z_mm) of the front wall at distances along the shaft's projection."""
        (dx, dz), across = pose.direction, self.offset(pose, along_mm)
        down = 1.0 if dx >= 0 else -1.0
        x = pose.entry.x_mm + shift.x_mm + along_mm * dx - across * dz * down
        return x, np.asarray(pose.entry.z_mm + shift.z_mm + along_mm * dz + across * dx * down, dtype=np.float64)

    def draw(self, pose: NeedlePose, shift: PointMm) -> tuple[Float32, Float32]:
        """Specular amplitude and local loss in dB per sample, both (samples, lines), of the needle in the picture."""
        probe, needle = self._probe, self._needle
        cosine = float(np.cos(np.deg2rad(pose.tilt_deg)))
        length = pose.inserted_mm * cosine
        along, across = self._needle_coordinates(pose, shift)
        steps = np.arange(0.0, length + 0.05, 0.05)
        wall = np.interp(along, steps, self.offset(pose, steps / max(cosine, 0.05))).astype(np.float32)
        amplitude = np.interp(along, steps, self.amplitude(pose, steps / max(cosine, 0.05))).astype(np.float32)
        amplitude *= np.clip((length + 0.15 - along) / 0.3, 0, 1) * (along >= 0)
        image = self._lines(across - wall, along, length) * amplitude
        if needle.comet_db > SILENT_DB:
            image = image + self._comets(image)
        if needle.ghost_db > SILENT_DB:
            image = image + self._ghost(image)
        off_plane = pose.offset_mm + np.sin(np.deg2rad(pose.tilt_deg)) * along / max(cosine, 0.05)
        beam = np.exp(-((off_plane / probe.elevation_sigma_mm) ** 2))
        covered = (along >= 0) & (along <= length) & (np.abs(across - wall - needle.diameter_mm / 2) < 0.25)
        steep = max(abs(pose.direction[0]), 0.3)
        loss = covered * beam * np.float32(needle.loss_db * probe.sample_mm / 0.5 * steep)
        return np.asarray(image, dtype=np.float32), np.asarray(loss, dtype=np.float32)

    def _needle_coordinates(self, pose: NeedlePose, shift: PointMm) -> tuple[Float32, Float32]:
        """Distance along the shaft and across it (positive away from the probe) of every pixel, (samples, lines)."""
        probe = self._probe
        dx, dz = pose.direction
        down = 1.0 if dx >= 0 else -1.0
        x = ((np.arange(probe.lines) + 0.5) * probe.pitch_mm - pose.entry.x_mm - shift.x_mm).astype(np.float32)[None, :]
        z = ((np.arange(probe.samples) + 0.5) * probe.sample_mm - pose.entry.z_mm - shift.z_mm).astype(np.float32)[:, None]
        along = np.asarray(x * dx + z * dz, dtype=np.float32)
        return along, np.asarray(z * (dx * down) - x * (dz * down), dtype=np.float32)

    def _lines(self, across: Float32, along: Float32, length: float) -> Float32:
        """Front wall, back wall and reverberations; at a bevel that faces away the further lines converge on the front wall."""
        needle = self._needle
        sigma = np.float32(needle.width_mm)
        spacing = np.full_like(across, needle.diameter_mm)
        if needle.bevel_mm != 0:
            spacing *= np.clip((np.float32(length) - along) / np.float32(abs(needle.bevel_mm)), 0.0, 1.0)
        total = np.zeros_like(across)
        for number in range(needle.lines):
            level = np.float32(10 ** (-number * needle.line_decay_db / 20))
            total += level * np.exp(np.float32(-0.5) * np.minimum(((across - number * spacing) / sigma) ** 2, 60.0))
        return total

    def _comets(self, image: Float32) -> Float32:
        """Tails straight below the shaft where it rings, with the bands of a reverberation."""
        needle, probe = self._needle, self._probe
        decay = float(np.exp(-probe.sample_mm / needle.comet_mm))
        tail = lfilter([1.0], [1.0, -decay], image, axis=0).astype(np.float32)
        per_line = probe.sample_mm / max(2.5 * needle.width_mm, probe.sample_mm)
        columns = np.interp(np.arange(probe.lines) * probe.pitch_mm, np.arange(len(self._comet)) * self._TABLE_MM, self._comet)
        bands = 0.6 + 0.4 * np.cos(2 * np.pi * np.arange(probe.samples) * probe.sample_mm / needle.diameter_mm)
        gain = np.float32(10 ** (needle.comet_db / 20) * per_line)
        return np.asarray(tail * gain * columns.astype(np.float32) * bands.astype(np.float32)[:, None], dtype=np.float32)

    def _ghost(self, image: Float32) -> Float32:
        """The shaft again at twice the depth, blurred."""
        rows = (np.arange(image.shape[0]) // 2)[:, None]
        again = image[np.broadcast_to(rows, image.shape), np.arange(image.shape[1])[None, :]]
        soft = cv2.GaussianBlur(np.ascontiguousarray(again), (0, 0), sigmaX=1.5, sigmaY=2.0)
        return np.asarray(soft * np.float32(10 ** (self._needle.ghost_db / 20)), dtype=np.float32)


def needle_truth(
    needle: NeedleEcho, pose: NeedlePose, shift: PointMm, probe: ProbeSettings, background: Float32
) -> NeedleTruth | None:
    """The label of a needle, or None when no part of it lies in the picture.

    ``background`` (samples, lines) is the echo amplitude without the needle: what the beam shows is what stands out from it.
    """
    cosine = float(np.cos(np.deg2rad(pose.tilt_deg)))
    along = np.append(np.arange(0.0, pose.inserted_mm, 0.2), pose.inserted_mm)
    x, z = needle.path(pose, shift, along * cosine)
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
