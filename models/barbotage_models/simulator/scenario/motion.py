"""How hands and breath move a scene: the probe drifts, the needle follows its hand and stops at bone, lavage washes. Nothing is drawn."""

from dataclasses import dataclass, replace

import numpy as np

from barbotage_models.simulator.anatomy import boundaries
from barbotage_models.simulator.deposits import Lavage
from barbotage_models.simulator.needle import NeedlePose
from barbotage_models.simulator.probe import MARGIN_MM, SceneState, World
from barbotage_models.simulator.randomise import stopped_at

WASHED_PER_CYCLE = 0.16
"""Share of the deposit that one full press and release removes. No published figure; six cycles empty it here."""
PLUNGER_LAG_S = 0.25
FULL_PRESS_KPA = 40.0
"""Pressure in the lavage line when the plunger is pressed fully. Simulated: no published figure exists; a thumb on a 10 ml syringe easily gives this."""
BREATH_HZ = 0.25
BREATH_MM = 0.12
DRIFT_SPREAD_MM = 0.5
DRIFT_TIME_S = 4.0
TILT_SPREAD_DEG = 0.7
TILT_TIME_S = 3.0


@dataclass(frozen=True, slots=True)
class Hands:
    """What both hands do during one step. Speeds along the shaft, of its angle and of its tilt out of the plane; plunger 0 to 1."""

    advance_mm_s: float = 0.0
    turn_deg_s: float = 0.0
    tilt_deg_s: float = 0.0
    plunger: float = 0.0


@dataclass(frozen=True, slots=True)
class Start:
    """Where a scene begins. ``tilt_deg`` is the needle's initial tilt out of the plane."""

    world: World
    pose: NeedlePose
    seed: int = 0


class SceneMotion:
    """Advances the state of one scene in time. The same start and the same hands give the same states."""

    def __init__(self, start: Start) -> None:
        self.world = start.world
        self._bone = boundaries(start.world.shoulder, start.world.probe, MARGIN_MM, start.world.seed)
        self._rng = np.random.default_rng([start.seed, 21])
        self.pose = start.pose
        """The needle's true pose in tissue coordinates."""
        self._hand_tilt_deg = start.pose.tilt_deg
        self._slip_deg = 0.0
        self._drift_mm = 0.0
        self.time_s = 0.0
        """Scene time."""
        self.pressure = 0.0
        """In the lavage line, as a share of a full press."""
        self._pressed = False
        self.washed = 0.0
        """Share of the first deposit that has been washed out, 0 to 1."""
        self.cycles = 0
        """Press-and-release cycles done with the tip inside the deposit: the truth to compare a count with."""
        self.on_bone = False
        """Whether bone held the needle back in the last step."""

    @property
    def tip_in_deposit(self) -> bool:
        """Whether the true tip lies in the first deposit (within an ellipse of its size) and in the beam."""
        if not self.world.deposits:
            return False
        deposit, tip = self.world.deposits[0], self.pose.tip
        angle = np.deg2rad(deposit.tilt_deg)
        dx, dz = tip.x_mm - deposit.centre.x_mm, tip.z_mm - deposit.centre.z_mm
        u = (dx * np.cos(angle) + dz * np.sin(angle)) / (deposit.long_mm / 2)
        v = (-dx * np.sin(angle) + dz * np.cos(angle)) / (deposit.thick_mm / 2)
        return bool(u * u + v * v <= 1.0)

    def move(self, dt_s: float, hands: Hands | None = None) -> SceneState:
        """The state after ``dt_s`` in which the hands did what they are told (nothing when None)."""
        done = hands or Hands()
        self.time_s += dt_s
        self._move_probe(dt_s)
        self._move_needle(dt_s, done)
        self._wash(dt_s, done.plunger)
        press = BREATH_MM * float(np.sin(2 * np.pi * BREATH_HZ * self.time_s))
        lavage = None if self.washed == 0 and self.pressure < 0.02 else Lavage(self.washed, round(self.pressure, 2))
        return SceneState(self._drift_mm, press, self.pose, lavage)

    def _move_probe(self, dt_s: float) -> None:
        self._drift_mm = self._wander(self._drift_mm, dt_s, DRIFT_TIME_S, DRIFT_SPREAD_MM)
        self._slip_deg = self._wander(self._slip_deg, dt_s, TILT_TIME_S, TILT_SPREAD_DEG)

    def _move_needle(self, dt_s: float, hands: Hands) -> None:
        self._hand_tilt_deg += hands.tilt_deg_s * dt_s
        moved = replace(
            self.pose,
            angle_deg=float(np.clip(self.pose.angle_deg + hands.turn_deg_s * dt_s, 3.0, 75.0)),
            inserted_mm=max(0.0, self.pose.inserted_mm + hands.advance_mm_s * dt_s),
            tilt_deg=self._hand_tilt_deg + self._slip_deg,
        )
        self.pose = stopped_at(self._bone, moved)
        self.on_bone = self.pose.inserted_mm < moved.inserted_mm

    def _wash(self, dt_s: float, plunger: float) -> None:
        self.pressure += (plunger - self.pressure) * min(1.0, dt_s / PLUNGER_LAG_S)
        if self.pressure > 0.6 and self.tip_in_deposit:
            self._pressed = True
        elif self._pressed and self.pressure < 0.25:
            self._pressed = False
            self.cycles += 1
            self.washed = min(0.95, self.washed + WASHED_PER_CYCLE)

    def _wander(self, value: float, dt_s: float, time_s: float, spread: float) -> float:
        """One step of an Ornstein-Uhlenbeck process: drifts, but comes back."""
        keep = float(np.exp(-dt_s / time_s))
        return value * keep + spread * float(np.sqrt(1 - keep * keep)) * float(self._rng.normal())
