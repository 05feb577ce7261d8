"""Tracks of known geometry, without a tracker."""

import math

from tests.support.drawing import ellipse

from barbotage_device.perception.scene import Deposit, Quality
from barbotage_device.perception.tracks import DepositTrack, NeedleTrack, Tracks, TrackState
from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType

WIDTH_MM = 38.0


def needle_track(tip: PointMm | None, angle_deg: float, side: EntrySide = EntrySide.LEFT) -> NeedleTrack:
    """A tracked needle; without a tip it enters at 4 mm of depth."""
    edge = 0.0 if side is EntrySide.LEFT else WIDTH_MM
    z_mm = 4.0 if tip is None else tip.z_mm - abs(tip.x_mm - edge) * math.tan(math.radians(angle_deg))
    return NeedleTrack(TrackState.TRACKING, PointMm(edge, z_mm), tip, angle_deg, side, 0.0, 0.9, 0, False, 0.0, 0)


def deposit_track(identity: int, x_mm: float, z_mm: float) -> DepositTrack:
    """An elliptic deposit of 6 x 4 mm."""
    outline = ellipse(x_mm, z_mm, 3.0, 2.0)
    return DepositTrack(identity, Deposit(outline, PointMm(x_mm, z_mm), 6.0, 4.0, math.pi * 6, z_mm - 2, ShadowType.NONE, 0.9), 0)


def tracks_of(needle: NeedleTrack, deposits: tuple[DepositTrack, ...] = (), capture_ns: int = 0) -> Tracks:
    """Measurable tracks, 38 mm wide and deep, with a good picture and no bone."""
    return Tracks(capture_ns, True, WIDTH_MM, 38.0, needle, deposits, None, None, Quality(1.0))
