"""What the operator is told, by whom: the protocol of everything that may be put to the test, and the perfect one."""

from collections import deque
from typing import Protocol

from barbotage_models.evaluation.virtual_procedure.geometry import Perceived, told_of
from barbotage_models.evaluation.virtual_procedure.situation import Situation
from barbotage_models.simulator.scenario.operator import Told


class Screen(Protocol):
    """Tells an operator what there is to know. One per procedure; called once per frame, in order."""

    def tell(self, situation: Situation, dt_s: float) -> Told:
        """What the operator is told at this instant, ``dt_s`` after the one before."""
        ...


class Oracle:
    """Reads the picture without error or delay: the tip where it is whenever the beam shows it, and at once that it does not."""

    def tell(self, situation: Situation, dt_s: float) -> Told:  # noqa: ARG002 - it has no errors that last
        """See ``Screen``."""
        seen = situation.tip_visible
        needle = Perceived(situation.tip, situation.angle_deg, tip_seen=seen, stop=situation.reached and not seen)
        return told_of(needle, situation.side, situation.deposit, situation.deposit.centre)


class Late:
    """Another screen, heard ``latency_s`` later."""

    def __init__(self, screen: Screen, latency_s: float) -> None:
        self._screen = screen
        self._latency_s = latency_s
        self._waiting: deque[tuple[float, Told]] = deque()
        self._now = Told()

    def tell(self, situation: Situation, dt_s: float) -> Told:
        """See ``Screen``."""
        self._waiting.append((situation.time_s, self._screen.tell(situation, dt_s)))
        while self._waiting and self._waiting[0][0] <= situation.time_s - self._latency_s + 1e-6:
            self._now = self._waiting.popleft()[1]
        return self._now
