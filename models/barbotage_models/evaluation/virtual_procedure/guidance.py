"""Guidance with measured errors, and guidance that is wrong on purpose: what an operator is told beside the picture."""

from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import NormalDist

import numpy as np

from barbotage_models.contract.geometry import PointMm
from barbotage_models.evaluation.virtual_procedure.errors import QUANTILES, GuidanceErrors, TipErrors
from barbotage_models.evaluation.virtual_procedure.geometry import Perceived, direction_of, moved, told_of
from barbotage_models.evaluation.virtual_procedure.noise import OnOff, Wander
from barbotage_models.evaluation.virtual_procedure.reading import ImageReading
from barbotage_models.evaluation.virtual_procedure.screens import Screen
from barbotage_models.evaluation.virtual_procedure.situation import Situation
from barbotage_models.simulator.scenario.operator import Told

NEAR_MM = 5.0
"""From the tip to the deposit's centre, where the needle begins to hide it: half the median length of the deposits."""


class Guidance:
    """Shows tip, shaft and target as often, and as far off, as an error model says; asks to stop when a moving needle's tip is not shown."""

    def __init__(self, rng: np.random.Generator, errors: GuidanceErrors) -> None:
        self._errors = errors
        self._along, self._across = Wander(rng, errors.lasts_s), Wander(rng, errors.lasts_s)
        self._angle = Wander(rng, errors.lasts_s)
        self._own = errors.procedures[int(rng.integers(len(errors.procedures)))]
        self._tip_on, self._shaft_on = OnOff(rng), OnOff(rng)
        self._unseen_s = 0.0
        self._unseen_from: PointMm | None = None

    def tell(self, situation: Situation, dt_s: float) -> Told:
        """See ``Screen``."""
        own = self._own
        tips = own.visible if situation.tip_visible else own.hidden
        shaft = self._shaft_on.step(own.shaft_share, own.shaft_off_s, dt_s) and situation.seen_end is not None
        tip_on = self._tip_on.step(tips.shown_share, tips.hidden_s, dt_s)
        tip = self._tip(situation, tips, dt_s)
        angle_deg = situation.angle_deg + own.angle_deg * self._angle.step(dt_s)
        stop = self._stop(situation, dt_s, shaft=shaft, shown=shaft and tip_on)
        target = self._target(situation)
        if not shaft:
            return Told(target_proposed=True, stop=stop)
        return told_of(Perceived(tip, angle_deg, tip_on, stop), situation.side, situation.deposit, target)

    def _tip(self, situation: Situation, tips: TipErrors, dt_s: float) -> PointMm:
        share = NormalDist().cdf(self._along.step(dt_s))
        along_mm = float(np.interp(share, QUANTILES, tips.along_mm))
        across_mm = tips.across_mm * self._across.step(dt_s)
        return moved(situation.tip, direction_of(situation.angle_deg, situation.side), along_mm, across_mm)

    def _target(self, situation: Situation) -> PointMm:
        """Beside the true centre; otherwise so once the needle hides part of the deposit."""
        along_mm, across_mm = self._own.target_near_mm if situation.distance_mm < NEAR_MM else self._own.target_mm
        return moved(situation.deposit.centre, direction_of(situation.angle_deg, situation.side), along_mm, across_mm)

    def _stop(self, situation: Situation, dt_s: float, *, shaft: bool, shown: bool) -> bool:
        """As the device's prompt: a needle that is followed moved for so long, or so far, with its tip not seen; until the tip is seen again."""
        if shown or not shaft:
            self._unseen_s, self._unseen_from = 0.0, None
            return False
        if self._unseen_from is None:
            self._unseen_from = situation.tip
        if situation.advancing:
            self._unseen_s += dt_s
        travel_mm = situation.tip.distance_mm(self._unseen_from)
        return self._unseen_s >= self._errors.prompt_after_s or travel_mm >= self._errors.prompt_travel_mm


OVERRIDE_S = 1.0
"""An operator who was asked to stop, looks, and sees the tip for so long, goes on by the own reading. Unpublished."""


class Beside:
    """Guidance over a picture that the operator also reads: what the guidance shows is believed, else the own reading goes on.

    When asked to stop, the operator looks for the tip; who then sees it goes on, whatever the prompt says.
    With ``doubt_mm`` a shown tip is not believed where it lies further than that from where the operator sees it.
    """

    def __init__(self, guidance: Screen, reading: ImageReading, doubt_mm: float | None = None) -> None:
        self._guidance = guidance
        self._reading = reading
        self._doubt_mm = doubt_mm
        self._asked = False
        self._seen_s = 0.0

    def tell(self, situation: Situation, dt_s: float) -> Told:
        """See ``Screen``."""
        own, shown = self._reading.tell(situation, dt_s), self._guidance.tell(situation, dt_s)
        if not situation.reached:
            # Whoever holds the needle knows that it is not in the picture yet: a needle shown now is another thing.
            return own
        if shown.stop and not self._asked:
            self._reading.alert()
            self._seen_s = 0.0
        elif shown.stop:
            self._seen_s = self._seen_s + dt_s if own.tip_seen else 0.0
        self._asked = shown.stop
        if shown.stop and self._seen_s >= OVERRIDE_S:
            return own
        if shown.stop:
            return replace(shown, tip_seen=False, distance_mm=None, advance_mm=None, in_target=False)
        if not shown.tip_seen or shown.distance_mm is None:
            return replace(own, target_proposed=True)
        return own if self._disagree(own, shown) else shown

    def _disagree(self, own: Told, shown: Told) -> bool:
        if self._doubt_mm is None or own.advance_mm is None or shown.advance_mm is None:
            return False
        return abs(own.advance_mm - shown.advance_mm) > self._doubt_mm


class Fault(StrEnum):
    """Ways in which guidance can be wrong without knowing it."""

    DEEP = "deep"
    """The tip is shown too deep: the operator stops short."""
    SHALLOW = "shallow"
    """The tip is shown too shallow: the operator goes too far."""
    TURNED = "turned"
    """Steeper and shallower are exchanged."""
    FROZEN = "frozen"
    """After some seconds nothing changes any more."""


@dataclass(frozen=True, slots=True)
class FaultSettings:
    """How large a fault is. Biases of 5 mm are what the targets call a wrong tip; ``from_s`` is when a picture freezes."""

    bias_mm: float = 5.0
    from_s: float = 4.0
    spell_s: float = 3.0
    """How long a freeze lasts, and the time between two."""


class Faulty:
    """Another screen with a fault. ``hidden_after_s`` is the age at which frozen guidance goes dark; None: it never does."""

    def __init__(
        self, screen: Screen, fault: Fault, hidden_after_s: float | None = None, settings: FaultSettings | None = None
    ) -> None:
        self._screen = screen
        self._fault = fault
        self._hidden_after_s = hidden_after_s
        self._settings = settings or FaultSettings()
        self._last = Told()
        self._fresh_s = 0.0

    def tell(self, situation: Situation, dt_s: float) -> Told:
        """See ``Screen``."""
        told, bias_mm = self._screen.tell(situation, dt_s), self._settings.bias_mm
        if self._fault is Fault.FROZEN:
            return self._frozen(told, situation.time_s)
        if self._fault is Fault.TURNED:
            return told if told.angle_error_deg is None else replace(told, angle_error_deg=-told.angle_error_deg)
        if told.advance_mm is None or told.distance_mm is None:
            return told
        shift_mm = -bias_mm if self._fault is Fault.DEEP else bias_mm
        advance_mm = told.advance_mm + shift_mm
        across2 = max(0.0, told.distance_mm**2 - told.advance_mm**2)
        # Within a deposit as wide as this one along the shaft, by the shown tip.
        half_mm = situation.deposit.long_mm / 2
        return replace(
            told,
            advance_mm=advance_mm,
            distance_mm=float(np.sqrt(advance_mm**2 + across2)),
            in_target=abs(advance_mm) <= half_mm and across2 <= (situation.deposit.thick_mm / 2) ** 2,
        )

    def _frozen(self, told: Told, now_s: float) -> Told:
        s = self._settings
        if now_s < s.from_s or int((now_s - s.from_s) / s.spell_s) % 2:
            self._last, self._fresh_s = told, now_s
            return told
        hidden = self._hidden_after_s is not None and now_s - self._fresh_s > self._hidden_after_s
        # Dark guidance says so with a prompt of high priority: the operator stops and waits.
        return Told(target_proposed=True, stop=True) if hidden else self._last
