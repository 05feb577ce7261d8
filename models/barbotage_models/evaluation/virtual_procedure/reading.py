"""An operator's own reading of the picture: what looks like the tip is taken for it, with a human's error and delay."""

from dataclasses import dataclass

import numpy as np

from barbotage_models.contract.geometry import PointMm
from barbotage_models.evaluation.virtual_procedure.geometry import Perceived, direction_of, moved, told_of
from barbotage_models.evaluation.virtual_procedure.noise import Wander
from barbotage_models.evaluation.virtual_procedure.situation import Situation
from barbotage_models.simulator.scenario.operator import Told


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """How well a human reads a needle in B-mode."""

    tip_mm: float = 2.0
    """Standard deviation with which the tip is misplaced along the shaft. FITTED: see ``docs/virtual-procedure.md``."""
    across_mm: float = 0.5
    """The same across the shaft; unpublished."""
    angle_deg: float = 1.2
    """The same of its angle: two readers differ by 0.97 deg on average (needle segmentation, 2nd observer), so sd 0.97 sqrt(pi / 2)."""
    lasts_s: float = 4.0
    """How long such a mistake lasts; unpublished."""
    delay_s: float = 0.15
    """Longer than reading a number or an arrow off an overlay; unpublished."""
    notice_s: float = 4.0
    """Mean time until an operator who advances a tip that is not seen notices; unpublished."""
    sure_s: float = 0.3
    """For how long the tip must be seen again before the search ends; unpublished."""


class ImageReading:
    """Image only. The deepest visible point passes for the tip; that it is not one is noticed late or never."""

    def __init__(self, rng: np.random.Generator, settings: ReadingSettings | None = None) -> None:
        self._settings = settings or ReadingSettings()
        self._rng = rng
        self._along, self._across, self._angle = (Wander(rng, self._settings.lasts_s) for _ in range(3))
        self._searching = False
        self._seen_s = 0.0

    def tell(self, situation: Situation, dt_s: float) -> Told:
        """See ``Screen``."""
        s = self._settings
        tip = self.perceived_tip(situation, dt_s)
        angle_deg = situation.angle_deg + s.angle_deg * self._angle.step(dt_s)
        self._notice(situation, dt_s)
        if tip is None:
            return Told(target_proposed=True, stop=self._searching)
        needle = Perceived(tip, angle_deg, tip_seen=not self._searching, stop=self._searching)
        return told_of(needle, situation.side, situation.deposit, situation.deposit.centre)

    def alert(self) -> None:
        """Somebody says that the tip is not seen: from now on it is looked for."""
        self._searching, self._seen_s = True, 0.0

    def perceived_tip(self, situation: Situation, dt_s: float) -> PointMm | None:
        """Where the operator believes the tip to be; None when nothing of the needle is seen."""
        s = self._settings
        along, across = s.tip_mm * self._along.step(dt_s), s.across_mm * self._across.step(dt_s)
        end = situation.tip if situation.tip_visible else situation.seen_end
        return None if end is None else moved(end, direction_of(situation.angle_deg, situation.side), along, across)

    def _notice(self, situation: Situation, dt_s: float) -> None:
        """Begins to look for the tip when its absence is noticed, ends when it has been seen for a moment."""
        drawn = float(self._rng.random())
        self._seen_s = self._seen_s + dt_s if situation.tip_visible else 0.0
        if self._searching:
            self._searching = self._seen_s < self._settings.sure_s
        elif situation.reached and not situation.tip_visible and situation.advancing:
            self._searching = drawn < 1.0 - float(np.exp(-dt_s / self._settings.notice_s))
