"""What the device sees in one picture, on its own, as a record in pixels of that picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from barbotage_device.capture.frame import Frame
from barbotage_device.perception.scene import Deposit, Scene
from barbotage_device.perception.see import see
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.previous import PreviousFrame
from barbotage_models.contract.canonical import CanonicalView, to_canonical
from barbotage_models.contract.geometry import FloatArray, PointMm, Scale

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Detection:
    """One frame and what was seen in it."""

    path: str
    frame: Frame
    view: CanonicalView
    scene: Scene


def detect(model: LoadedModel, frame: Frame, path: str, previous: PreviousFrame | None = None) -> Detection:
    """What is seen in one frame: nothing is tracked or smoothed over time.

    ``previous`` knows the frame before in the same input, for a model that takes two planes; without it the frame stands alone.
    Raises InvalidInputError for pixels of a wrong type or too small, ModelError when the network fails.
    """
    canonical = to_canonical(frame.pixels, frame.scale)
    before = None if previous is None else previous.before(canonical, frame.capture_ns)
    scene = see(model.interpreter.run(canonical.pixels, before), canonical, model.card, frame.capture_ns)
    if previous is not None:
        previous.keep(canonical, frame.capture_ns)
    return Detection(path, frame, canonical.view, scene)


def as_record(detection: Detection) -> Record:
    """The JSON object of a detection.

    Coordinates are pixels of the input picture, ``[x, y]``. ``scale_mm_per_px`` is a number, ``[x, z]`` for pixels that are
    not square, or null when unknown; every ``_mm`` and ``_mm2`` value is null then. ``needle.tip_confirmed`` says whether two cues agree
    on the tip; where they do not, ``needle.tip_px`` is only the far end of the visible shaft (the bedside screen then shows no tip).
    ``needle.confidence`` is that of the weakest thing stated.
    """
    scene = detection.scene
    return {
        "path": detection.path,
        "frame": detection.frame.sequence,
        "scale_mm_per_px": _scale(detection.frame.scale),
        "needle": _needle(detection),
        "deposits": [_deposit(detection, one) for one in scene.deposits],
        "bone": None if scene.bone is None else _points(detection, scene.bone),
        "quality": round(scene.quality.score, 3),
    }


def as_line(detection: Detection) -> str:
    """A short line for people."""
    scene = detection.scene
    parts = [f"{detection.path} #{detection.frame.sequence}"]
    if scene.needle is None:
        parts.append("needle -")
    else:
        tip = "tip not seen" if scene.tip is None else f"tip {_place(detection, scene.tip.position)}"
        parts.append(f"needle {scene.needle.angle_deg:.0f}° from the {scene.needle.side}, {tip}")
    parts.append(", ".join(_deposit_words(scene, one) for one in scene.deposits) or "no deposit")
    if scene.bone is not None:
        parts.append("bone")
    if scene.quality.reason:
        parts.append(scene.quality.reason)
    return " | ".join(parts)


def _scale(scale: Scale | None) -> float | list[float] | None:
    if scale is None:
        return None
    return scale.x_mm_per_px if scale.is_isotropic else [scale.x_mm_per_px, scale.z_mm_per_px]


def _needle(detection: Detection) -> Record | None:
    needle, tip = detection.scene.needle, detection.scene.tip
    if needle is None:
        return None
    return {
        "tip_px": _point(detection, needle.end if tip is None else tip.position),
        "tip_confirmed": tip is not None,
        "entry_px": _point(detection, needle.entry),
        "angle_deg": round(needle.angle_deg, 2),
        "confidence": round(needle.confidence if tip is None else min(needle.confidence, tip.confidence), 3),
    }


def _deposit(detection: Detection, deposit: Deposit) -> Record:
    known = detection.scene.measurable

    def mm(value: float) -> float | None:
        return round(value, 2) if known else None

    return {
        "outline_px": _points(detection, deposit.outline),
        "longest_mm": mm(deposit.longest_mm),
        "perpendicular_mm": mm(deposit.perpendicular_mm),
        "area_mm2": mm(deposit.area_mm2),
        "depth_mm": mm(deposit.depth_mm),
        "shadow": str(deposit.shadow),
        "confidence": round(deposit.confidence, 3),
    }


def _points(detection: Detection, plane: FloatArray) -> list[Sequence[float]]:
    frame = detection.frame
    px = detection.view.px_from_plane(plane)
    return [[round(float(x) + frame.x0_px, 2), round(float(y) + frame.y0_px, 2)] for x, y in px]


def _point(detection: Detection, point: PointMm) -> list[float]:
    px = detection.view.point_px(point)
    return [round(px.x_px + detection.frame.x0_px, 2), round(px.y_px + detection.frame.y0_px, 2)]


def _place(detection: Detection, point: PointMm) -> str:
    x, y = _point(detection, point)
    return f"at {x:.0f},{y:.0f} px"


def _deposit_words(scene: Scene, deposit: Deposit) -> str:
    size = f"{deposit.longest_mm:.1f} x {deposit.perpendicular_mm:.1f} mm, " if scene.measurable else ""
    return f"deposit {size}shadow {deposit.shadow}, {deposit.confidence:.2f}"
