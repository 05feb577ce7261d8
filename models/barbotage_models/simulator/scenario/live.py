"""A scene that moves: the hand on the probe trembles and drifts, the needle follows its own hand, lavage empties the deposit."""

from dataclasses import dataclass, replace

import numpy as np

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType
from barbotage_models.simulator.anatomy import ShoulderSettings, boundaries
from barbotage_models.simulator.deposits import DepositSettings, DepositShape, Lavage
from barbotage_models.simulator.needle import NeedlePose, NeedleSettings, NeedleType
from barbotage_models.simulator.probe import MARGIN_MM, SceneState, SimulatedFrame, SimulatedProbe, World
from barbotage_models.simulator.randomise import stopped_at_bone
from barbotage_models.simulator.settings import ImageSettings

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


class LiveScene:
    """Advances one scene in time. The same start and the same hands give the same frames."""

    def __init__(self, start: Start) -> None:
        self._probe = SimulatedProbe(start.world)
        self._rng = np.random.default_rng([start.seed, 21])
        self._pose = start.pose
        self._hand_tilt_deg = start.pose.tilt_deg
        self._slip_deg = 0.0
        self._drift_mm = 0.0
        self._time_s = 0.0
        self._pressure = 0.0
        self._pressed = False
        self._washed = 0.0
        self.cycles = 0
        """Press-and-release cycles done with the tip inside the deposit: the truth to compare a count with."""

    @property
    def world(self) -> World:
        """What the scene is made of."""
        return self._probe.world

    @property
    def pose(self) -> NeedlePose:
        """The needle's true pose in tissue coordinates."""
        return self._pose

    @property
    def time_s(self) -> float:
        """Scene time."""
        return self._time_s

    @property
    def washed(self) -> float:
        """Share of the first deposit that has been washed out, 0 to 1."""
        return self._washed

    @property
    def line_pressure_kpa(self) -> float:
        """Simulated pressure in the lavage line above rest, in kPa: follows the plunger with its lag. Not measured on any real line."""
        return self._pressure * FULL_PRESS_KPA

    @property
    def tip_in_deposit(self) -> bool:
        """Whether the true tip lies in the first deposit (within an ellipse of its size) and in the beam."""
        if not self.world.deposits:
            return False
        deposit, tip = self.world.deposits[0], self._pose.tip
        angle = np.deg2rad(deposit.tilt_deg)
        dx, dz = tip.x_mm - deposit.centre.x_mm, tip.z_mm - deposit.centre.z_mm
        u = (dx * np.cos(angle) + dz * np.sin(angle)) / (deposit.long_mm / 2)
        v = (-dx * np.sin(angle) + dz * np.cos(angle)) / (deposit.thick_mm / 2)
        return bool(u * u + v * v <= 1.0)

    def step(self, dt_s: float, hands: Hands | None = None) -> SimulatedFrame:
        """The frame after ``dt_s`` in which the hands did what they are told (nothing when None)."""
        done = hands or Hands()
        self._time_s += dt_s
        self._move_probe(dt_s)
        self._move_needle(dt_s, done)
        self._wash(dt_s, done.plunger)
        press = BREATH_MM * float(np.sin(2 * np.pi * BREATH_HZ * self._time_s))
        lavage = None if self._washed == 0 and self._pressure < 0.02 else Lavage(self._washed, round(self._pressure, 2))
        return self._probe.render(SceneState(self._drift_mm, press, self._pose, lavage))

    def _move_probe(self, dt_s: float) -> None:
        self._drift_mm = self._wander(self._drift_mm, dt_s, DRIFT_TIME_S, DRIFT_SPREAD_MM)
        self._slip_deg = self._wander(self._slip_deg, dt_s, TILT_TIME_S, TILT_SPREAD_DEG)

    def _move_needle(self, dt_s: float, hands: Hands) -> None:
        self._hand_tilt_deg += hands.tilt_deg_s * dt_s
        moved = replace(
            self._pose,
            angle_deg=float(np.clip(self._pose.angle_deg + hands.turn_deg_s * dt_s, 3.0, 75.0)),
            inserted_mm=max(0.0, self._pose.inserted_mm + hands.advance_mm_s * dt_s),
            tilt_deg=self._hand_tilt_deg + self._slip_deg,
        )
        self._pose = stopped_at_bone(self.world, moved)

    def _wash(self, dt_s: float, plunger: float) -> None:
        self._pressure += (plunger - self._pressure) * min(1.0, dt_s / PLUNGER_LAG_S)
        if self._pressure > 0.6 and self.tip_in_deposit:
            self._pressed = True
        elif self._pressed and self._pressure < 0.25:
            self._pressed = False
            self.cycles += 1
            self._washed = min(0.95, self._washed + WASHED_PER_CYCLE)

    def _wander(self, value: float, dt_s: float, time_s: float, spread: float) -> float:
        """One step of an Ornstein-Uhlenbeck process: drifts, but comes back."""
        keep = float(np.exp(-dt_s / time_s))
        return value * keep + spread * float(np.sqrt(1 - keep * keep)) * float(self._rng.normal())


def shoulder_start(seed: int = 0, shadow: ShadowType = ShadowType.FAINT, side: EntrySide = EntrySide.LEFT) -> Start:
    """The scene of demo and ``sim``: a 12 mm deposit 13 to 15 mm deep, the needle at the skin beside the probe."""
    shoulder = ShoulderSettings(fat_mm=2.6, deltoid_mm=5.6, tendon_mm=6.5, taper_x_mm=33.0, head_x_mm=18.0)
    base = World(seed=seed, shoulder=shoulder)
    where = boundaries(shoulder, base.probe, MARGIN_MM, seed)
    x_mm = 20.0 if side is EntrySide.LEFT else base.probe.width_mm - 20.0
    top = float(np.interp(x_mm, where.x_mm, where.tendon_top))
    bottom = float(np.interp(x_mm, where.x_mm, where.bone))
    thick = {ShadowType.CLEAR: 2.6, ShadowType.FAINT: 3.6, ShadowType.NONE: 4.2}.get(shadow, 3.6)
    deposit = DepositSettings(
        centre=PointMm(x_mm, (top + bottom - 0.9) / 2),
        long_mm=12.0,
        thick_mm=thick,
        tilt_deg=3.0,
        shape=DepositShape.NODULAR,
        shadow=shadow,
        contrast_db=16.0,
        loss_db_per_mm={ShadowType.CLEAR: 11.0, ShadowType.FAINT: 2.6, ShadowType.NONE: 0.5}.get(shadow, 2.6),
        seed=seed,
    )
    needle = NeedleSettings(kind=NeedleType.ETCHED, diameter_mm=0.91, echo_db=0.0, lines=2, line_decay_db=9.0, seed=seed + 1)
    world = replace(base, deposits=(deposit,), needle=needle, image=ImageSettings(gain_db=-3.0, looks=3, noise_db=-92.0))
    outside_mm = 9.0
    entry = PointMm(-outside_mm if side is EntrySide.LEFT else base.probe.width_mm + outside_mm, 0.0)
    pose = NeedlePose(entry, side, angle_deg=19.0, inserted_mm=6.0, tilt_deg=1.0)
    return Start(world, pose, seed)
