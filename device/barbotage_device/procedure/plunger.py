"""Presses of the plunger, from the pressure of the lavage line alone."""

from dataclasses import dataclass

from barbotage_device.procedure.lavage_settings import LavageSettings

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class LineSample:
    """One sample of the lavage line, on the clock of ``capture_ns``."""

    at_ns: int
    pressure_kpa: float


@dataclass(frozen=True, slots=True)
class Press:
    """The plunger pressed and let go; ``peak_kpa`` above the line's rest."""

    begin_ns: int
    end_ns: int
    peak_kpa: float


class Plunger:
    """Finds presses with hysteresis, against the line's pressure at rest, which is followed because a sensor's zero drifts."""

    def __init__(self, settings: LavageSettings) -> None:
        self._settings = settings
        self._rest_kpa: float | None = None
        self._last_ns: int | None = None
        self._begin_ns: int | None = None
        self._peak_kpa = 0.0
        self._trough_kpa = 0.0
        """Least pressure above rest since the last press: a line that is still falling is not pressed again."""

    def heard(self, now_ns: int) -> bool:
        """Whether the line gave a sample lately."""
        return self._last_ns is not None and now_ns - self._last_ns <= self._settings.silent_s * NS_PER_S

    @property
    def pressing(self) -> bool:
        """Whether the plunger is pressed."""
        return self._begin_ns is not None

    def update(self, sample: LineSample) -> Press | None:
        """The press that has ended with this sample, if any. Samples older than the last one are passed over."""
        last_ns, self._last_ns = self._last_ns, max(sample.at_ns, self._last_ns or sample.at_ns)
        if last_ns is not None and sample.at_ns <= last_ns:
            return None
        if last_ns is not None and sample.at_ns - last_ns > self._settings.silent_s * NS_PER_S:
            # Nobody knows what happened in between.
            self._begin_ns = None
        if self._rest_kpa is None:
            self._rest_kpa = sample.pressure_kpa
        above_kpa = sample.pressure_kpa - self._rest_kpa
        if self._begin_ns is None:
            self._wait(sample, above_kpa, 0.0 if last_ns is None else (sample.at_ns - last_ns) / NS_PER_S)
            return None
        self._peak_kpa = max(self._peak_kpa, above_kpa)
        if above_kpa > self._settings.release_share * self._peak_kpa:
            return None
        begin_ns, self._begin_ns, self._trough_kpa = self._begin_ns, None, above_kpa
        if sample.at_ns - begin_ns < self._settings.press_s * NS_PER_S:
            return None
        return Press(begin_ns, sample.at_ns, self._peak_kpa)

    def _wait(self, sample: LineSample, above_kpa: float, dt_s: float) -> None:
        self._trough_kpa = max(0.0, min(self._trough_kpa, above_kpa))
        if above_kpa - self._trough_kpa >= self._settings.press_kpa:
            self._begin_ns, self._peak_kpa, self._trough_kpa = sample.at_ns, above_kpa, above_kpa
        elif abs(above_kpa) < self._settings.press_kpa / 2 and self._rest_kpa is not None:
            self._rest_kpa += above_kpa * min(1.0, dt_s / self._settings.rest_s)
