"""One lavage in the procedure: cycles counted, and how large and how bright what is left of the deposit is after each."""

import statistics

from barbotage_device.guidance.target import is_within
from barbotage_device.perception.scene import Deposit
from barbotage_device.procedure.lavage import LavageCycle, NotCounting
from barbotage_device.procedure.live import CavitySize, LavageCount, Pulsations
from barbotage_device.procedure.plunger import LineSample
from barbotage_device.runtime.lavage_watch import LavageWatch
from barbotage_device.runtime.pipeline import Guidance

FEWEST_SIGHTINGS = 5
"""Frames of a cycle in which size and brightness must be known for its cavity to be known: the hysteresis of all proposals."""


class Washing:
    """Follows the cavity from the target's acceptance on, counts from ``begin`` on, and before that on trial from ``expect`` on.

    Not for use from several threads at once.
    """

    def __init__(self) -> None:
        self._watch = LavageWatch()
        self._counting = self._on_trial = False
        self.pulsations: Pulsations | None = None
        """What was counted on trial; None while there is nothing, and once the lavage has begun."""
        self._areas: list[float] = []
        self._greys: list[float] = []
        self._cavities: tuple[CavitySize, ...] = ()
        self._guided: Guidance | None = None

    def accept(self, deposit: Deposit) -> None:
        """The target, as it is seen before the needle lies in it."""
        self._watch.accept(deposit)

    def expect(self) -> None:
        """A lavage may begin at any moment: counts on trial, from 0, unless one has begun."""
        if not self._counting:
            self._on_trial, self.pulsations = True, None
            self._watch.begin()

    def begin(self) -> None:
        """A lavage begins; one that goes on after a pause or in another state is not begun again."""
        if not self._counting:
            self._counting, self._on_trial, self.pulsations = True, False, None
            self._watch.begin()

    def line(self, sample: LineSample) -> None:
        """A sample of the lavage line."""
        self._watch.line(sample)

    def update(self, guidance: Guidance | None) -> tuple[LavageCycle, ...]:
        """The cycles of the lavage that are counted with this frame; the same frame again, and one that went stale, count nothing."""
        if guidance is None or guidance is self._guided or guidance.stale:
            return ()
        self._guided = guidance
        cycles = self._watch.update(guidance)
        if self._counting:
            self._look(guidance)
            for _ in cycles:
                self._close_cycle()
        elif self._on_trial and cycles:
            before, last = 0 if self.pulsations is None else self.pulsations.count, cycles[-1]
            self.pulsations = Pulsations(before + len(cycles), last.counted_from.value, last.confidence, last.end_ns)
        return cycles if self._counting else ()

    @property
    def count(self) -> LavageCount | None:
        """What is known of the lavage; None before it. Presses without effect are known only while the line is heard."""
        if not self._counting:
            return None
        counts = self._watch.counts
        deaf = counts is None or counts.pressure.not_counting is NotCounting.NO_LINE
        return LavageCount(self._cavities, None if counts is None or deaf else counts.ineffective)

    def _look(self, guidance: Guidance) -> None:
        target, cavity = guidance.aim.target, self._watch.cavity
        if target is None or cavity is None or cavity.inner_grey is None or len(target.outline) == 0:
            return
        parts = [one.deposit for one in guidance.tracks.deposits if is_within(target.outline, one.deposit.centre)]
        self._areas.append(sum(part.area_mm2 for part in parts))
        self._greys.append(cavity.inner_grey)

    def _close_cycle(self) -> None:
        """The cavity after a cycle; one that was not seen well enough breaks the row, so that a stop is not proposed across it."""
        known = len(self._areas) >= FEWEST_SIGHTINGS
        size = (CavitySize(statistics.median(self._areas), statistics.median(self._greys)),) if known else ()
        self._cavities = (*self._cavities, *size) if known else ()
        self._areas.clear()
        self._greys.clear()
