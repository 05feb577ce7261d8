"""Scatterers that move with the tissue, and the complex echo field that they make on the scan grid.

The scatterers are fixed to the tissue and carry the phase exp(-j 2 k z) of their present depth, so speckle moves
and decorrelates as it does in reality. Amplitudes (layers, texture, shadows) are applied afterwards as a map,
so that they may change without a new splat.
"""

import numpy as np
import numpy.typing as npt

from barbotage_models.simulator.settings import ProbeSettings

Complex64 = npt.NDArray[np.complex64]


MARGIN_Z_MM = 1.5
"""Tissue kept above and below the picture, for pressure and breathing."""


class ScattererField:
    """Random point scatterers over the picture and ``margin_mm`` on either side."""

    def __init__(self, probe: ProbeSettings, margin_mm: float, rng: np.random.Generator) -> None:
        width = probe.width_mm + 2 * margin_mm
        depth = probe.depth_mm + 2 * MARGIN_Z_MM
        count = int(width * depth * probe.scatterers_per_mm2)
        self._probe = probe
        self._column = (rng.uniform(-margin_mm, probe.width_mm + margin_mm, count) / probe.pitch_mm - 0.5).astype(np.float32)
        self._row = (rng.uniform(-MARGIN_Z_MM, probe.depth_mm + MARGIN_Z_MM, count) / probe.sample_mm - 0.5).astype(np.float32)
        per_sample = probe.scatterers_per_mm2 * probe.pitch_mm * probe.sample_mm
        # Equal strengths: random ones have a heavier tail and would need three times as many for the same statistics.
        self._strength = (rng.choice([-1.0, 1.0], count) / np.sqrt(per_sample)).astype(np.float32)
        turns = 2 * probe.sample_mm / probe.wavelength_mm
        self._phase = ((self._row.astype(np.float64) * turns) % 1.0 * 2 * np.pi).astype(np.float32)

    def splat(self, shift_x_mm: float, shift_z_mm: float) -> Complex64:
        """Complex field (samples, lines), unit variance, of the tissue moved by the given shift.

        Laterally a scatterer is shared by its two lines; axially it falls on the nearest sample, with the exact phase of its depth.
        """
        probe = self._probe
        shift_rows = shift_z_mm / probe.sample_mm
        column = self._column + np.float32(shift_x_mm / probe.pitch_mm)
        row = np.rint(self._row + np.float32(shift_rows)).astype(np.int32)
        inside = (column >= 0) & (column < probe.lines - 1) & (row >= 0) & (row < probe.samples)
        column, row, strength = column[inside], row[inside], self._strength[inside]
        phase = self._phase[inside] + np.float32((shift_rows * 2 * probe.sample_mm / probe.wavelength_mm) % 1.0 * 2 * np.pi)
        real, imaginary = strength * np.cos(phase), -strength * np.sin(phase)
        left = column.astype(np.int32)
        share = column - left
        index = row * probe.lines + left
        size = probe.samples * probe.lines + 1
        out = []
        for part in (real, imaginary):
            to_right = part * share
            grid = np.bincount(index, weights=part - to_right, minlength=size)
            grid += np.bincount(index + 1, weights=to_right, minlength=size)
            out.append(grid[:-1].astype(np.float32))
        field = np.empty((probe.samples, probe.lines), dtype=np.complex64)
        field.real, field.imag = (part.reshape(field.shape) for part in out)
        return field
