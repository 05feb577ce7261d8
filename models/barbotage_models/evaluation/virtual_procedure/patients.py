"""The simulated patients: where the deposit lies and how the needle is first held, all from the seed."""

from dataclasses import replace

import numpy as np

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType
from barbotage_models.simulator.anatomy import ShoulderSettings, boundaries
from barbotage_models.simulator.deposits import DepositSettings, DepositShape
from barbotage_models.simulator.needle import NeedlePose, NeedleSettings, NeedleType
from barbotage_models.simulator.probe import MARGIN_MM, World
from barbotage_models.simulator.scenario.motion import Start
from barbotage_models.simulator.settings import ImageSettings

OUTSIDE_MM = 9.0
"""From the edge of the picture to the puncture: half of a probe's rim and some skin."""
AIM_SPREAD_DEG = 5.0
"""Of the angle at which the needle is first held, about the right one; unpublished, a guess by eye."""
TILT_SPREAD_DEG = 2.0
"""Of the needle's tilt out of the plane at the puncture; unpublished. The beam is about 2 mm thick, so 2 deg leave it after 30 mm."""
OFFSET_SPREAD_MM = 0.6
SHADOWS = (ShadowType.CLEAR, ShadowType.FAINT, ShadowType.NONE)
SHADOW_SHARES = (0.79, 0.14, 0.07)
"""Farin 1995, 87 deposits seen in ultrasound."""


def patient(seed: int, tilt_deg: float | None = None) -> Start:
    """A shoulder with one deposit of 5 to 15 mm and a needle just through the skin. ``tilt_deg`` sets the tilt out of the plane (its sign stays drawn)."""
    rng = np.random.default_rng([seed, 51])
    side = EntrySide.LEFT if rng.random() < 0.5 else EntrySide.RIGHT
    shoulder = ShoulderSettings(
        fat_mm=float(rng.uniform(2.0, 6.0)),
        deltoid_mm=float(rng.uniform(5.0, 9.0)),
        tendon_mm=float(rng.uniform(5.0, 7.5)),
        taper_x_mm=33.0,
        head_x_mm=18.0,
    )
    base = World(seed=seed, shoulder=shoulder)
    deposit = _deposit(base, side, rng)
    needle = NeedleSettings(
        kind=NeedleType(str(rng.choice([t.value for t in NeedleType]))),
        diameter_mm=float(rng.choice([1.27, 0.91])),
        echo_db=float(rng.uniform(-2.0, 4.0)),
        gap_fraction=float(rng.uniform(0.0, 0.3)),
        seed=seed + 1,
    )
    world = replace(base, deposits=(deposit,), needle=needle, image=ImageSettings(gain_db=-3.0, looks=3, noise_db=-92.0))
    return Start(world, _pose(world, side, rng, tilt_deg), seed)


def _deposit(world: World, side: EntrySide, rng: np.random.Generator) -> DepositSettings:
    where = boundaries(world.shoulder, world.probe, MARGIN_MM, world.seed)
    from_entry_mm = float(rng.uniform(17.0, 24.0))
    x_mm = from_entry_mm if side is EntrySide.LEFT else world.probe.width_mm - from_entry_mm
    top = float(np.interp(x_mm, where.x_mm, where.tendon_top))
    bottom = float(np.interp(x_mm, where.x_mm, where.bone))
    shadow = SHADOWS[int(rng.choice(3, p=SHADOW_SHARES))]
    return DepositSettings(
        centre=PointMm(x_mm, (top + bottom - 0.9) / 2),
        long_mm=float(rng.uniform(5.0, 15.0)),
        thick_mm=float(rng.uniform(2.6, 4.2)),
        tilt_deg=float(rng.uniform(-8.0, 8.0)),
        shape=DepositShape.NODULAR,
        shadow=shadow,
        contrast_db=16.0,
        loss_db_per_mm={ShadowType.CLEAR: 11.0, ShadowType.FAINT: 2.6, ShadowType.NONE: 0.5}[shadow],
        seed=world.seed,
    )


def _pose(world: World, side: EntrySide, rng: np.random.Generator, tilt_deg: float | None) -> NeedlePose:
    centre = world.deposits[0].centre
    entry_x = -OUTSIDE_MM if side is EntrySide.LEFT else world.probe.width_mm + OUTSIDE_MM
    right_deg = float(np.degrees(np.arctan2(centre.z_mm, abs(centre.x_mm - entry_x))))
    tilt = float(rng.normal(0.0, TILT_SPREAD_DEG))
    return NeedlePose(
        entry=PointMm(entry_x, 0.0),
        side=side,
        angle_deg=max(8.0, right_deg + float(rng.normal(0.0, AIM_SPREAD_DEG))),
        inserted_mm=6.0,
        tilt_deg=tilt if tilt_deg is None else float(np.copysign(tilt_deg, tilt)),
        offset_mm=float(rng.normal(0.0, OFFSET_SPREAD_MM)),
    )
