"""Lavage cycles: counted from the image alone, from the pressure line alone, and from both together."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from barbotage_device.procedure.cavity import Cavity
from barbotage_device.procedure.lavage_settings import LavageSettings
from barbotage_device.procedure.plunger import LineSample, Plunger, Press
from barbotage_device.procedure.pulsation import Pulsation, Swing, Train

NS_PER_S = 1_000_000_000


class CountedFrom(StrEnum):
    """What a cycle was seen in."""

    IMAGE = "image"
    PRESSURE = "pressure"
    BOTH = "both"


class NotCounting(StrEnum):
    """Why a count cannot go on now. A count that stood still for a while is a lower bound."""

    NO_CAVITY = "no-cavity"
    """The cavity is not known: target lost, probe moving, nothing to be seen."""
    NO_LINE = "no-line"
    """No pressure line, or it is silent."""


@dataclass(frozen=True, slots=True)
class LavageCycle:
    """One cycle: pressed and let go again. ``count`` is the number of the cycle in the fused count.

    ``swing`` is the rise of the cavity's diameter as a share of it, None when the image did not show it. ``confidence`` is the
    share of such cycles that were true ones in simulated lavages, None for a press while the cavity was not known.
    """

    count: int
    counted_from: CountedFrom
    begin_ns: int
    end_ns: int
    confidence: float | None
    swing: float | None
    peak_kpa: float | None


@dataclass(frozen=True, slots=True)
class Count:
    """Cycles so far. ``not_counting`` says why none could be counted in this frame; ``unknown_ns`` for how long that has been so in all."""

    cycles: int
    not_counting: NotCounting | None
    unknown_ns: int


@dataclass(frozen=True, slots=True)
class LavageCounts:
    """After a frame: the three counts, the cycles of the fused one that are new, and the presses of late that moved nothing.

    ``ineffective`` counts presses in a row, up to now, that the cavity did not answer while it was known: three suggest a blocked needle, or
    a tip outside the deposit.
    """

    capture_ns: int
    image: Count
    pressure: Count
    fused: Count
    new: tuple[LavageCycle, ...]
    ineffective: int


CONFIRMED, CREDITED = 0.99, 0.94
"""Of a press that the cavity answered, and of one credited to it: 91 of 91 and 15 of 15 were true ones in the simulated lavages used for
tuning (rule of succession). No real lavage was measured."""
IMAGE_RATIOS, IMAGE_CONFIDENCES = (1.0, 1.5, 2.0), (0.3, 0.75, 0.94)
"""Of a swing in the image alone, by its height over the least that counts: 10 of 27 below 1.5, 17 of 20 up to 2, 62 of 66 from there on were
true ones in the same scenes, of which two thirds of the time were lavage."""


class _Standing:
    """A count, and how long it could not go on."""

    def __init__(self) -> None:
        self.cycles = 0
        self._unknown_ns = 0

    def after(self, dt_ns: int, not_counting: NotCounting | None) -> Count:
        if not_counting is not None:
            self._unknown_ns += dt_ns
        return Count(self.cycles, not_counting, self._unknown_ns)


class LavageCounter:
    """Counts the cycles of one lavage; a new one for the next. Not for use from several threads at once."""

    def __init__(self, settings: LavageSettings | None = None) -> None:
        self._settings = settings or LavageSettings()
        self._pulsation, self._plunger = Pulsation(self._settings), Plunger(self._settings)
        self._train = Train(self._settings)
        self._image, self._pressure, self._fused = _Standing(), _Standing(), _Standing()
        self._waiting: deque[Press] = deque()
        self._uncredited: list[Press] = []
        self._ineffective = 0
        self._last_ns: int | None = None
        self._line_since_ns: int | None = None

    def update(self, cavity: Cavity, line: Sequence[LineSample] = ()) -> LavageCounts:
        """The counts after a frame, with the samples of the pressure line since the last one (none without a line).

        A frame that is not newer than the last one is refused with no change of the counts; its samples are still taken.
        """
        now_ns = cavity.capture_ns
        self._take_line(line, now_ns)
        dt_ns = 0 if self._last_ns is None else now_ns - self._last_ns
        if self._last_ns is not None and dt_ns <= 0:
            return self._counts(self._last_ns, 0, cavity, ())
        self._last_ns = now_ns
        swing = self._pulsation.update(cavity)
        swings = () if swing is None else self._train.update(swing)
        self._image.cycles += len(swings)
        new = list(self._judged(now_ns))
        new += [self._from_image(one) for one in swings if not self._line_covers(one.begin_ns, now_ns)]
        return self._counts(now_ns, dt_ns, cavity, tuple(new))

    def _take_line(self, line: Sequence[LineSample], now_ns: int) -> None:
        for sample in line:
            if not self._plunger.heard(sample.at_ns):
                self._line_since_ns = sample.at_ns
            press = self._plunger.update(sample)
            if press is not None:
                self._pressure.cycles += 1
                self._waiting.append(press)
        if not self._plunger.heard(now_ns):
            self._line_since_ns = None

    def _line_covers(self, begin_ns: int, now_ns: int) -> bool:
        """Whether the line was heard for the whole of a swing: then a swing without a press is no cycle."""
        return self._plunger.heard(now_ns) and self._line_since_ns is not None and self._line_since_ns <= begin_ns

    def _judged(self, now_ns: int) -> list[LavageCycle]:
        """The cycles of the presses whose effect on the cavity can be judged by now."""
        after_ns = round(self._settings.after_s * NS_PER_S)
        new: list[LavageCycle] = []
        while self._waiting and self._waiting[0].end_ns + after_ns <= now_ns:
            press = self._waiting.popleft()
            response = self._pulsation.response(press.begin_ns, press.end_ns, press.end_ns + after_ns)
            if response is None:
                new.append(self._cycle(CountedFrom.PRESSURE, press, None, None))
            elif response >= max(self._settings.confirm_swing, self._settings.confirm_spreads * self._pulsation.noise):
                new.extend(self._credited(press))
                new.append(self._cycle(CountedFrom.BOTH, press, response, CONFIRMED))
                self._ineffective = 0
            else:
                self._uncredited.append(press)
                self._ineffective += 1
        return new

    def _credited(self, press: Press) -> list[LavageCycle]:
        """Earlier presses without visible effect, shortly before one that shows that the tip is in place: the first opens the cavity."""
        since_ns = press.begin_ns - round(self._settings.credit_s * NS_PER_S)
        earlier = [one for one in self._uncredited if one.begin_ns >= since_ns]
        self._uncredited.clear()
        return [self._cycle(CountedFrom.PRESSURE, one, None, CREDITED) for one in earlier]

    def _cycle(self, counted_from: CountedFrom, press: Press, swing: float | None, confidence: float | None) -> LavageCycle:
        self._fused.cycles += 1
        return LavageCycle(self._fused.cycles, counted_from, press.begin_ns, press.end_ns, confidence, swing, press.peak_kpa)

    def _from_image(self, swing: Swing) -> LavageCycle:
        self._fused.cycles += 1
        confidence = float(np.interp(swing.ratio, IMAGE_RATIOS, IMAGE_CONFIDENCES))
        return LavageCycle(self._fused.cycles, CountedFrom.IMAGE, swing.begin_ns, swing.end_ns, confidence, swing.height, None)

    def _counts(self, now_ns: int, dt_ns: int, cavity: Cavity, new: tuple[LavageCycle, ...]) -> LavageCounts:
        blind = NotCounting.NO_CAVITY if cavity.unknown is not None else None
        deaf = None if self._plunger.heard(now_ns) else NotCounting.NO_LINE
        both = blind if deaf is not None else None
        return LavageCounts(
            capture_ns=now_ns,
            image=self._image.after(dt_ns, blind),
            pressure=self._pressure.after(dt_ns, deaf),
            fused=self._fused.after(dt_ns, both),
            new=new,
            ineffective=self._ineffective,
        )
