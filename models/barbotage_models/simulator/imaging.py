"""From echo fields to a grey picture: point-spread function, compounding, clutter, gain, log compression, grey map."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from barbotage_models.contract.geometry import GreyImage
from barbotage_models.simulator.settings import ImageSettings, ProbeSettings
from barbotage_models.simulator.speckle import Complex64

Float32 = npt.NDArray[np.float32]

ZONES = 8
SIDE_LOBE = 10 ** (-38 / 20)
"""Pedestal of the lateral beam profile, -38 dB (realism.md section 1)."""
TGC_LIMIT_DB = 50.0
"""A scanner's time-gain compensation ends somewhere; beyond it the picture fades."""


@dataclass(frozen=True, slots=True)
class Echoes:
    """What comes back: ``diffuse`` complex (samples, lines) from scatterers; ``specular`` real (samples, lines) from
    smooth surfaces, without carrier phase (a tilted surface with it would cancel within the beam); both attenuated and compensated by ``ImageChain.tgc``, full scale 1.
    """

    diffuse: Complex64
    specular: Float32


class ImageChain:
    """The signal path of one scanner setting; kernels are made once."""

    def __init__(self, probe: ProbeSettings, image: ImageSettings) -> None:
        self._probe = probe
        self._image = image
        self._axial = _gaussian_kernel(probe.axial_fwhm_mm * 1.1 / probe.sample_mm)
        self._zones = _zones(probe)
        self._looks = _look_modulations(probe, image.looks)
        depth_cm = (np.arange(probe.samples, dtype=np.float32) + 0.5) * probe.sample_mm / 10
        tgc_db = np.minimum(2 * image.tgc_db_per_cm_mhz * probe.frequency_mhz * depth_cm, TGC_LIMIT_DB)
        if image.tgc_sliders_db:
            places = np.linspace(0, probe.depth_mm / 10, len(image.tgc_sliders_db))
            tgc_db = tgc_db + np.interp(depth_cm, places, image.tgc_sliders_db)
        self._tgc = (10 ** (tgc_db / 20)).astype(np.float32)[:, None]
        self._previous: Float32 | None = None

    def envelope(self, echoes: Echoes) -> list[Float32]:
        """The envelope of each look, (samples, lines), before clutter, noise and compression."""
        specular = self._blur(echoes.specular)
        looks: list[Float32] = []
        for modulation in self._looks:
            field = echoes.diffuse if modulation is None else echoes.diffuse * modulation
            real = self._blur(np.ascontiguousarray(field.real)) + specular
            imaginary = self._blur(np.ascontiguousarray(field.imag))
            looks.append(np.asarray(cv2.magnitude(real, imaginary), dtype=np.float32))
        return looks

    def picture(self, echoes: Echoes, rng: np.random.Generator) -> GreyImage:
        """Grey uint8 (h, w) with square pixels of ``mm_per_px``; remembers the last picture when there is persistence."""
        log = self._log_image(self._detected(echoes, rng))
        if self._image.persistence > 0:
            if self._previous is not None:
                mixed = self._image.persistence * self._previous + (1 - self._image.persistence) * log
                log = np.asarray(mixed, dtype=np.float32)
            self._previous = log
        grey = np.clip(log, 0, 1)
        if self._image.gamma != 1.0:
            grey = np.power(grey, np.float32(self._image.gamma))
        scan = np.asarray(np.rint(grey * 255), dtype=np.uint8)
        width = round(self._probe.width_mm / self._image.mm_per_px)
        height = round(self._probe.depth_mm / self._image.mm_per_px)
        return np.asarray(cv2.resize(scan, (width, height), interpolation=cv2.INTER_LINEAR_EXACT), dtype=np.uint8)

    def _detected(self, echoes: Echoes, rng: np.random.Generator) -> Float32:
        looks = self.envelope(echoes)
        mean = looks[0] if len(looks) == 1 else sum(looks[1:], looks[0]) * np.float32(1 / len(looks))
        clutter = self._clutter(mean)
        noise = np.float32(10 ** (self._image.noise_db / 20)) * self._tgc
        haze = _haze(rng, mean.shape, len(looks))
        return np.asarray(cv2.magnitude(mean, (clutter + noise) * haze), dtype=np.float32)

    def _clutter(self, envelope: Float32) -> Float32:
        decay = float(np.exp(-self._probe.sample_mm / self._image.clutter_length_mm))
        tail = lfilter([1 - decay], [1, -decay], envelope, axis=0).astype(np.float32)
        wide = cv2.blur(tail, (9, 1))
        return np.asarray(wide * np.float32(10 ** (self._image.clutter_db / 20) * 8), dtype=np.float32)

    def _log_image(self, envelope: Float32) -> Float32:
        image = self._image
        log = np.log10(np.maximum(envelope, np.float32(1e-6)), dtype=np.float32)
        log = (20 * log + np.float32(image.gain_db + image.dynamic_range_db)) / np.float32(image.dynamic_range_db)
        np.clip(log, -0.1, 1.05, out=log)
        if image.smoothing_mm > 0:
            sx, sz = image.smoothing_mm / self._probe.pitch_mm, image.smoothing_mm / self._probe.sample_mm
            log = np.asarray(cv2.GaussianBlur(log, (0, 0), sigmaX=sx, sigmaY=sz), dtype=np.float32)
        if image.edge > 0:
            soft = cv2.GaussianBlur(log, (0, 0), sigmaX=0.4 / self._probe.pitch_mm, sigmaY=0.4 / self._probe.sample_mm)
            log = log + np.float32(image.edge) * (log - soft)
        return np.asarray(log, dtype=np.float32)

    def _blur(self, field: Float32) -> Float32:
        out = np.empty_like(field)
        pad = len(self._axial) // 2
        for top, bottom, lateral in self._zones:
            first, last = max(0, top - pad), min(self._probe.samples, bottom + pad)
            block = cv2.sepFilter2D(field[first:last], cv2.CV_32F, lateral, self._axial, borderType=cv2.BORDER_REFLECT)
            out[top:bottom] = block[top - first : bottom - first]
        return out

    @property
    def tgc(self) -> Float32:
        """Amplitude gain per sample, (samples, 1)."""
        return self._tgc


def _haze(rng: np.random.Generator, shape: tuple[int, ...], looks: int) -> Float32:
    """Speckle of mean 1 for clutter and noise, as smooth as the compounded picture's own."""
    real = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (5, 3), 0)
    imaginary = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (5, 3), 0)
    speckle = cv2.magnitude(real, imaginary)
    speckle = speckle / np.float32(speckle.mean())
    return np.asarray(1 + (speckle - 1) * np.float32(1 / np.sqrt(looks)), dtype=np.float32)


def _gaussian_kernel(fwhm_samples: float) -> Float32:
    sigma = max(fwhm_samples / 2.355, 0.3)
    radius = int(np.ceil(3 * sigma))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return np.asarray(taps / np.sqrt((taps**2).sum()), dtype=np.float32)


def _zones(probe: ProbeSettings) -> list[tuple[int, int, Float32]]:
    """Depth zones with their lateral kernel, unit energy: Gaussian main lobe on a wide pedestal."""
    edges = np.linspace(0, probe.samples, ZONES + 1).astype(int)
    zones = []
    for top, bottom in pairwise(edges):
        depth = (top + bottom) / 2 * probe.sample_mm
        growth = np.sqrt(1 + ((depth - probe.focus_mm) / probe.focal_depth_mm) ** 2)
        sigma = probe.lateral_fwhm_mm * 1.2 * growth / probe.pitch_mm / 2.355
        radius = int(np.ceil(6 * sigma))
        x = np.arange(-radius, radius + 1)
        taps = np.exp(-0.5 * (x / sigma) ** 2) + SIDE_LOBE * np.exp(-0.5 * (x / (3.5 * sigma)) ** 2)
        zones.append((int(top), int(bottom), np.asarray(taps / np.sqrt((taps**2).sum()), dtype=np.float32)))
    return zones


def _look_modulations(probe: ProbeSettings, looks: int) -> list[Complex64 | None]:
    """Shifts of the field's spectrum, one a look: three steering angles times up to three axial bands.

    The splat has a white spectrum, so a band beside the first holds an independent speckle pattern, as
    angle and frequency compounding find one.
    """
    lateral_step = 0.75 / probe.lateral_fwhm_mm / 1.2
    axial_step = 0.55 / probe.axial_fwhm_mm
    shifts = [(u, v) for v in (0, 1, -1) for u in (0, 1, -1)][: max(1, looks)]
    x = (np.arange(probe.lines) * probe.pitch_mm)[None, :]
    z = (np.arange(probe.samples) * probe.sample_mm)[:, None]
    out: list[Complex64 | None] = []
    for u, v in shifts:
        if (u, v) == (0, 0):
            out.append(None)
        else:
            out.append(np.exp(2j * np.pi * (u * lateral_step * x + v * axial_step * z)).astype(np.complex64))
    return out
