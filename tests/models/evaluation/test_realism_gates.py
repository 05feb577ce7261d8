"""The simulator's pictures lie within the bands measured on real ones."""

import numpy as np
import pytest

from barbotage_models.evaluation.realism import Gate, measure
from barbotage_models.evaluation.speckle_statistics import acf_fwhm, envelope_snr, gcnr, nakagami_m, profile_fwhm


@pytest.fixture(scope="module")
def gates() -> list[Gate]:
    return measure()


def test_every_gate_holds_over_random_frames(gates: list[Gate], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print("\n" + "\n".join(g.row() for g in gates))  # noqa: T201
    assert not [g.row() for g in gates if not g.passed]


def test_a_value_outside_its_band_does_not_pass() -> None:
    assert Gate("x", 1.0, 1.0, 2.0, "").passed
    assert not Gate("x", 0.99, 1.0, 2.0, "").passed
    assert not Gate("x", float("nan"), 1.0, 2.0, "").passed


def test_speckle_statistics_of_known_signals() -> None:
    rng = np.random.default_rng(0)
    rayleigh = rng.rayleigh(1.0, 200_000)
    assert envelope_snr(rayleigh) == pytest.approx(1.913, abs=0.02)
    assert nakagami_m(rayleigh) == pytest.approx(1.0, abs=0.03)
    field = rng.normal(size=(400, 600)) + 1j * rng.normal(size=(400, 600))
    kernel = np.exp(-0.5 * (np.arange(-20, 21) / 4.0) ** 2)
    smooth = np.apply_along_axis(lambda line: np.convolve(line, kernel, "same"), 1, field)
    # Intensity correlation of Gaussian-filtered speckle: Gaussian of the same sigma, FWHM 2.355 sigma.
    assert acf_fwhm(np.abs(smooth), axis=1) == pytest.approx(2.355 * 4.0, rel=0.08)


def test_ridge_width_and_histogram_overlap_of_known_shapes() -> None:
    x = np.arange(100)
    assert profile_fwhm(200 * np.exp(-0.5 * ((x - 50) / 5.0) ** 2), 50) == pytest.approx(2.355 * 5.0, rel=0.02)
    assert gcnr(np.full(100, 10), np.full(100, 200)) == 1.0
    assert gcnr(np.arange(256), np.arange(256)) == 0.0
