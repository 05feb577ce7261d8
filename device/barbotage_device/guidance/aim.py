"""How the live needle stands to the target."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from barbotage_models.contract.geometry import FloatArray, PointMm


class Turn(StrEnum):
    """Which way the needle's angle should change."""

    STEEPER = "steeper"
    SHALLOWER = "shallower"
    HOLD = "hold"


class Certainty(StrEnum):
    """What the operator may rely on."""

    CONFIRMED = "confirmed"
    """Tip and axis are seen now."""
    SHAFT_ONLY = "shaft-only"
    """The shaft is seen, the tip is not: a direction is shown, no distance."""
    UNKNOWN = "unknown"
    """Nothing is shown but the reason."""


@dataclass(frozen=True, slots=True)
class Target:
    """The accepted deposit and the point within it to reach. ``identity`` is of the deposit that shows it now.

    ``outline`` (n, 2) in mm, empty where only the point is known (read back from a session).
    """

    identity: int
    point: PointMm
    outline: FloatArray = field(default_factory=lambda: np.zeros((0, 2)), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Aim:
    """Where the needle is going. Every ``_mm`` value is None without a scale or when it is not known.

    ``distance_mm`` tip to target point. ``advance_mm`` along the axis to the foot of the perpendicular from the target (negative: gone
    past). ``miss_mm`` by how much the predicted line passes the target point. ``angle_error_deg`` wanted minus present angle about the
    present tip (or entry, before a tip is seen), positive = steeper. ``clearance_mm`` smallest distance of tip and predicted
    line, up to the target, to the bone surface. ``predicted_end`` is where the dashed line ends.
    """

    certainty: Certainty
    target: Target | None
    tip: PointMm | None
    entry: PointMm | None
    predicted_end: PointMm | None
    distance_mm: float | None
    advance_mm: float | None
    miss_mm: float | None
    angle_deg: float | None
    angle_error_deg: float | None
    turn: Turn
    clearance_mm: float | None
    in_target: bool
    """The tip lies inside the convex hull of the target deposit's outline (the needle hides the part that it lies in)."""
    confidence: float | None
    age_ns: int
