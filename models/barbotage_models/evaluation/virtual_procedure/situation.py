"""What is true at an instant of a virtual procedure: where the tip is, and what of the needle the beam shows."""

import math
from dataclasses import dataclass

import numpy as np

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide
from barbotage_models.evaluation.virtual_procedure.geometry import within
from barbotage_models.simulator.deposits import DepositSettings
from barbotage_models.simulator.needle import NeedleEcho
from barbotage_models.simulator.scenario.motion import SceneMotion

SHOWN_AMPLITUDE = 0.1
"""Relative echo (-20 dB) above which a piece of shaft is taken as visible.

Without drawing there is no background to stand out from. In 556 rendered frames of four scenes this says as the rendered truth does
whether the tip is visible in 98 % (best of -4 to -24 dB).
"""
TIP_PART_MM = 1.5
"""Of which half must be visible for the tip to be, as in the simulator's truth."""
_BACK_MM = np.concatenate([np.arange(0.0, TIP_PART_MM, 0.25), np.arange(TIP_PART_MM + 0.5, 70.0, 1.0)])
_TIP_STEPS = int((_BACK_MM < TIP_PART_MM).sum())


@dataclass(frozen=True, slots=True)
class Situation:
    """The truth, in mm of the tissue. ``seen_end`` is the deepest visible point of the needle, which looks like its tip; None when none is.

    ``off_plane_mm`` is the distance of the true tip from the plane of the picture.
    """

    time_s: float
    side: EntrySide
    deposit: DepositSettings
    tip: PointMm
    angle_deg: float
    off_plane_mm: float
    reached: bool
    """Whether the tip has come in below the probe's near edge: from then on it should be seen."""
    tip_visible: bool
    seen_end: PointMm | None
    advancing: bool

    @property
    def distance_mm(self) -> float:
        """True tip to the deposit's centre, in space."""
        centre = self.deposit.centre
        return math.sqrt((self.tip.x_mm - centre.x_mm) ** 2 + (self.tip.z_mm - centre.z_mm) ** 2 + self.off_plane_mm**2)

    @property
    def in_deposit(self) -> bool:
        """Whether the true tip lies in the deposit, in space."""
        centre = self.deposit.centre
        return within(self.deposit, self.tip.x_mm - centre.x_mm, self.tip.z_mm - centre.z_mm, self.off_plane_mm)


class Observer:
    """Looks at one scene. The probe's drift moves tissue and needle alike and does not matter here."""

    def __init__(self, motion: SceneMotion) -> None:
        self._motion = motion
        self._echo = NeedleEcho(motion.world.needle, motion.world.probe)
        self._inserted_mm = motion.pose.inserted_mm

    def look(self) -> Situation:
        """The situation now."""
        motion, pose = self._motion, self._motion.pose
        back = _BACK_MM[pose.inserted_mm >= _BACK_MM]
        along = pose.inserted_mm - back
        (dx, dz), cosine = pose.direction, math.cos(math.radians(pose.tilt_deg))
        x, z = pose.entry.x_mm + along * cosine * dx, pose.entry.z_mm + along * cosine * dz
        inside = (x >= 0.0) & (x <= motion.world.probe.width_mm)
        shown = inside & (self._echo.profile(pose, along) > SHOWN_AMPLITUDE)
        seen = np.flatnonzero(shown)
        advancing = pose.inserted_mm > self._inserted_mm + 0.02
        self._inserted_mm = pose.inserted_mm
        return Situation(
            time_s=motion.time_s,
            side=pose.side,
            deposit=motion.world.deposits[0],
            tip=pose.tip,
            angle_deg=pose.angle_deg,
            off_plane_mm=pose.offset_mm + math.sin(math.radians(pose.tilt_deg)) * pose.inserted_mm,
            reached=pose.tip.x_mm >= 0.0 if dx > 0.0 else pose.tip.x_mm <= motion.world.probe.width_mm,
            tip_visible=bool(shown[:_TIP_STEPS].mean() > 0.5) if len(shown) else False,
            seen_end=PointMm(float(x[seen[0]]), float(z[seen[0]])) if len(seen) else None,
            advancing=advancing,
        )
