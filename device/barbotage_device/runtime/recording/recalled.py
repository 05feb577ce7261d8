"""The way back: from the JSON objects of a session to what the bedside drew."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np

from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import BedsideView
from barbotage_device.capture.frame import Frame
from barbotage_device.errors import InvalidInputError
from barbotage_device.guidance.aim import Aim, Certainty, Target, Turn
from barbotage_device.guidance.aiming import unknown_aim
from barbotage_device.guidance.prompt import Priority, Prompt, PromptKind, Prompts
from barbotage_device.perception.deposits import extents
from barbotage_device.perception.scene import Deposit, NeedleLine, Quality, Scene, TipSighting
from barbotage_device.perception.tracks import DepositTrack, NeedleTrack, Tracks, TrackState
from barbotage_device.runtime.timing import NS_PER_MS
from barbotage_models.contract.canonical import CanonicalView, to_canonical
from barbotage_models.contract.geometry import FloatArray, PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType

Record = Mapping[str, Any]
T = TypeVar("T")


class Recalled(NamedTuple):
    """What was known after a recorded frame."""

    scene: Scene
    tracks: Tracks
    aim: Aim
    prompts: Prompts


def guidance_from_records(frame: Frame, detections: Record | None, guidance: Record | None) -> Recalled:
    """What was known after ``frame``, from its /detections and /guidance objects; nothing where a record is None.

    Points agree with the live ones within 0.001 px, lengths within 0.0001 mm; without
    a scale the nominal lengths only roughly. Raises InvalidInputError when a record is
    not of the session format.
    """
    view = to_canonical(frame.pixels, frame.scale).view
    try:
        scene = _scene(frame, view, detections or {})
        tracks = _tracks(frame, view, guidance)
        return Recalled(scene, tracks, _aim(view, guidance, tracks), _prompts((guidance or {}).get("prompts")))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError(
            f"the record of frame {frame.sequence} is not of the session format: {type(error).__name__} {error}"
        ) from error


def recorded_view(frame: Frame, detections: Record | None, guidance: Record | None, language: Language) -> BedsideView:
    """The bedside picture of a recorded frame, to be drawn by the bedside's Renderer. Raises as ``guidance_from_records``."""
    recalled = guidance_from_records(frame, detections, guidance)
    said = guidance or {}
    return BedsideView(
        pixels=frame.pixels,
        canonical_view=to_canonical(frame.pixels, frame.scale).view,
        tracks=recalled.tracks,
        aim=recalled.aim,
        prompts=recalled.prompts,
        scale=frame.scale,
        language=language,
        latency_ms=said.get("latency_ms"),
        drops=said.get("drops", 0),
        heartbeat=frame.sequence,
        source_text=frame.source,
    )


def point_from_px(view: CanonicalView, xy: Sequence[float]) -> PointMm:
    """The plane point of a recorded point, ``[x, y]`` in pixels of the frame."""
    return PointMm((xy[0] + 0.5) * view.mm_per_px_x, (xy[1] + 0.5) * view.mm_per_px_z)


def _scene(frame: Frame, view: CanonicalView, record: Record) -> Scene:
    return Scene(
        capture_ns=frame.capture_ns,
        measurable=view.measurable,
        width_mm=view.width_mm,
        depth_mm=view.depth_mm,
        deposits=tuple(_deposit(view, one) for one in record.get("deposits", ())),
        bone=_maybe(record.get("bone_px"), lambda points: _plane(view, points)),
        needle=_maybe(record.get("needle"), lambda one: _needle_line(view, one)),
        tip=_maybe(record.get("tip"), lambda one: TipSighting(point_from_px(view, one["position_px"]), one["confidence"])),
        quality=_quality(record.get("quality")),
    )


def _tracks(frame: Frame, view: CanonicalView, record: Record | None) -> Tracks:
    said = record or {}
    return Tracks(
        capture_ns=frame.capture_ns,
        measurable=view.measurable,
        width_mm=view.width_mm,
        depth_mm=view.depth_mm,
        needle=_needle_track(view, said.get("needle")),
        deposits=tuple(
            DepositTrack(one["identity"], _deposit(view, one), _ns(one["age_ms"])) for one in said.get("deposits", ())
        ),
        bone=_maybe(said.get("bone_px"), lambda points: _plane(view, points)),
        image_shift_mm=_maybe(said.get("image_shift_mm"), lambda xz: PointMm(xz[0], xz[1])),
        quality=_quality(said.get("quality")),
    )


def _deposit(view: CanonicalView, record: Record) -> Deposit:
    """Without a scale no length was recorded: the nominal ones, which the picture is drawn with, are taken from the outline."""
    outline = _plane(view, record["outline_px"])
    longest, across = extents(_hull(outline))
    return Deposit(
        outline=outline,
        centre=point_from_px(view, record["centre_px"]),
        longest_mm=_known(record["longest_mm"], longest),
        perpendicular_mm=_known(record["perpendicular_mm"], across),
        area_mm2=_known(record["area_mm2"], cv2.contourArea(np.asarray(outline, dtype=np.float32))),
        depth_mm=_known(record["depth_mm"], float(outline[:, 1].min())),
        shadow=ShadowType(record["shadow"]),
        confidence=record["confidence"],
    )


def _needle_line(view: CanonicalView, record: Record) -> NeedleLine:
    entry, end = point_from_px(view, record["entry_px"]), point_from_px(view, record["end_px"])
    return NeedleLine(
        entry=entry,
        end=end,
        angle_deg=record["angle_deg"],
        side=EntrySide(record["side"]),
        visible_mm=_known(record["visible_mm"], entry.distance_mm(end)),
        confidence=record["confidence"],
    )


def _needle_track(view: CanonicalView, record: Record | None) -> NeedleTrack:
    if record is None:
        return NeedleTrack(TrackState.SEARCHING, None, None, None, None, None, None, 0, False, 0.0, 0)
    return NeedleTrack(
        state=TrackState(record["state"]),
        entry=_maybe(record["entry_px"], lambda xy: point_from_px(view, xy)),
        tip=_maybe(record["tip_px"], lambda xy: point_from_px(view, xy)),
        angle_deg=record["angle_deg"],
        side=_maybe(record["side"], EntrySide),
        tip_speed_mm_s=record["tip_speed_mm_s"],
        confidence=record["confidence"],
        age_ns=_ns(record["age_ms"]),
        shaft_moving=record["shaft_moving"],
        travel_unseen_mm=_known(record["travel_unseen_mm"], 0.0),
        unseen_ns=_ns(record["unseen_ms"]),
    )


def _aim(view: CanonicalView, guidance: Record | None, tracks: Tracks) -> Aim:
    if guidance is None:
        return unknown_aim(None, tracks.needle.age_ns)
    record = guidance["aim"]
    return Aim(
        certainty=Certainty(record["certainty"]),
        target=_maybe(guidance["target"], lambda one: Target(one["identity"], point_from_px(view, one["point_px"]))),
        tip=_maybe(record["tip_px"], lambda xy: point_from_px(view, xy)),
        entry=_maybe(record["entry_px"], lambda xy: point_from_px(view, xy)),
        predicted_end=_maybe(record["predicted_end_px"], lambda xy: point_from_px(view, xy)),
        distance_mm=record["distance_mm"],
        advance_mm=record["advance_mm"],
        miss_mm=record["miss_mm"],
        angle_deg=record["angle_deg"],
        angle_error_deg=record["angle_error_deg"],
        turn=Turn(record["turn"]),
        clearance_mm=record["clearance_mm"],
        in_target=record["in_target"],
        confidence=record["confidence"],
        age_ns=_ns(record["age_ms"]),
    )


def _prompts(record: Record | None) -> Prompts:
    if record is None:
        return Prompts(None)
    return Prompts(_maybe(record["shown"], _prompt), tuple(_prompt(one) for one in record["suppressed"]))


def _prompt(record: Record) -> Prompt:
    return Prompt(PromptKind(record["kind"]), Priority[record["priority"].upper()], record["since_ns"])


def _quality(record: Record | None) -> Quality:
    return Quality(1.0) if record is None else Quality(record["score"], record["reason"])


def _plane(view: CanonicalView, points: Sequence[Sequence[float]]) -> FloatArray:
    px = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    return np.asarray((px + 0.5) * np.array([view.mm_per_px_x, view.mm_per_px_z]), dtype=np.float64)


def _hull(outline: FloatArray) -> FloatArray:
    return np.asarray(cv2.convexHull(np.asarray(outline, dtype=np.float32))[:, 0], dtype=np.float64)


def _known(value: float | None, nominal: float) -> float:
    return nominal if value is None else value


def _ns(value_ms: float) -> int:
    return round(value_ms * NS_PER_MS)


def _maybe(value: Any, make: Callable[[Any], T]) -> T | None:
    return None if value is None else make(value)
