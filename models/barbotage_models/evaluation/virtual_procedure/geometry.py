"""How a needle, as somebody perceives it, stands to a deposit: the words and numbers that an operator acts on."""

import math
from dataclasses import dataclass

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide
from barbotage_models.simulator.deposits import DepositSettings
from barbotage_models.simulator.scenario.operator import Told

MIN_LEVER_MM = 2.0
"""Nearer to the target than this an angle to it means nothing; as the device's guidance has it."""


@dataclass(frozen=True, slots=True)
class Perceived:
    """A needle as it is perceived: ``tip`` in mm of the tissue, ``angle_deg`` from the horizontal; ``stop`` asks to stop and look for the tip."""

    tip: PointMm
    angle_deg: float
    tip_seen: bool = True
    stop: bool = False


def direction_of(angle_deg: float, side: EntrySide) -> tuple[float, float]:
    """Unit vector (x, z) of a shaft towards its tip."""
    sign = 1.0 if side is EntrySide.LEFT else -1.0
    return sign * math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))


def moved(point: PointMm, along: tuple[float, float], along_mm: float, across_mm: float = 0.0) -> PointMm:
    """A point moved along a unit direction and across it (turned by 90 degrees)."""
    dx, dz = along
    return PointMm(point.x_mm + along_mm * dx - across_mm * dz, point.z_mm + along_mm * dz + across_mm * dx)


def told_of(perceived: Perceived, side: EntrySide, deposit: DepositSettings, target: PointMm) -> Told:
    """What follows from a perceived needle for a deposit whose centre is held to be at ``target``; without a seen tip only the direction."""
    dx, dz = direction_of(perceived.angle_deg, side)
    x, z = target.x_mm - perceived.tip.x_mm, target.z_mm - perceived.tip.z_mm
    along, distance = x * dx + z * dz, math.hypot(x, z)
    error = None
    if along > 0.0 and distance >= MIN_LEVER_MM:
        error = math.degrees(math.atan2(z, x if side is EntrySide.LEFT else -x)) - perceived.angle_deg
    seen = perceived.tip_seen
    return Told(
        target_proposed=True,
        shaft_seen=True,
        tip_seen=seen,
        distance_mm=distance if seen else None,
        advance_mm=along if seen else None,
        angle_error_deg=error,
        in_target=seen and within(deposit, -x, -z),
        stop=perceived.stop,
    )


def within(deposit: DepositSettings, x_mm: float, z_mm: float, off_plane_mm: float = 0.0) -> bool:
    """Whether a point, seen from the deposit's centre, lies in its ellipsoid."""
    angle = math.radians(deposit.tilt_deg)
    u = (x_mm * math.cos(angle) + z_mm * math.sin(angle)) / (deposit.long_mm / 2)
    v = (-x_mm * math.sin(angle) + z_mm * math.cos(angle)) / (deposit.thick_mm / 2)
    w = off_plane_mm / (ACROSS_SHARE * deposit.long_mm / 2)
    return u * u + v * v + w * w <= 1.0


ACROSS_SHARE = 0.7
"""Width of a deposit across the picture's plane as a share of its length in it. No published figure; ovoid, as most are described."""
