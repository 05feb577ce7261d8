"""What is known over time: the tracked needle and the tracked deposits."""

from dataclasses import dataclass
from enum import StrEnum

from barbotage_device.perception.scene import Deposit, Quality
from barbotage_models.contract.geometry import FloatArray, PointMm
from barbotage_models.contract.taxonomy import EntrySide


class TrackState(StrEnum):
    """How much the needle track may be trusted."""

    SEARCHING = "searching"
    """No needle yet."""
    TRACKING = "tracking"
    """The axis, and the tip unless it is None, are confirmed by this frame or by one at most ``coast`` ago."""
    LOST = "lost"
    """A needle was tracked and is not seen any more; nothing is shown but the fact."""
    STALE = "stale"
    """No new frame: what was known is too old to show."""


@dataclass(frozen=True, slots=True)
class NeedleTrack:
    """The tracked needle. ``tip`` is None when only the shaft is confirmed; nothing is None-and-guessed.

    ``tip_speed_mm_s`` is along the axis, positive inwards. ``age_ns`` counts since the last frame that confirmed the tip (or the shaft
    when there is no tip). ``shaft_moving`` says that the shaft goes in, or moves across its axis, although the tip may not be seen.
    """

    state: TrackState
    entry: PointMm | None
    tip: PointMm | None
    angle_deg: float | None
    side: EntrySide | None
    tip_speed_mm_s: float | None
    confidence: float | None
    age_ns: int
    shaft_moving: bool
    travel_unseen_mm: float
    """Estimated way inwards since the tip was last seen; what was drawn back is not taken off."""
    unseen_ns: int
    """Time since the tip was last seen while a shaft is seen; 0 while the tip is seen."""


@dataclass(frozen=True, slots=True)
class DepositTrack:
    """A deposit followed over frames; ``identity`` is stable while it is followed."""

    identity: int
    deposit: Deposit
    age_ns: int


@dataclass(frozen=True, slots=True)
class Tracks:
    """Everything known after a frame."""

    capture_ns: int
    measurable: bool
    width_mm: float
    depth_mm: float
    needle: NeedleTrack
    deposits: tuple[DepositTrack, ...]
    bone: FloatArray | None
    image_shift_mm: PointMm | None
    """Movement of the tissue since the previous frame (the probe moved the other way); None when it could not be measured."""
    quality: Quality
