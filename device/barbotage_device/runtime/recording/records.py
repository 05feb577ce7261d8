"""What is recorded of a guidance: the JSON objects of the topics /detections and /guidance.

Coordinates are ``[x, y]`` in pixels of the recorded frame (the region), three decimals; lengths in mm have four decimals and are null
without a scale. 0.001 px is a tenth of a micrometre: no decision of guidance hangs on less.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from barbotage_device.guidance.aim import Aim
from barbotage_device.guidance.prompt import Prompt, Prompts
from barbotage_device.perception.scene import Deposit, NeedleLine, Quality, TipSighting
from barbotage_device.perception.tracks import DepositTrack, NeedleTrack
from barbotage_device.runtime.budget import Stage
from barbotage_device.runtime.pipeline import Guidance
from barbotage_device.runtime.timing import NS_PER_MS
from barbotage_models.contract.canonical import CanonicalView
from barbotage_models.contract.geometry import FloatArray, PointMm
from barbotage_models.contract.output import ModelOutput

Record = dict[str, Any]

PX_DECIMALS = 3
MM_DECIMALS = 4
DEG_DECIMALS = 3
CONFIDENCE_DECIMALS = 4
MS_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the loop knows beside the guidance: durations of the stages (ns), capture to guidance (ns), frames dropped so far."""

    stages_ns: Mapping[Stage, int]
    latency_ns: int | None
    drops: int


def detection_record(guidance: Guidance) -> Record:
    """The /detections object of a guidance: what this one frame shows, nothing tracked.

    ``output_crc32`` is the CRC-32 of the network's output maps as decoded (uint8, classes before tip), 8 hexadecimal digits.
    """
    scene, view = guidance.scene, guidance.canonical.view
    return {
        "sequence": guidance.frame.sequence,
        "output_crc32": output_crc32(guidance.output),
        "deposits": [_deposit(view, one) for one in scene.deposits],
        "needle": None if scene.needle is None else _needle_line(view, scene.needle),
        "tip": None if scene.tip is None else _tip(view, scene.tip),
        "bone_px": None if scene.bone is None else _points(view, scene.bone),
        "quality": _quality(scene.quality),
    }


def guidance_record(guidance: Guidance, circumstances: Circumstances) -> Record:
    """The /guidance object of a guidance: what is known over time, the aim, and every prompt, also those that were held back."""
    tracks, view = guidance.tracks, guidance.canonical.view
    target = guidance.aim.target
    return {
        "sequence": guidance.frame.sequence,
        "stale": guidance.stale,
        "needle": _needle_track(view, tracks.needle),
        "deposits": [_deposit_track(view, one) for one in tracks.deposits],
        "bone_px": None if tracks.bone is None else _points(view, tracks.bone),
        "target": None if target is None else {"identity": target.identity, "point_px": _point(view, target.point)},
        "aim": _aim(view, guidance.aim),
        "prompts": prompts_record(guidance.prompts),
        "image_shift_mm": _shift(view, tracks.image_shift_mm),
        "probe_moved": guidance.probe_moved,
        "quality": _quality(tracks.quality),
        "stages_ms": {stage.value: _ms(duration_ns) for stage, duration_ns in circumstances.stages_ns.items()},
        "latency_ms": None if circumstances.latency_ns is None else _ms(circumstances.latency_ns),
        "drops": circumstances.drops,
    }


def prompts_record(prompts: Prompts) -> Record:
    """The prompt shown and those held back."""
    return {
        "shown": None if prompts.shown is None else prompt_record(prompts.shown),
        "suppressed": [prompt_record(one) for one in prompts.suppressed],
    }


def prompt_record(prompt: Prompt) -> Record:
    """One prompt; ``priority`` is low, medium or high."""
    return {"kind": prompt.kind.value, "priority": prompt.priority.name.lower(), "since_ns": prompt.since_ns}


def measured(view: CanonicalView, deposit: Deposit) -> Record:
    """Size and shadow of a deposit; sizes are null without a scale."""
    return {
        "longest_mm": _mm(view, deposit.longest_mm),
        "perpendicular_mm": _mm(view, deposit.perpendicular_mm),
        "area_mm2": _mm(view, deposit.area_mm2),
        "shadow": deposit.shadow.value,
    }


def deposit_place(view: CanonicalView, deposit: Deposit) -> list[float]:
    """Where a deposit's centre lies, ``[x, y]`` in pixels of the frame."""
    return _point(view, deposit.centre)


def output_crc32(output: ModelOutput) -> str:
    """CRC-32 of the network's output, 8 hexadecimal digits: two outputs that agree in it are the same bytes."""
    return f"{zlib.crc32(output.tip.tobytes(), zlib.crc32(output.classes.tobytes())):08x}"


def _deposit(view: CanonicalView, deposit: Deposit) -> Record:
    return {
        "outline_px": _points(view, deposit.outline),
        "centre_px": _point(view, deposit.centre),
        "longest_mm": _mm(view, deposit.longest_mm),
        "perpendicular_mm": _mm(view, deposit.perpendicular_mm),
        "area_mm2": _mm(view, deposit.area_mm2),
        "depth_mm": _mm(view, deposit.depth_mm),
        "shadow": deposit.shadow.value,
        "confidence": _share(deposit.confidence),
    }


def _deposit_track(view: CanonicalView, track: DepositTrack) -> Record:
    return {"identity": track.identity, "age_ms": _ms(track.age_ns), **_deposit(view, track.deposit)}


def _needle_line(view: CanonicalView, needle: NeedleLine) -> Record:
    return {
        "entry_px": _point(view, needle.entry),
        "end_px": _point(view, needle.end),
        "angle_deg": _deg(needle.angle_deg),
        "side": needle.side.value,
        "visible_mm": _mm(view, needle.visible_mm),
        "confidence": _share(needle.confidence),
    }


def _tip(view: CanonicalView, tip: TipSighting) -> Record:
    return {"position_px": _point(view, tip.position), "confidence": _share(tip.confidence)}


def _needle_track(view: CanonicalView, needle: NeedleTrack) -> Record:
    return {
        "state": needle.state.value,
        "entry_px": _maybe_point(view, needle.entry),
        "tip_px": _maybe_point(view, needle.tip),
        "angle_deg": _deg(needle.angle_deg),
        "side": None if needle.side is None else needle.side.value,
        "tip_speed_mm_s": _mm(view, needle.tip_speed_mm_s),
        "confidence": _share(needle.confidence),
        "age_ms": _ms(needle.age_ns),
        "shaft_moving": needle.shaft_moving,
        "travel_unseen_mm": _mm(view, needle.travel_unseen_mm),
        "unseen_ms": _ms(needle.unseen_ns),
    }


def _aim(view: CanonicalView, aim: Aim) -> Record:
    return {
        "certainty": aim.certainty.value,
        "tip_px": _maybe_point(view, aim.tip),
        "entry_px": _maybe_point(view, aim.entry),
        "predicted_end_px": _maybe_point(view, aim.predicted_end),
        "distance_mm": _mm(view, aim.distance_mm),
        "advance_mm": _mm(view, aim.advance_mm),
        "miss_mm": _mm(view, aim.miss_mm),
        "angle_deg": _deg(aim.angle_deg),
        "angle_error_deg": _deg(aim.angle_error_deg),
        "turn": aim.turn.value,
        "clearance_mm": _mm(view, aim.clearance_mm),
        "in_target": aim.in_target,
        "confidence": _share(aim.confidence),
        "age_ms": _ms(aim.age_ns),
    }


def _quality(quality: Quality) -> Record:
    return {"score": _rounded(quality.score, CONFIDENCE_DECIMALS), "reason": quality.reason}


def _shift(view: CanonicalView, shift: PointMm | None) -> list[float] | None:
    if shift is None or not view.measurable:
        return None
    return [_rounded(shift.x_mm, MM_DECIMALS), _rounded(shift.z_mm, MM_DECIMALS)]


def _points(view: CanonicalView, plane: FloatArray) -> list[list[float]]:
    # Adding 0.0 turns a rounded -0.0 into 0.0: the same place must be the same bytes.
    rounded: list[list[float]] = (np.round(view.px_from_plane(plane), PX_DECIMALS) + 0.0).tolist()
    return rounded


def _point(view: CanonicalView, point: PointMm) -> list[float]:
    px = view.point_px(point)
    return [_rounded(px.x_px, PX_DECIMALS), _rounded(px.y_px, PX_DECIMALS)]


def _maybe_point(view: CanonicalView, point: PointMm | None) -> list[float] | None:
    return None if point is None else _point(view, point)


def _mm(view: CanonicalView, value: float | None) -> float | None:
    return None if value is None or not view.measurable else _rounded(value, MM_DECIMALS)


def _deg(value: float | None) -> float | None:
    return None if value is None else _rounded(value, DEG_DECIMALS)


def _share(value: float | None) -> float | None:
    return None if value is None else _rounded(value, CONFIDENCE_DECIMALS)


def _ms(value_ns: int) -> float:
    return _rounded(value_ns / NS_PER_MS, MS_DECIMALS)


def _rounded(value: float, decimals: int) -> float:
    return round(float(value), decimals) + 0.0
