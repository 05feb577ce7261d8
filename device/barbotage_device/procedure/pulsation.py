"""Swings of the cavity: each rise and fall of its dilatation, from the image alone."""

from collections import deque
from dataclasses import dataclass
from math import sqrt
from statistics import median

from barbotage_device.procedure.cavity import Cavity
from barbotage_device.procedure.lavage_settings import LavageSettings

NS_PER_S = 1_000_000_000
SPREAD_OF_MEDIAN = 1.4826
"""Standard deviation over median absolute deviation, of a normal distribution."""
NOISE_FRAMES = 60
"""Frames whose noise is taken: two to three seconds."""
LIKE = 3.0
"""Swings of one train differ by less than this factor. Unpublished default."""
USUAL_SWINGS = 4
"""Swings whose median is the usual one."""


@dataclass(frozen=True, slots=True)
class Swing:
    """One rise and fall. ``height`` is the smaller of the two, as a share of the diameter; ``ratio`` that height over the least that counts."""

    begin_ns: int
    peak_ns: int
    end_ns: int
    height: float
    ratio: float


@dataclass(frozen=True, slots=True)
class _Sample:
    at_ns: int
    value: float


class Pulsation:
    """Finds swings with hysteresis: a swing needs a rise and then a fall of at least the smallest swing, within the longest period."""

    def __init__(self, settings: LavageSettings) -> None:
        self._settings = settings
        self._samples: deque[_Sample] = deque()
        self._raw: deque[float] = deque(maxlen=3)
        self._roughness: deque[tuple[float, float]] = deque(maxlen=NOISE_FRAMES)
        self._usual: deque[float] = deque(maxlen=USUAL_SWINGS)
        self._begin: _Sample | None = None
        self._peak: _Sample | None = None
        self._ended_ns: int | None = None

    @property
    def least(self) -> float:
        """The swing that is needed now."""
        settings = self._settings
        usual = settings.swing_share * median(self._usual) if self._usual else 0.0
        return max(settings.min_swing, settings.noise_spreads * self.noise, usual)

    @property
    def noise(self) -> float:
        """Standard deviation of the dilatation from frame to frame lately: as the fit says and as it is; 0 before the first frame.

        Second differences of white noise have sqrt(6) times its deviation, and a steady rise or fall does not count in them.
        """
        if not self._roughness:
            return 0.0
        spread = SPREAD_OF_MEDIAN * median(rough for rough, _ in self._roughness) / sqrt(6.0)
        return max(spread, median(error for _, error in self._roughness))

    def update(self, cavity: Cavity) -> Swing | None:
        """The swing that has ended with this frame, if any. Frames whose cavity is unknown are passed over; a long gap starts afresh."""
        if cavity.dilatation is None or cavity.error is None:
            return None
        if self._samples and cavity.capture_ns - self._samples[-1].at_ns > self._settings.max_gap_s * NS_PER_S:
            self.reset()
        self._raw.append(cavity.dilatation)
        if len(self._raw) == 3:
            self._roughness.append((abs(self._raw[0] - 2 * self._raw[1] + self._raw[2]), cavity.error))
        sample = self._smoothed(cavity.capture_ns, cavity.dilatation)
        oldest_ns = sample.at_ns - round(self._settings.max_period_s * NS_PER_S)
        self._samples.append(sample)
        while self._samples[0].at_ns < oldest_ns:
            self._samples.popleft()
        return self._ended(sample) if self._risen(sample) else None

    def response(self, begin_ns: int, end_ns: int, until_ns: int) -> float | None:
        """How much wider the cavity was between two instants than before the first and, by ``until_ns``, after the second.

        The smaller of rise and fall; None when the cavity was unknown before, between or after. For a press of the plunger.
        """
        ahead_ns = begin_ns - round(self._settings.after_s * NS_PER_S)
        before = [s.value for s in self._samples if ahead_ns <= s.at_ns <= begin_ns]
        during = [s.value for s in self._samples if begin_ns < s.at_ns <= end_ns + round(self._settings.smoothing_s * NS_PER_S)]
        after = [s.value for s in self._samples if end_ns < s.at_ns <= until_ns]
        if not (before and during and after):
            return None
        return max(during) - max(median(before), min(after))

    def reset(self) -> None:
        """Forgets a swing under way and what came before it; the usual height is kept."""
        self._samples.clear()
        self._raw.clear()
        self._begin = self._peak = None

    def _smoothed(self, at_ns: int, value: float) -> _Sample:
        if not self._samples:
            return _Sample(at_ns, value)
        last = self._samples[-1]
        dt_s = (at_ns - last.at_ns) / NS_PER_S
        share = dt_s / (dt_s + self._settings.smoothing_s) if dt_s > 0 else 0.0
        return _Sample(at_ns, last.value + (value - last.value) * share)

    def _risen(self, now: _Sample) -> bool:
        """Whether a rise has been seen whose fall is awaited; keeps the peak."""
        if self._peak is not None and self._begin is not None:
            if now.value > self._peak.value:
                self._peak = now
            if now.at_ns - self._begin.at_ns <= self._settings.max_period_s * NS_PER_S:
                return True
            self._begin = self._peak = None
        since_ns = now.at_ns - round(self._settings.max_period_s / 2 * NS_PER_S)
        if self._ended_ns is not None:
            since_ns = max(since_ns, self._ended_ns)
        trough = min((s for s in self._samples if s.at_ns >= since_ns), key=lambda s: (s.value, -s.at_ns), default=now)
        if now.value - trough.value >= self.least:
            self._begin, self._peak = trough, now
        return False

    def _ended(self, now: _Sample) -> Swing | None:
        """The swing whose fall is complete."""
        begin, peak = self._begin, self._peak
        if begin is None or peak is None:
            return None
        least, fall = self.least, peak.value - now.value
        if fall < max(least, self._settings.fall_share * (peak.value - begin.value)):
            return None
        self._begin = self._peak = None
        self._ended_ns = now.at_ns
        if now.at_ns - begin.at_ns < self._settings.min_period_s * NS_PER_S:
            return None
        height = min(peak.value - begin.value, fall)
        self._usual.append(peak.value - begin.value)
        return Swing(begin.at_ns, peak.at_ns, now.at_ns, height, (peak.value - begin.value) / least)


class Train:
    """Lets swings through that come in a train: one alone may be the needle redirected or the patient moving.

    A swing waits until another one, up to ``LIKE`` times as high or low, begins within ``credit_s`` of its end; then both count.
    """

    def __init__(self, settings: LavageSettings) -> None:
        self._credit_ns = round(settings.credit_s * NS_PER_S)
        self._last: Swing | None = None
        self._waiting = False

    def update(self, swing: Swing) -> tuple[Swing, ...]:
        """The swings that count now, oldest first."""
        last, waited = self._last, self._waiting
        self._last = swing
        follows = last is not None and swing.begin_ns - last.end_ns <= self._credit_ns
        if last is None or not follows or not 1 / LIKE <= swing.height / last.height <= LIKE:
            self._waiting = True
            return ()
        self._waiting = False
        return (last, swing) if waited else (swing,)
