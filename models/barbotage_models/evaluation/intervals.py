"""95 % confidence intervals: Wilson for proportions, seeded bootstrap for everything else."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from barbotage_models.contract.geometry import FloatArray

Z_95 = 1.959963984540054
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value with its 95 % interval; ``n`` is what it was measured on. All NaN when n is 0."""

    value: float
    low: float
    high: float
    n: int


EMPTY = Estimate(math.nan, math.nan, math.nan, 0)


def proportion(successes: int, n: int) -> Estimate:
    """Share of successes with Wilson's score interval (Wilson 1927; Brown 2001 recommends it for small n)."""
    if n == 0:
        return EMPTY
    share, z2 = successes / n, Z_95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Estimate(share, max(0.0, centre - half), min(1.0, centre + half), n)


def bootstrap(values: FloatArray, statistic: Callable[[FloatArray], float], seed: int = 0) -> Estimate:
    """A statistic of values (n,) or rows (n, k) with its percentile bootstrap interval over resampled rows (Efron 1979)."""
    n = len(values)
    if n == 0:
        return EMPTY
    rng = np.random.default_rng(seed)
    value = float(statistic(values))
    if math.isnan(value):
        return EMPTY
    drawn = np.array([statistic(values[rng.integers(0, n, n)]) for _ in range(RESAMPLES)])
    low, high = np.percentile(drawn[~np.isnan(drawn)], [2.5, 97.5])
    return Estimate(value, float(low), float(high), n)


def mean(values: FloatArray) -> Estimate:
    """The mean with its bootstrap interval."""
    return bootstrap(values, lambda v: float(np.mean(v)))


def median(values: FloatArray) -> Estimate:
    """The median with its bootstrap interval."""
    return bootstrap(values, lambda v: float(np.median(v)))


def percentile_95(values: FloatArray) -> Estimate:
    """The 95th percentile with its bootstrap interval."""
    return bootstrap(values, lambda v: float(np.percentile(v, 95)))
