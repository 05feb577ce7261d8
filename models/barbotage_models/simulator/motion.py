"""The instant before: where probe, tissue and needle were one frame ago."""

from dataclasses import dataclass, replace

import numpy as np

from barbotage_models.simulator.needle import NeedlePose
from barbotage_models.simulator.probe import MARGIN_MM, SceneState

FRAME_PERIOD_S = (0.03, 0.06)
SLOW_PERIOD_S = 0.1
SLOW_SHARE = 0.1
STILL_NEEDLE_SHARE = 0.35
NEEDLE_SPEED_MM_S = 12.0
"""Median speed of a needle that moves; it varies by a factor of about 2.5 (hand-held advance: 2 to 40 mm/s)."""
WITHDRAWN_SHARE = 0.25
STILL_TISSUE_SHARE = 0.35
TISSUE_SPEED_MM_S = 4.0
"""Spread of the lateral speed of probe and tissue: breathing, pulse, a hand that is not quite still."""
JUMP_SHARE = 0.05
"""Frames between which the probe was moved on purpose, at ten times that speed."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What happened since the frame before, in mm and degrees."""

    tissue_x_mm: float
    tissue_z_mm: float
    advance_mm: float
    turn_deg: float
    slip_mm: float
    """Change of the needle's distance from the plane."""


def random_motion(rng: np.random.Generator) -> Motion:
    """What may happen within one frame period."""
    period_s = SLOW_PERIOD_S if rng.random() < SLOW_SHARE else float(rng.uniform(*FRAME_PERIOD_S))
    advance = 0.0
    if rng.random() >= STILL_NEEDLE_SHARE:
        speed = NEEDLE_SPEED_MM_S * float(np.exp(rng.normal(0, 0.9)))
        advance = min(speed, 60.0) * period_s * (-1 if rng.random() < WITHDRAWN_SHARE else 1)
    sideways = rng.random() < 0.3
    tissue = TISSUE_SPEED_MM_S * period_s * (0.0 if rng.random() < STILL_TISSUE_SHARE else 1.0)
    tissue *= 10.0 if rng.random() < JUMP_SHARE else 1.0
    return Motion(
        tissue_x_mm=float(np.clip(rng.normal(0, 1), -2.5, 2.5)) * tissue,
        tissue_z_mm=float(np.clip(rng.normal(0, 0.5), -1.2, 1.2)) * min(tissue, 0.5),
        advance_mm=advance,
        turn_deg=float(rng.normal(0, 0.5)) if sideways else 0.0,
        slip_mm=float(rng.normal(0, 0.12)) if sideways else 0.0,
    )


def pose_before(pose: NeedlePose, motion: Motion) -> NeedlePose:
    """The needle's pose one frame ago."""
    return replace(
        pose,
        angle_deg=max(0.1, pose.angle_deg - motion.turn_deg),
        inserted_mm=max(1.0, pose.inserted_mm - motion.advance_mm),
        offset_mm=pose.offset_mm - motion.slip_mm,
    )


def state_before(state: SceneState, motion: Motion) -> SceneState:
    """The scene's state one frame ago; the lavage is taken as unchanged."""
    limit = MARGIN_MM * 0.95
    return replace(
        state,
        drift_mm=float(np.clip(state.drift_mm - motion.tissue_x_mm, -limit, limit)),
        press_mm=float(np.clip(state.press_mm - motion.tissue_z_mm, -1.4, 1.4)),
        needle=None if state.needle is None else pose_before(state.needle, motion),
    )
