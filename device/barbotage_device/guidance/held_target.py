"""The accepted deposit over time: held in the tissue while the needle covers it, so that the point to reach does not recede from the tip."""

import math
from dataclasses import replace

import numpy as np

from barbotage_device.guidance.aim import Target
from barbotage_device.guidance.target import depth_within_mm, find_deposit, is_within, target_of
from barbotage_device.perception.tracks import DepositTrack, NeedleTrack, Tracks, TrackState
from barbotage_models.contract.geometry import FloatArray, PointMm
from barbotage_models.contract.taxonomy import EntrySide

COVER_MM = 2.0
"""A needle that comes so near to the accepted outline may hide a part of it. The beam is about so thick. Unpublished default."""
CLEAR_S = 2.0
"""The outline is taken from the picture again when the needle was away for so long. Unpublished default."""
UNSEEN_S = 10.0
"""How long a covered deposit is held without any of it being seen; the tissue may have moved more than was measured. Unpublished default."""
FOUND_AGAIN_S = 20.0
"""A deposit that appears so soon in the place of the accepted one is the accepted one. Unpublished default."""
FIT_GAIN = 0.2
"""What is seen lies within what was accepted: the share, a frame, of the move that would put it there. Drift is slow, outlines flicker."""
STEP_MM = 0.5
"""Along a needle, points this near to each other are looked at."""
NS_PER_S = 1_000_000_000


class HeldTarget:
    """Follows the deposit that the operator accepted. Not for use from several threads at once.

    Before the needle comes near, the target is the deposit as it is seen. From then on outline and point are those of before, moved with
    the tissue, because the needle hides the part of the deposit that it lies in: the centre of the rest would recede from the tip.
    """

    def __init__(self) -> None:
        self._target: Target | None = None
        self._held = False
        self._seen_ns: int | None = None
        self._away_ns: int | None = None

    def accept(self, track: DepositTrack) -> None:
        """Takes a deposit, as it is seen now, for the target."""
        self._target = target_of(track)
        self._held, self._seen_ns, self._away_ns = False, None, None

    def release(self) -> None:
        """Forgets the target."""
        self._target = None

    def update(self, tracks: Tracks) -> Target | None:
        """The target after a frame; None when nothing is accepted, or when where it is now is not known."""
        if self._target is None or tracks.needle.state is TrackState.STALE:
            return None
        if tracks.image_shift_mm is not None:
            self._target = _moved(self._target, tracks.image_shift_mm)
        seen = self._find(tracks, self._target)
        if seen is None and tracks.image_shift_mm is None:
            # Neither the deposit nor the tissue round it can be followed: the probe is elsewhere.
            self._target = None
            return None
        self._hold(tracks, self._target)
        if seen is not None or self._seen_ns is None:
            self._seen_ns = tracks.capture_ns
        if seen is not None:
            self._target = _fitted(self._target, seen) if self._held else seen
            return self._target
        unseen_s = (tracks.capture_ns - self._seen_ns) / NS_PER_S
        if unseen_s > FOUND_AGAIN_S:
            self._target = None
        return self._target if self._held and unseen_s <= UNSEEN_S else None

    def _hold(self, tracks: Tracks, target: Target) -> None:
        """Whether the needle may hide some of the target: at once when it is near, until it was away for a while."""
        if may_cover(tracks.needle, target.outline):
            self._held, self._away_ns = True, None
        elif tracks.needle.state is TrackState.LOST:
            self._away_ns = None  # a needle that is not seen any more may still be there
        elif self._away_ns is None:
            self._away_ns = tracks.capture_ns
        elif tracks.capture_ns - self._away_ns > CLEAR_S * NS_PER_S:
            self._held = False

    @staticmethod
    def _find(tracks: Tracks, target: Target) -> Target | None:
        """The deposit as it is seen now: by its identity, else the nearest that lies in its place (a needle splits what it lies in)."""
        same = find_deposit(tracks, target.identity)
        if same is not None:
            return target_of(same)
        inside = [one for one in map(target_of, tracks.deposits) if is_within(target.outline, one.point)]
        return min(inside, key=lambda one: one.point.distance_mm(target.point), default=None)


def may_cover(needle: NeedleTrack, outline: FloatArray) -> bool:
    """Whether a tracked needle reaches an outline (n, 2) in mm, or nearly; without a tip, whether it points at it."""
    if needle.state is not TrackState.TRACKING or needle.entry is None or needle.angle_deg is None:
        return False
    reach_mm = _far_mm(needle.entry, outline) if needle.tip is None else needle.entry.distance_mm(needle.tip)
    sign = 1.0 if needle.side is EntrySide.LEFT else -1.0
    dx, dz = sign * math.cos(math.radians(needle.angle_deg)), math.sin(math.radians(needle.angle_deg))
    along = np.append(np.arange(0.0, reach_mm, STEP_MM), reach_mm).tolist()
    points = (PointMm(needle.entry.x_mm + s * dx, needle.entry.z_mm + s * dz) for s in reversed(along))
    return any(depth_within_mm(outline, point) >= -COVER_MM for point in points)


def _far_mm(point: PointMm, outline: FloatArray) -> float:
    return float(np.hypot(outline[:, 0] - point.x_mm, outline[:, 1] - point.z_mm).max())


def _moved(target: Target, by: PointMm) -> Target:
    point = PointMm(target.point.x_mm + by.x_mm, target.point.z_mm + by.z_mm)
    return replace(target, point=point, outline=target.outline + np.array([by.x_mm, by.z_mm]))


def _fitted(target: Target, seen: Target) -> Target:
    """The held target under the identity that shows it now, moved a little so that what is seen of it comes to lie within its bounds."""
    low, high = target.outline.min(axis=0), target.outline.max(axis=0)
    seen_low, seen_high = seen.outline.min(axis=0), seen.outline.max(axis=0)
    short, beyond = np.minimum(0.0, seen_low - low), np.maximum(0.0, seen_high - high)
    # Seen beyond both bounds it is larger than what was accepted: no move helps.
    x_mm, z_mm = (np.where((short < 0) & (beyond > 0), 0.0, short + beyond) * FIT_GAIN).tolist()
    return replace(_moved(target, PointMm(x_mm, z_mm)), identity=seen.identity)
