"""Watches one lavage: the cavity in the picture and the pressure line, put together into counted cycles."""

from barbotage_device.perception.scene import Deposit
from barbotage_device.procedure.cavity import Cavity, CavityGauge
from barbotage_device.procedure.lavage import LavageCounter, LavageCounts, LavageCycle
from barbotage_device.procedure.plunger import LineSample
from barbotage_device.runtime.pipeline import Guidance


class LavageWatch:
    """Follows the cavity from the target's acceptance on, counts from ``begin`` on. Not for use from several threads at once."""

    def __init__(self) -> None:
        self._gauge = CavityGauge()
        self._counter: LavageCounter | None = None
        self._line: list[LineSample] = []
        self.counts: LavageCounts | None = None
        """The counts after the last frame; None before the lavage."""
        self.cavity: Cavity | None = None
        """The cavity in the last frame; None before the first."""

    def accept(self, deposit: Deposit) -> None:
        """The target, as it is seen before the needle lies in it."""
        self._gauge.accept(deposit.outline)

    def begin(self) -> None:
        """The lavage begins: from here on cycles are counted, from 0."""
        self._counter, self.counts = LavageCounter(), None
        self._line.clear()

    def line(self, sample: LineSample) -> None:
        """A sample of the lavage line."""
        if self._counter is not None:
            self._line.append(sample)

    def update(self, guidance: Guidance) -> tuple[LavageCycle, ...]:
        """The cycles that are counted with this frame."""
        cavity = self.cavity = self._gauge.update(guidance.canonical, guidance.tracks)
        if self._counter is None:
            return ()
        self.counts = self._counter.update(cavity, self._line)
        self._line.clear()
        return self.counts.new
