"""Scatterers that move with the tissue, and the complex echo field that they make on the scan grid.

The scatterers are fixed to the tissue and carry the phase exp(-j 2 k z) of their present depth, so speckle moves
and decorrelates as it does in reality. Amplitudes (layers, texture, shadows) are applied afterwards as a map,
so that they may change without a new splat.
"""

import numpy as np
import numpy.typing as npt

from barbotage_models.simulator.settings import ProbeSettings

Complex64 = npt.NDArray[np.complex64]


class ScattererField:
    """Random point scatterers over the picture and ``margin_mm`` on every side."""

    def __init__(self, probe: ProbeSettings, margin_mm: float, rng: np.random.Generator) -> None:
        width = probe.width_mm + 2 * margin_mm
        depth = probe.depth_mm + 2 * margin_mm
        count = int(width * depth * probe.scatterers_per_mm2)
        self._probe = probe
        self._x_mm = rng.uniform(-margin_mm, probe.width_mm + margin_mm, count).astype(np.float32)
        self._z_mm = rng.uniform(-margin_mm, probe.depth_mm + margin_mm, count).astype(np.float32)
        per_sample = probe.scatterers_per_mm2 * probe.pitch_mm * probe.sample_mm
        # Equal strengths: random ones have a heavier tail and would need three times as many for the same statistics.
        self._strength = (rng.choice([-1.0, 1.0], count) / np.sqrt(per_sample)).astype(np.float32)

    def splat(self, shift_x_mm: float, shift_z_mm: float) -> Complex64:
        """Complex field (samples, lines), unit variance, of the tissue moved by the given shift."""
        probe = self._probe
        column = (self._x_mm + np.float32(shift_x_mm)) / np.float32(probe.pitch_mm) - np.float32(0.5)
        row = (self._z_mm + np.float32(shift_z_mm)) / np.float32(probe.sample_mm) - np.float32(0.5)
        inside = (column >= 0) & (column < probe.lines - 1) & (row >= 0) & (row < probe.samples - 1)
        column, row, strength = column[inside], row[inside], self._strength[inside]
        wave_number = 4 * np.pi / probe.wavelength_mm * probe.sample_mm
        phase = np.mod(row.astype(np.float64) * wave_number, 2 * np.pi).astype(np.float32)
        real, imaginary = strength * np.cos(phase), -strength * np.sin(phase)
        i, j = row.astype(np.int32), column.astype(np.int32)
        di, dj = row - i, column - j
        size = probe.samples * probe.lines
        out = np.zeros((2, size))
        for oi, oj, weight in ((0, 0, (1 - di) * (1 - dj)), (0, 1, (1 - di) * dj), (1, 0, di * (1 - dj)), (1, 1, di * dj)):
            index = (i + oi) * probe.lines + (j + oj)
            out[0] += np.bincount(index, weights=weight * real, minlength=size)
            out[1] += np.bincount(index, weights=weight * imaginary, minlength=size)
        field = (out[0] + 1j * out[1]).reshape(probe.samples, probe.lines)
        return np.asarray(field, dtype=np.complex64)
