"""Where two reviewers agree: equal verdicts, distance of their tips and shafts, overlap of their outlines."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_device.session.reader import SessionReader
from barbotage_host.review.frames import FrameIndex
from barbotage_host.review.judged import CORRECTED, Judged, judge, judged_frames, shown_on
from barbotage_host.review.measure_report import scale_of
from barbotage_host.review.overlay import overlay
from barbotage_host.review.reviews import Judgement, Review
from barbotage_host.review.sidecars import load
from barbotage_models.contract.canonical import CANONICAL_SIDE_MM
from barbotage_models.contract.geometry import PointPx, Scale
from barbotage_models.contract.reviewed import ShaftPx

SAME_TIP_MM = 1.5
"""Two and a half cells of the network's map: what is nearer teaches the same. Unpublished default."""
SAME_SHAFT_MM = 1.5
"""Largest distance of one shaft's ends from the other's line."""
SAME_OUTLINE_DICE = 0.7
"""Overlap from which two outlines count as the same deposit. Unpublished default."""
DECIMALS = 3
FINE = 16
"""Outlines are filled in sixteenths of a pixel (4 fractional bits of OpenCV)."""


@dataclass(frozen=True, slots=True)
class Place:
    """The frame that two reviewers speak of. Without a scale distances are nominal (longer side 38.4 mm) and never shown as mm."""

    width_px: int
    height_px: int
    scale: Scale | None

    @property
    def working_scale(self) -> Scale:
        """The true scale or the nominal one."""
        return self.scale or Scale.isotropic(CANONICAL_SIDE_MM / max(self.width_px, self.height_px))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two judged frames stand to each other. A figure is None when not both know the object or not both have it.

    ``differs`` names what they disagree about: frame, deposits, needle, tip.
    """

    differs: tuple[str, ...]
    deposits_dice: float | None = None
    shaft_offset_mm: float | None = None
    tip_distance_mm: float | None = None


def agree(first: Judged, second: Judged, place: Place) -> Agreement:
    """Compares what two reviewers say of one frame; what only one of them judged is no disagreement."""
    if first.excluded or second.excluded:
        return Agreement(() if first.excluded == second.excluded else ("frame",))
    differs = _opposed(first, second)
    dice = offset_mm = distance_mm = None
    if first.deposits_known and second.deposits_known:
        dice = outline_dice(first.deposits, second.deposits, place)
        if dice < SAME_OUTLINE_DICE or len(first.deposits) != len(second.deposits):
            differs.append("deposits")
    if first.needle_known and second.needle_known:
        if first.shaft is not None and second.shaft is not None:
            offset_mm = _shaft_offset_mm(first.shaft, second.shaft, place.working_scale)
        if (first.shaft is None) != (second.shaft is None) or (offset_mm or 0.0) > SAME_SHAFT_MM:
            differs.append("needle")
    if first.tip_known and second.tip_known:
        if first.tip is not None and second.tip is not None:
            distance_mm = _distance_mm(first.tip, second.tip, place.working_scale)
        if (first.tip is None) != (second.tip is None) or (distance_mm or 0.0) > SAME_TIP_MM:
            differs.append("tip")
    return Agreement(tuple(sorted(set(differs))), dice, offset_mm, distance_mm)


def outline_dice(first: Sequence[Sequence[PointPx]], second: Sequence[Sequence[PointPx]], place: Place) -> float:
    """Dice overlap of all outlines of each; 1 when both have none."""
    if not first and not second:
        return 1.0
    one, other = _filled(first, place), _filled(second, place)
    total = int(one.sum()) + int(other.sum())
    return 2.0 * int((one & other).sum()) / total if total else 1.0


def judged_by(reader: SessionReader, index: FrameIndex, review: Review, frame: int) -> Judged:
    """A frame of a session as a reviewer sees it."""
    row = overlay(reader, index, frame, 1)[0]
    return judge(review, frame, shown_on(row["detections"], row["guidance"], scale_of(reader, frame)))


def place_of(reader: SessionReader, frame: int) -> Place:
    """Size and scale of a frame of a session."""
    geometry = reader.geometry_at(int(reader.sequences[frame]))
    if geometry is None:
        return Place(1, 1, None)
    return Place(geometry.width_px, geometry.height_px, scale_of(reader, frame))


def agreement_document(reader: SessionReader, first: str, second: str) -> dict[str, Any]:
    """The frames that both reviewers judged, with verdicts and figures, and a summary over them. mm are null without a scale."""
    index = FrameIndex.of(reader)
    one, other = (load(reader.path, name) or Review(reader.manifest.id, name) for name in (first, second))
    ours, theirs = ({f for f in judged_frames(review) if f < len(index)} for review in (one, other))
    rows = [_row(reader, index, one, other, frame) for frame in sorted(ours & theirs)]
    return {
        "first": first,
        "second": second,
        "frames": rows,
        "summary": {
            "both": len(rows),
            "equal": sum(not row["differs"] for row in rows),
            "only_first": len(ours - theirs),
            "only_second": len(theirs - ours),
            "median_tip_distance_mm": _median(rows, "tip_distance_mm"),
            "median_shaft_offset_mm": _median(rows, "shaft_offset_mm"),
            "median_deposits_dice": _median(rows, "deposits_dice"),
        },
    }


def _row(reader: SessionReader, index: FrameIndex, one: Review, other: Review, frame: int) -> dict[str, Any]:
    place = place_of(reader, frame)
    found = agree(judged_by(reader, index, one, frame), judged_by(reader, index, other, frame), place)
    measurable = place.scale is not None
    return {
        "frame": frame,
        "verdicts": _verdicts(one, other, frame),
        "differs": list(found.differs),
        "deposits_dice": _rounded(found.deposits_dice),
        "shaft_offset_mm": _rounded(found.shaft_offset_mm) if measurable else None,
        "tip_distance_mm": _rounded(found.tip_distance_mm) if measurable else None,
        "scale_known": measurable,
    }


def _opposed(first: Judged, second: Judged) -> list[str]:
    """What one accepts and the other rejects, as it was shown; what either corrected is compared by its place instead."""
    opposite = {Judgement.ACCEPTED.value, Judgement.REJECTED.value}
    subjects = [s for s in first.verdicts.keys() & second.verdicts.keys() if {first.verdicts[s], second.verdicts[s]} == opposite]
    parts = ("deposits" if subject.startswith("deposit:") else subject for subject in subjects)
    return [part for part in parts if CORRECTED not in (first.verdicts.get(part), second.verdicts.get(part))]


def _verdicts(one: Review, other: Review, frame: int) -> list[dict[str, Any]]:
    ours, theirs = ({v.subject: v.verdict.value for v in review.verdicts if v.frame == frame} for review in (one, other))
    return [{"object": subject, "first": ours.get(subject), "second": theirs.get(subject)} for subject in sorted(ours | theirs)]


def _median(rows: Sequence[dict[str, Any]], key: str) -> float | None:
    values = [row[key] for row in rows if row[key] is not None]
    return _rounded(statistics.median(values)) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DECIMALS)


def _distance_mm(first: PointPx, second: PointPx, scale: Scale) -> float:
    return math.hypot((first.x_px - second.x_px) * scale.x_mm_per_px, (first.y_px - second.y_px) * scale.z_mm_per_px)


def _shaft_offset_mm(first: ShaftPx, second: ShaftPx, scale: Scale) -> float:
    """The largest distance of an end of either shaft from the line of the other; where along it the shaft is seen does not count."""

    def ends(shaft: ShaftPx) -> list[complex]:
        return [complex(p.x_px * scale.x_mm_per_px, p.y_px * scale.z_mm_per_px) for p in (shaft.entry, shaft.end)]

    def farthest(line: list[complex], points: list[complex]) -> float:
        along = line[1] - line[0]
        if along == 0:
            return max(abs(p - line[0]) for p in points)
        return max(abs(((p - line[0]) * along.conjugate()).imag) / abs(along) for p in points)

    one, other = ends(first), ends(second)
    return max(farthest(one, other), farthest(other, one))


def _filled(outlines: Sequence[Sequence[PointPx]], place: Place) -> npt.NDArray[np.bool_]:
    mask = np.zeros((place.height_px, place.width_px), dtype=np.uint8)
    for outline in outlines:
        points = np.array([[p.x_px, p.y_px] for p in outline])
        cv2.fillPoly(mask, [np.rint(points * FINE).astype(np.int32)], 1, shift=4)
    return mask.astype(np.bool_)
