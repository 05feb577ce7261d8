"""How the texture of the shaft slides along its axis: it tells that a needle goes in whose tip is not seen.

Where the plane cuts an oblique needle, the end of what is seen of it stands still however far it is pushed, and moves when only the probe
tilts. The bright and dark spots of the shaft travel with the needle. Grey values along the axis over the last half second are freed
of what stands still in them (tissue, the beam's fall-off), then correlated along straight paths, one for each speed inwards.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from barbotage_device.perception.axis_filter import Axis
from barbotage_device.perception.plane import Plane
from barbotage_models.contract.geometry import GreyImage, PointMm

NS_PER_S = 1_000_000_000
STEP_MM = 0.3
"""Between samples along the axis: two canonical pixels, averaged. Half of it costs twice the time and tells no more."""
SAMPLES = 120
"""36 mm; longer shafts are looked at over their first 36 mm."""
BESIDE_PX = np.arange(-2, 3)
"""Rows averaged across the axis: 0.75 mm, the width of a shaft's front wall and what the axis errs. Best of 2, 3, 4 tried."""
SKIPPED_MM = 0.6
"""At the picture's edge, where the axis leaves it."""
WINDOW_S = 0.5
"""Time over which paths are followed. Shorter ones tell less (0.4 s), longer ones come too late for a prompt after 0.5 s."""
PERIOD_S = 0.03
"""Profiles nearer in time than this are left out, so that a fast grabber costs no more than 30 Hz."""
MIN_PROFILES, MIN_SPAN_S = 5, 0.4
"""Less than this, and nothing is said."""
MIN_SHAFT_MM = 3.0
DETREND_MM = 4.0
"""Slower changes along the shaft are taken for the beam's fall-off. 2.3, 4 and 6 mm tried; 4 is best."""
SPEEDS_MM_S = np.arange(2.0, 10.5, 1.0)
"""Of the paths, inwards. What stands still is taken out, which takes most out of slow paths: one of 1 mm/s would never be the best. A
texture that creeps is therefore, if at all, taken for one of 2 mm/s."""
SMOOTHED_S = 0.15
"""The correlations are averaged over the last so long, against flicker."""
BEGIN_CORRELATION, KEEP_CORRELATION = 0.33, 0.25
"""Mean correlation along a path from which the texture slides, and down to which it goes on. Unpublished defaults, from simulated needles
only (docs/procedure.md, Prompt statistics)."""
TISSUE_SHARE = 0.5
"""When the tissue moves along the axis by more than this share of the texture's speed, it is the probe that slides. Unpublished default."""
FLAT_GREY = 2.0
"""A shaft whose grey deviates less than this along it (saturated, or quite even) has no texture that could be seen to slide. Unpublished
default; simulated shafts have 2.8 or more in 95 % of the frames."""

Profiles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Profile:
    capture_ns: int
    texture: Profiles
    """Mean grey (SAMPLES,) at steps from where the axis enters the picture, less its running mean."""
    seen_mm: float
    """Where the visible shaft ends."""
    tissue_mm: float
    """How far the tissue has moved along the axis since the first frame."""


class ShaftSlide:
    """Follows the texture of one shaft. Not for use from several threads at once."""

    def __init__(self) -> None:
        self._profiles: deque[_Profile] = deque()
        self._curves: deque[tuple[int, Profiles]] = deque()
        self._tissue_mm = 0.0
        self._flat = False
        self._speed_mm_s = 0.0

    @property
    def flat(self) -> bool:
        """Whether the shaft has no texture, so that ``speed_mm_s`` means nothing."""
        return self._flat

    @property
    def speed_mm_s(self) -> float:
        """Speed of the shaft, inwards, in steps of 1 mm/s; 0 when it stands or is drawn back. A creeping one counts as 2 mm/s or not at all."""
        return self._speed_mm_s

    def moved(self, shift: PointMm | None, axis: Axis) -> None:
        """Takes in how far the tissue moved since the frame before, None when it is not known."""
        if shift is not None:
            self._tissue_mm += shift.x_mm * axis.dx + shift.z_mm * axis.dz

    def record(
        self, capture_ns: int, axis: Axis, ends: tuple[PointMm, PointMm], pixels: GreyImage, plane: Plane, wanted: bool
    ) -> None:
        """Takes in a canonical picture; ``ends`` are where the axis enters the picture and where the visible shaft ends.

        ``wanted`` is False when nobody will ask for the speed (the tip is seen): the picture is only kept for later.
        """
        if self._profiles and capture_ns - self._profiles[-1].capture_ns < PERIOD_S * NS_PER_S:
            return
        entry, end = ends
        seen_mm = axis.along_mm(end) - axis.along_mm(entry)
        self._profiles.append(_Profile(capture_ns, _detrended(_grey_along(axis, entry, pixels, plane)), seen_mm, self._tissue_mm))
        while capture_ns - self._profiles[0].capture_ns > WINDOW_S * NS_PER_S:
            self._profiles.popleft()
        if wanted:
            self._measure(capture_ns)
        else:
            self._curves.clear()
            self._flat, self._speed_mm_s = False, 0.0

    def clear(self) -> None:
        """Forgets everything: the shaft is gone or another."""
        self._profiles.clear()
        self._curves.clear()
        self._flat, self._speed_mm_s = False, 0.0

    def _measure(self, now_ns: int) -> None:
        profiles = list(self._profiles)
        first = round(SKIPPED_MM / STEP_MM)
        last = min(SAMPLES, round(sorted(one.seen_mm for one in profiles)[len(profiles) // 2] / STEP_MM))
        short = now_ns - profiles[0].capture_ns < MIN_SPAN_S * NS_PER_S
        if short or len(profiles) < MIN_PROFILES or (last - first) * STEP_MM < MIN_SHAFT_MM:
            self._flat, self._speed_mm_s = False, 0.0
            return
        texture = np.stack([one.texture[first:last] for one in profiles])
        self._flat = float(texture.mean(axis=0).std()) < FLAT_GREY
        times_s = np.array([(one.capture_ns - now_ns) / NS_PER_S for one in profiles])
        self._curves.append((now_ns, path_correlations(texture, times_s)))
        while now_ns - self._curves[0][0] > SMOOTHED_S * NS_PER_S:
            self._curves.popleft()
        mean = np.add.reduce([curve for _, curve in self._curves]) / len(self._curves)
        best = int(mean.argmax())
        needed = KEEP_CORRELATION if self._speed_mm_s > 0.0 else BEGIN_CORRELATION
        speed_mm_s = float(SPEEDS_MM_S[best])
        tissue_mm_s = (profiles[-1].tissue_mm - profiles[0].tissue_mm) / -float(times_s[0])
        slides = mean[best] >= needed and not self._flat
        self._speed_mm_s = speed_mm_s if slides and tissue_mm_s <= TISSUE_SHARE * speed_mm_s else 0.0


def path_correlations(texture: Profiles, times_s: Profiles) -> Profiles:
    """How alike the grey values on straight paths through ``texture`` (frames, samples) are, for each of ``SPEEDS_MM_S``.

    What stands still in the picture is taken out before: each sample's mean over time, then each frame's mean. Given is the mean
    correlation of all pairs of frames on a path (intraclass correlation): 1 for a texture that slides with just this speed, near 0 for noise.
    """
    frames, samples = texture.shape
    moving = texture - texture.mean(axis=0)
    moving -= moving.mean(axis=1, keepdims=True)
    shifts = np.rint(SPEEDS_MM_S[:, None] * times_s / STEP_MM).astype(np.int64)
    pad = int(np.abs(shifts).max())
    padded = np.zeros((2, frames, samples + 2 * pad))
    padded[0, :, pad : pad + samples] = moving
    padded[1, :, pad : pad + samples] = 1.0
    places = shifts[:, :, None] + np.arange(pad, pad + samples)
    values, known = padded[:, np.arange(frames)[:, None], places]
    count, squares = known.sum(axis=1), (values**2).sum(axis=1)
    used = count >= max(3.0, frames / 2)
    pairs = np.where(used, (values.sum(axis=1) ** 2 - squares) / np.maximum(count - 1.0, 1.0), 0.0).sum(axis=1)
    return np.asarray(pairs / np.maximum((squares * used).sum(axis=1), 1e-9), dtype=np.float64)


def _grey_along(axis: Axis, entry: PointMm, pixels: GreyImage, plane: Plane) -> Profiles:
    """Mean grey across the axis at steps from its entry; nearest pixels, so that every machine reads the same."""
    along_mm = (np.arange(2 * SAMPLES) / 2 - 0.25) * STEP_MM
    x_px = (entry.x_mm + along_mm * axis.dx - plane.x0_mm) / plane.x_mm_per_px
    y_px = (entry.z_mm + along_mm * axis.dz - plane.z0_mm) / plane.z_mm_per_px
    columns = np.minimum(np.maximum(x_px - BESIDE_PX[:, None] * axis.dz + 0.5, 0.0), plane.used_w_px - 1).astype(np.int64)
    rows = np.minimum(np.maximum(y_px + BESIDE_PX[:, None] * axis.dx + 0.5, 0.0), plane.used_h_px - 1).astype(np.int64)
    grey = pixels[rows, columns].sum(axis=0, dtype=np.int64).reshape(SAMPLES, 2).sum(axis=1)
    return np.asarray(grey / (2 * len(BESIDE_PX)), dtype=np.float64)


def _detrended(grey: Profiles) -> Profiles:
    """A profile less its running mean; the ends are mirrored."""
    half = round(DETREND_MM / STEP_MM / 2)
    sums = np.concatenate([grey[half + 1 : 0 : -1], grey, grey[-2 : -half - 2 : -1]]).cumsum()
    width = 2 * half + 1
    return np.asarray(grey - (sums[width:] - sums[:-width]) / width, dtype=np.float64)
