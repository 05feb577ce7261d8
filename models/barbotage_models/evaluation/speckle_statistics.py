"""Statistics of speckle and of edges, as the ultrasound literature defines them."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]


def envelope_snr(envelope: Array) -> float:
    """Mean over standard deviation of an envelope patch; 1.91 for fully developed speckle (Burckhardt 1978)."""
    values = np.asarray(envelope, dtype=np.float64)
    return float(values.mean() / values.std())


def nakagami_m(envelope: Array) -> float:
    """Squared mean over variance of the intensity; 1 for fully developed speckle (Shankar 2000)."""
    intensity = np.asarray(envelope, dtype=np.float64) ** 2
    return float(intensity.mean() ** 2 / intensity.var())


def acf_fwhm(envelope: Array, axis: int) -> float:
    """Full width at half maximum of the autocovariance of the intensity along an axis, in samples."""
    values = np.asarray(envelope, dtype=np.float64) ** 2
    values = np.moveaxis(values - values.mean(axis=axis, keepdims=True), axis, -1)
    length = values.shape[-1]
    spectrum = np.abs(np.fft.rfft(values, 2 * length, axis=-1)) ** 2
    acf = np.fft.irfft(spectrum, axis=-1)[..., : length // 2].reshape(-1, length // 2).mean(axis=0)
    acf /= length - np.arange(length // 2)
    acf /= acf[0]
    below = int(np.flatnonzero(acf < 0.5)[0])
    fraction = (acf[below - 1] - 0.5) / (acf[below - 1] - acf[below])
    return float(2 * (below - 1 + fraction))


def profile_fwhm(line: Array, peak: int) -> float:
    """Width in samples of a ridge of a grey profile at half its height above the lower of its two feet."""
    values = np.asarray(line, dtype=np.float64)
    reach = 30
    left = values[max(0, peak - reach) : peak + 1][::-1]
    right = values[peak : peak + reach]
    half = (values[peak] + min(left.min(), right.min())) / 2
    return _first_below(left, half) + _first_below(right, half)


def _first_below(values: npt.NDArray[np.float64], level: float) -> float:
    below = np.flatnonzero(values < level)
    if below.size == 0:
        return float(values.size)
    index = int(below[0])
    if index == 0:
        return 0.0
    before, after = values[index - 1], values[index]
    return float(index - 1 + (before - level) / max(before - after, 1e-9))


def gcnr(first: Array, second: Array, bins: int = 64) -> float:
    """Generalised contrast-to-noise ratio: 1 minus the overlap of two grey histograms (Rodriguez-Molares 2020)."""
    span = (0.0, 256.0)
    one = np.histogram(first, bins, span)[0] / max(np.size(first), 1)
    other = np.histogram(second, bins, span)[0] / max(np.size(second), 1)
    return float(1 - np.minimum(one, other).sum())
