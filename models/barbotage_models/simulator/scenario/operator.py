"""An operator who follows the guidance: told only what the screen tells, late, with imperfect hands.

The operator is a model: it exercises the closed loop and ranks designs, it proves nothing clinical.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from barbotage_models.simulator.scenario.motion import Hands

SWEEP_S = 0.8
"""Duration of the first sweep of a search; every further one takes as much longer, so that the sweeps widen evenly to both sides."""


class Doing(StrEnum):
    """What the operator is at."""

    LOOK = "look"
    """Waits until a target is proposed, and accepts it."""
    APPROACH = "approach"
    """Brings the needle into the picture, aims, advances."""
    REALIGN = "realign"
    """The tip is not seen: stops advancing and tilts to find it again."""
    LAVAGE = "lavage"
    """Presses and releases the plunger with the tip in the target."""
    WITHDRAW = "withdraw"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Told:
    """What the screen says at one instant; None where it says nothing."""

    target_proposed: bool = False
    shaft_seen: bool = False
    tip_seen: bool = False
    distance_mm: float | None = None
    advance_mm: float | None = None
    angle_error_deg: float | None = None
    in_target: bool = False
    stop: bool = False
    """A prompt of high priority is shown."""


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """How the operator reacts. Delay: seeing to moving, 0.2 s (human choice reaction); the rest are plausible, not measured."""

    delay_s: float = 0.2
    tremor_deg_s: float = 1.0
    speed_noise: float = 0.15
    top_speed_mm_s: float = 7.0
    insert_speed_mm_s: float = 6.0
    turn_gain_per_s: float = 1.6
    aim_tolerance_deg: float = 2.0
    commit_mm: float = 5.0
    """Nearer than this only the depth is corrected: a needle deep in tissue is not turned any more."""
    settled_mm: float = 1.2
    hold_in_target_s: float = 1.0
    lavage_cycles: int = 5
    cycle_s: float = 1.4
    search_tilt_deg_s: float = 3.5


class Operator:
    """Turns what is told into what the hands do; the same seed and the same words give the same hands."""

    def __init__(self, settings: OperatorSettings | None = None, seed: int = 0) -> None:
        self._settings = settings or OperatorSettings()
        self._rng = np.random.default_rng([seed, 31])
        self._heard: deque[tuple[float, Told]] = deque()
        self._now = Told()
        self._time_s = 0.0
        self._since_s = 0.0
        self._in_target_s = 0.0
        self.doing = Doing.LOOK

    def act(self, told: Told, dt_s: float) -> Hands:
        """What the hands do for the next ``dt_s``, having been told this."""
        self._time_s += dt_s
        self._heard.append((self._time_s, told))
        while self._heard and self._heard[0][0] <= self._time_s - self._settings.delay_s:
            self._now = self._heard.popleft()[1]
        act = {
            Doing.LOOK: self._look,
            Doing.APPROACH: self._approach,
            Doing.REALIGN: self._realign,
            Doing.LAVAGE: self._lavage,
            Doing.WITHDRAW: self._withdraw,
            Doing.DONE: self._rest,
        }[self.doing]
        return self._shaken(act(dt_s))

    def _become(self, doing: Doing) -> None:
        self.doing = doing
        self._since_s = self._time_s

    def _look(self, _dt_s: float) -> Hands:
        if self._now.target_proposed and self._time_s - self._since_s > 1.0:
            self._become(Doing.APPROACH)
        return Hands()

    def _approach(self, dt_s: float) -> Hands:
        now, s = self._now, self._settings
        if now.stop:
            self._become(Doing.REALIGN)
            return Hands()
        self._in_target_s = max(0.0, self._in_target_s + (dt_s if now.in_target else -dt_s))
        if self._in_target_s >= s.hold_in_target_s:
            self._become(Doing.LAVAGE)
            return Hands()
        if not now.shaft_seen and not now.tip_seen:
            return Hands(advance_mm_s=s.insert_speed_mm_s)
        near = now.distance_mm is not None and now.distance_mm < s.commit_mm
        error = 0.0 if now.angle_error_deg is None or near else now.angle_error_deg
        turn = float(np.clip(s.turn_gain_per_s * error, -8.0, 8.0)) if abs(error) > s.aim_tolerance_deg / 2 else 0.0
        if now.distance_mm is None or now.advance_mm is None:
            return Hands(advance_mm_s=s.insert_speed_mm_s / 2, turn_deg_s=turn)
        if now.in_target and abs(now.advance_mm) < s.settled_mm:
            return Hands()
        if abs(error) > 2 * s.aim_tolerance_deg:
            return Hands(turn_deg_s=turn)
        return Hands(float(np.clip(1.2 * now.advance_mm, -s.top_speed_mm_s, s.top_speed_mm_s)), turn)

    def _realign(self, _dt_s: float) -> Hands:
        s = self._settings
        waited = self._time_s - self._since_s
        if self._now.tip_seen and waited > 0.4:
            self._become(Doing.APPROACH)
            return Hands()
        return Hands(tilt_deg_s=_sweep_sign(waited) * s.search_tilt_deg_s)

    def _lavage(self, _dt_s: float) -> Hands:
        s = self._settings
        waited = self._time_s - self._since_s
        if waited >= s.lavage_cycles * s.cycle_s + 0.6:
            self._become(Doing.WITHDRAW)
            return Hands()
        pressing = waited < s.lavage_cycles * s.cycle_s and (waited % s.cycle_s) < s.cycle_s / 2
        drift = self._now.advance_mm or 0.0
        hold = 0.6 * drift if abs(drift) > 1.5 and self._now.tip_seen else 0.0
        return Hands(advance_mm_s=float(np.clip(hold, -2.0, 2.0)), plunger=1.0 if pressing else 0.0)

    def _withdraw(self, _dt_s: float) -> Hands:
        if not self._now.shaft_seen and self._time_s - self._since_s > 1.0:
            self._become(Doing.DONE)
            return Hands()
        return Hands(advance_mm_s=-12.0)

    def _rest(self, _dt_s: float) -> Hands:
        return Hands()

    def _shaken(self, hands: Hands) -> Hands:
        s = self._settings
        still = hands == Hands() or hands.plunger > 0
        tremor = s.tremor_deg_s * float(self._rng.normal()) * (0.3 if still else 1.0)
        speed = hands.advance_mm_s * (1 + s.speed_noise * float(self._rng.normal()))
        return Hands(speed, hands.turn_deg_s + tremor, hands.tilt_deg_s, hands.plunger)


def _sweep_sign(waited_s: float) -> float:
    """Which way a search tilts: one way, then further back the other way, and so on, as one looks for a lost tip; never off for good."""
    sweeps = int((np.sqrt(1.0 + 8.0 * waited_s / SWEEP_S) - 1.0) / 2.0)
    return -1.0 if sweeps % 2 == 0 else 1.0
