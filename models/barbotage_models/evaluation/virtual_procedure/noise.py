"""Errors that last: a value that wanders, and a state that comes and goes."""

import math

import numpy as np


class Wander:
    """A standard normal value that forgets itself within ``time_s`` (Ornstein-Uhlenbeck)."""

    def __init__(self, rng: np.random.Generator, time_s: float) -> None:
        self._rng = rng
        self._time_s = time_s
        self._value = float(rng.normal())

    def step(self, dt_s: float) -> float:
        """The value after ``dt_s``."""
        keep = math.exp(-dt_s / self._time_s) if self._time_s > 0.0 else 0.0
        self._value = self._value * keep + math.sqrt(1.0 - keep * keep) * float(self._rng.normal())
        return self._value


class OnOff:
    """Something shown for a share of the time, in spells: off for ``off_s`` on average."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._on = False

    def step(self, share: float, off_s: float, dt_s: float) -> bool:
        """Whether it is shown after ``dt_s``; 0 and 1 are never and always. How long it stays on follows from the share."""
        drawn = float(self._rng.random())
        if share <= 0.0 or share >= 1.0:
            self._on = share >= 1.0
            return self._on
        mean_s = off_s * share / (1.0 - share) if self._on else off_s
        if drawn < 1.0 - math.exp(-dt_s / mean_s):
            self._on = not self._on
        return self._on
