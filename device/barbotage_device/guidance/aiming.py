"""How the live needle stands to the target: distance, miss, angle, clearance to the bone."""

import math
from dataclasses import dataclass

from barbotage_device.guidance.aim import Aim, Certainty, Target, Turn
from barbotage_device.guidance.bone_distance import hit_mm, way_distance_mm
from barbotage_device.guidance.target import is_within
from barbotage_device.perception.tracks import NeedleTrack, Tracks, TrackState
from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide

TURN_DEAD_BAND_DEG = 2.0
"""Smaller angle errors ask for no turn: a second human reader of a needle's angle differs by about 1 deg, so less is noise."""
MIN_LEVER_MM = 2.0
"""Nearer to the target than this an angle to it means nothing: a tip error of 1 mm would be 27 deg. Unpublished default."""


@dataclass(frozen=True, slots=True)
class _Ray:
    """The needle as a ray from its tip (or from its entry before a tip is seen) inwards."""

    start: PointMm
    dx: float
    dz: float

    def along_mm(self, point: PointMm) -> float:
        return (point.x_mm - self.start.x_mm) * self.dx + (point.z_mm - self.start.z_mm) * self.dz

    def across_mm(self, point: PointMm) -> float:
        return (point.z_mm - self.start.z_mm) * self.dx - (point.x_mm - self.start.x_mm) * self.dz

    def point(self, along_mm: float) -> PointMm:
        return PointMm(self.start.x_mm + along_mm * self.dx, self.start.z_mm + along_mm * self.dz)


def aim(tracks: Tracks, target: Target | None) -> Aim:
    """How the needle stands to ``target``.

    With a tip (``CONFIRMED``) everything is known; with a shaft only (``SHAFT_ONLY``) the direction and the miss, but no
    distance; otherwise (``UNKNOWN``) nothing. Points are always in plane coordinates; numbers in mm are None unless
    ``tracks.measurable``.
    """
    needle = tracks.needle
    if needle.state is not TrackState.TRACKING or needle.entry is None or needle.angle_deg is None or needle.side is None:
        return unknown_aim(target, needle.age_ns)
    ray = _ray(needle.tip or needle.entry, needle.angle_deg, needle.side)
    bone_mm = None if tracks.bone is None else hit_mm(ray.start, (ray.dx, ray.dz), tracks.bone)
    wanted_mm = None if target is None else ray.along_mm(target.point)
    error_deg = None if target is None else _angle_error_deg(ray, needle, target.point)
    mm = _millimetres(ray, target, wanted_mm, bone_mm, tracks)
    return Aim(
        certainty=Certainty.SHAFT_ONLY if needle.tip is None else Certainty.CONFIRMED,
        target=target,
        tip=needle.tip,
        entry=needle.entry,
        predicted_end=ray.point(_prediction_mm(ray, wanted_mm, bone_mm, tracks)),
        distance_mm=mm.distance,
        advance_mm=mm.advance,
        miss_mm=mm.miss,
        angle_deg=needle.angle_deg,
        angle_error_deg=error_deg,
        turn=_turn(error_deg),
        clearance_mm=mm.clearance,
        in_target=needle.tip is not None and target is not None and is_within(target.outline, needle.tip),
        confidence=needle.confidence,
        age_ns=needle.age_ns,
    )


def unknown_aim(target: Target | None, age_ns: int) -> Aim:
    """The aim when no needle is known: the target stays, everything else is absent."""
    return Aim(
        certainty=Certainty.UNKNOWN,
        target=target,
        tip=None,
        entry=None,
        predicted_end=None,
        distance_mm=None,
        advance_mm=None,
        miss_mm=None,
        angle_deg=None,
        angle_error_deg=None,
        turn=Turn.HOLD,
        clearance_mm=None,
        in_target=False,
        confidence=None,
        age_ns=age_ns,
    )


def _ray(start: PointMm, angle_deg: float, side: EntrySide) -> _Ray:
    sign = 1.0 if side is EntrySide.LEFT else -1.0
    return _Ray(start, sign * math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg)))


@dataclass(frozen=True, slots=True)
class _Millimetres:
    distance: float | None
    advance: float | None
    miss: float | None
    clearance: float | None


def _millimetres(
    ray: _Ray, target: Target | None, wanted_mm: float | None, bone_mm: float | None, tracks: Tracks
) -> _Millimetres:
    """What may be said in mm: nothing without a scale, and no distance without a tip."""
    if not tracks.measurable:
        return _Millimetres(None, None, None, None)
    tip, bone = tracks.needle.tip, tracks.bone
    miss = None if target is None else abs(ray.across_mm(target.point))
    if tip is None:
        return _Millimetres(None, None, miss, None)
    clearance = None if bone is None else way_distance_mm(tip, (ray.dx, ray.dz), max(0.0, wanted_mm or 0.0), bone, bone_mm)
    return _Millimetres(None if target is None else tip.distance_mm(target.point), wanted_mm, miss, clearance)


def _angle_error_deg(ray: _Ray, needle: NeedleTrack, point: PointMm) -> float | None:
    """Wanted minus present angle; None when the target is too near, or not ahead."""
    if ray.along_mm(point) <= 0.0 or ray.start.distance_mm(point) < MIN_LEVER_MM:
        return None
    inward = point.x_mm - ray.start.x_mm if needle.side is EntrySide.LEFT else ray.start.x_mm - point.x_mm
    wanted_deg = math.degrees(math.atan2(point.z_mm - ray.start.z_mm, inward))
    return None if needle.angle_deg is None else wanted_deg - needle.angle_deg


def _turn(error_deg: float | None) -> Turn:
    if error_deg is None or abs(error_deg) <= TURN_DEAD_BAND_DEG:
        return Turn.HOLD
    return Turn.STEEPER if error_deg > 0 else Turn.SHALLOWER


def _prediction_mm(ray: _Ray, wanted_mm: float | None, bone_mm: float | None, tracks: Tracks) -> float:
    """How far the dashed line goes: to beside the target if it is ahead, else to the edge; never into the bone."""
    reach = _edge_mm(ray, tracks.width_mm, tracks.depth_mm) if wanted_mm is None or wanted_mm <= 0.0 else wanted_mm
    return reach if bone_mm is None else min(reach, bone_mm)


def _edge_mm(ray: _Ray, width_mm: float, depth_mm: float) -> float:
    """Distance along a ray to the edge of the region."""
    reaches = []
    if ray.dx != 0.0:
        reaches.append(((width_mm if ray.dx > 0 else 0.0) - ray.start.x_mm) / ray.dx)
    if ray.dz > 0.0:
        reaches.append((depth_mm - ray.start.z_mm) / ray.dz)
    return max(0.0, min(reaches, default=0.0))
