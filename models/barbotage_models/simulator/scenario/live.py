"""A scene that moves, as frames: the hand on the probe trembles and drifts, the needle follows its own hand, lavage empties the deposit."""

from dataclasses import replace

import numpy as np

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType
from barbotage_models.simulator.anatomy import ShoulderSettings, boundaries
from barbotage_models.simulator.deposits import DepositSettings, DepositShape
from barbotage_models.simulator.needle import NeedlePose, NeedleSettings, NeedleType
from barbotage_models.simulator.probe import MARGIN_MM, SimulatedFrame, SimulatedProbe, World
from barbotage_models.simulator.scenario.motion import FULL_PRESS_KPA, Hands, SceneMotion, Start
from barbotage_models.simulator.settings import ImageSettings

__all__ = ["FULL_PRESS_KPA", "Hands", "LiveScene", "Start", "shoulder_start"]


class LiveScene:
    """Advances one scene in time. The same start and the same hands give the same frames."""

    def __init__(self, start: Start) -> None:
        self._probe = SimulatedProbe(start.world)
        self._motion = SceneMotion(start)

    @property
    def world(self) -> World:
        """What the scene is made of."""
        return self._probe.world

    @property
    def pose(self) -> NeedlePose:
        """The needle's true pose in tissue coordinates."""
        return self._motion.pose

    @property
    def motion(self) -> SceneMotion:
        """What moves in the scene."""
        return self._motion

    @property
    def time_s(self) -> float:
        """Scene time."""
        return self._motion.time_s

    @property
    def cycles(self) -> int:
        """Press-and-release cycles done with the tip inside the deposit: the truth to compare a count with."""
        return self._motion.cycles

    @property
    def washed(self) -> float:
        """Share of the first deposit that has been washed out, 0 to 1."""
        return self._motion.washed

    @property
    def line_pressure_kpa(self) -> float:
        """Simulated pressure in the lavage line above rest, in kPa: follows the plunger with its lag. Not measured on any real line."""
        return self._motion.pressure * FULL_PRESS_KPA

    @property
    def tip_in_deposit(self) -> bool:
        """Whether the true tip lies in the first deposit (within an ellipse of its size) and in the beam."""
        return self._motion.tip_in_deposit

    def step(self, dt_s: float, hands: Hands | None = None) -> SimulatedFrame:
        """The frame after ``dt_s`` in which the hands did what they are told (nothing when None)."""
        return self._probe.render(self._motion.move(dt_s, hands))


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
