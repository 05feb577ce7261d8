"""Sizes in mm from points on a frame, with their uncertainty, and the table of before and after the lavage.

Rules of the table: long and short plane apart, change in per cent of the longest diameter, ultrasound only, nothing without a scale.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from barbotage_device.perception.deposits import extents
from barbotage_host.review.reviews import Measure, MeasureKind, Review, ScanPlane, When
from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX
from barbotage_models.contract.geometry import FloatArray, PointPx, Scale
from barbotage_models.contract.output import STRIDE_PX

END_UNCERTAINTY_PX = 0.5
"""Of each end of a caliper and of a border: nobody points better than to half a pixel, whatever the zoom."""
DEVICE_CELL_MM = CANONICAL_MM_PER_PX * STRIDE_PX
"""The grain of the device's own outlines: one cell of the network's map. Its sizes count as uncertain by half of it at each end."""
HALF_PERCENT = 50.0
"""Reduction of the longest diameter that counts as one category: "shrank > 50 % or vanished" (Ultrasonography, usg.21232)."""
PERPENDICULAR_TOLERANCE_DEG = 30.0
"""A second caliper counts as the perpendicular diameter when it stands so near to the right angle. Unpublished default."""
ACUTE_WORDS = (
    "Measured on the day of the lavage: saline, debris and shadow alter the border, so the change is overestimated; "
    "do not chart it with later follow-up."
)

ScaleAt = Callable[[int], Scale | None]
"""The scale of a frame, by its index; None when it is not known."""


class Category(StrEnum):
    """How much smaller the longest diameter became. The cut at one half is the published one."""

    NONE = "none"
    BELOW_HALF = "below-half"
    HALF_OR_MORE = "half-or-more"
    NOT_VISIBLE = "not-visible"


@dataclass(frozen=True, slots=True)
class Figure:
    """A value and its uncertainty, both in the unit that the field's name says."""

    value: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Extent:
    """The size of a deposit in one plane; what was not measured is None."""

    longest_mm: Figure
    perpendicular_mm: Figure | None = None
    area_mm2: Figure | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the lavage in one plane. ``extent`` is None when nothing was visible or the scale is unknown."""

    extent: Extent | None
    visible: bool
    readings: tuple[int, ...]
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """From before to after; the per cents are None when the deposit is not visible afterwards."""

    category: Category
    longest_percent: float | None = None
    uncertainty_percent: float | None = None
    distinguishable: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One plane as one reviewer (or, with ``reviewer`` None, the device) measured it; ``acute``: after, on the day of the lavage."""

    reviewer: str | None
    plane: ScanPlane | None
    before: Side | None
    after: Side | None
    change: Change | None
    acute: bool


def caliper(start: PointPx, end: PointPx, scale: Scale) -> Figure:
    """The distance in mm; uncertain by half a pixel at each end, along the caliper, in quadrature."""
    dx_mm = (end.x_px - start.x_px) * scale.x_mm_per_px
    dz_mm = (end.y_px - start.y_px) * scale.z_mm_per_px
    return Figure(math.hypot(dx_mm, dz_mm), _ends_uncertainty_mm(dx_mm, dz_mm, scale))


def outline(points: Sequence[PointPx], scale: Scale) -> Extent:
    """Longest chord (Feret), widest extent across it and area (shoelace) of a closed outline of at least 3 points.

    The diameters are uncertain as calipers are; the area by half a pixel, in or out, along the whole border.
    """
    mm = _in_mm(points, scale)
    longest_mm, across_mm = extents(mm)
    first, second = _longest_chord(mm)
    dx_mm, dz_mm = (float(v) for v in second - first)
    after = np.roll(mm, -1, axis=0)
    area_mm2 = abs(float(np.sum(mm[:, 0] * after[:, 1] - after[:, 0] * mm[:, 1]))) / 2
    edges = np.abs(after - mm)
    # A border that moves by half a pixel along its normal sweeps dz * half a pixel across plus dx * half a pixel in depth.
    strips = np.hypot(edges[:, 1] * scale.x_mm_per_px, edges[:, 0] * scale.z_mm_per_px) * END_UNCERTAINTY_PX
    return Extent(
        Figure(longest_mm, _ends_uncertainty_mm(dx_mm, dz_mm, scale)),
        Figure(across_mm, _ends_uncertainty_mm(-dz_mm, dx_mm, scale)),
        Figure(area_mm2, float(strips.sum())),
    )


def change_between(before: Side | None, after: Side | None) -> Change | None:
    """The change of the longest diameter; None when one side is missing or not in mm.

    Inside the uncertainty of both sides (in quadrature) it is not distinguishable and its category is NONE.
    """
    if before is None or after is None or before.extent is None:
        return None
    if not after.visible:
        return Change(Category.NOT_VISIBLE)
    if after.extent is None:
        return None
    old, new = before.extent.longest_mm, after.extent.longest_mm
    if old.value <= 0:
        return None
    percent = 100.0 * (new.value - old.value) / old.value
    uncertainty = 100.0 * math.hypot(new.uncertainty, old.uncertainty * new.value / old.value) / old.value
    distinguishable = abs(new.value - old.value) > math.hypot(old.uncertainty, new.uncertainty)
    if not distinguishable or percent >= 0:
        category = Category.NONE
    else:
        category = Category.HALF_OR_MORE if percent <= -HALF_PERCENT else Category.BELOW_HALF
    return Change(category, percent, uncertainty, distinguishable)


def before_after_table(reviews: Iterable[Review], device: Iterable[Mapping[str, Any]], scale_at: ScaleAt) -> list[Row]:
    """The rows of the device (from the values of its measurement events, the last of each side counts) and of each reviewer."""
    rows = []
    sides = {key: side for value in device for key, side in _device_side(value)}
    rows += _rows(None, sides)
    for review in reviews:
        groups: dict[tuple[When, ScanPlane | None], list[Measure]] = {}
        for measure in review.measures:
            if measure.when is not None:
                groups.setdefault((measure.when, measure.plane), []).append(measure)
        rows += _rows(review.reviewer, {key: side_of(group, scale_at) for key, group in groups.items()})
    return rows


def side_of(measures: Sequence[Measure], scale_at: ScaleAt) -> Side:
    """What all measures of one side and plane say together; two readings are averaged."""
    drawn = [m for m in measures if m.kind is not MeasureKind.ABSENT]
    counted = drawn or measures
    numbers = tuple(sorted({m.reading for m in counted}))
    frames = tuple(sorted({m.frame for m in counted}))
    found = [_reading([m for m in drawn if m.reading == number], scale_at) for number in numbers] if drawn else []
    known = [extent for extent in found if extent is not None]
    # A reading without a scale cannot be averaged with one that has it.
    extent = _averaged(known) if known and len(known) == len(found) else None
    return Side(extent, bool(drawn), numbers, frames)


def measured(measure: Measure, scale: Scale | None) -> Extent | None:
    """One measure in mm; None without a scale or when nothing was to be seen."""
    if scale is None or measure.kind is MeasureKind.ABSENT:
        return None
    if measure.kind is MeasureKind.CALIPER:
        return Extent(caliper(measure.points[0], measure.points[1], scale))
    return outline(measure.points, scale)


def _rows(reviewer: str | None, sides: Mapping[tuple[When, ScanPlane | None], Side]) -> list[Row]:
    rows = []
    for plane in (ScanPlane.LONG, ScanPlane.SHORT, None):
        before, after = sides.get((When.BEFORE, plane)), sides.get((When.AFTER, plane))
        if before is not None or after is not None:
            rows.append(Row(reviewer, plane, before, after, change_between(before, after), acute=after is not None))
    return rows


def _reading(measures: Sequence[Measure], scale_at: ScaleAt) -> Extent | None:
    """One reading: the largest outline, else the longest caliper with the one across it. None without a scale."""
    scaled = [(m, scale_at(m.frame)) for m in measures]
    outlines = [(m, s) for m, s in scaled if m.kind is MeasureKind.OUTLINE]
    sizes = [outline(m.points, s) for m, s in outlines if s is not None]
    if outlines:
        return max(sizes, key=lambda e: e.longest_mm.value) if len(sizes) == len(outlines) else None
    calipers = [(caliper(m.points[0], m.points[1], s), _direction_deg(m.points, s)) for m, s in scaled if s is not None]
    if not calipers or len(calipers) != len(scaled):
        return None
    longest, along_deg = max(calipers, key=lambda c: c[0].value)
    across = [
        figure
        for figure, direction_deg in calipers
        if abs(abs(direction_deg - along_deg) % 180.0 - 90.0) <= PERPENDICULAR_TOLERANCE_DEG
    ]
    return Extent(longest, max(across, key=lambda f: f.value) if across else None)


def _averaged(extents_: Sequence[Extent]) -> Extent:
    longest = _mean([e.longest_mm for e in extents_])
    assert longest is not None  # noqa: S101  every extent has one
    return Extent(longest, _mean([e.perpendicular_mm for e in extents_]), _mean([e.area_mm2 for e in extents_]))


def _mean(figures: Sequence[Figure | None]) -> Figure | None:
    """The mean; uncertain by the pixel or by half the difference of the readings, whichever is larger."""
    known = [f for f in figures if f is not None]
    if not known:
        return None
    values = [f.value for f in known]
    spread = (max(values) - min(values)) / 2
    return Figure(sum(values) / len(values), max(spread, *(f.uncertainty for f in known)))


def _device_side(value: Mapping[str, Any]) -> Iterable[tuple[tuple[When, ScanPlane | None], Side]]:
    """A measurement event's value as a side of the table; nothing when it is no such value."""
    when, plane, longest_mm = value.get("when"), value.get("plane"), _number(value.get("longest_mm"))
    if when not in list(When) or plane not in (None, *ScanPlane):
        return
    extent = None
    if longest_mm is not None:
        ends_mm = DEVICE_CELL_MM / 2 * math.sqrt(2.0)
        across_mm, area_mm2 = _number(value.get("perpendicular_mm")), _number(value.get("area_mm2"))
        # The border's length is taken as that of an ellipse's, pi (a + b) / 2 for diameters a and b.
        border_mm = math.pi * (longest_mm + (across_mm or longest_mm)) / 2
        extent = Extent(
            Figure(longest_mm, ends_mm),
            None if across_mm is None else Figure(across_mm, ends_mm),
            None if area_mm2 is None else Figure(area_mm2, border_mm * DEVICE_CELL_MM / 2),
        )
    yield (When(when), None if plane is None else ScanPlane(plane)), Side(extent, True, (1,), ())


def _number(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    return float(value) if usable and isinstance(value, int | float) else None


def _in_mm(points: Sequence[PointPx], scale: Scale) -> FloatArray:
    return np.array([[p.x_px * scale.x_mm_per_px, p.y_px * scale.z_mm_per_px] for p in points], dtype=np.float64)


def _longest_chord(mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    corners = mm[:, 0] + 1j * mm[:, 1]
    first, second = divmod(int(np.abs(corners[:, None] - corners).argmax()), len(mm))
    return mm[first], mm[second]


def _direction_deg(points: Sequence[PointPx], scale: Scale) -> float:
    (start, end) = points
    return math.degrees(math.atan2((end.y_px - start.y_px) * scale.z_mm_per_px, (end.x_px - start.x_px) * scale.x_mm_per_px))


def _ends_uncertainty_mm(dx_mm: float, dz_mm: float, scale: Scale) -> float:
    """Half a pixel at both ends along a direction, in quadrature; of a point-like caliper that of the larger side of a pixel."""
    length_mm = math.hypot(dx_mm, dz_mm)
    if length_mm == 0:
        pixel_mm = max(scale.x_mm_per_px, scale.z_mm_per_px)
    else:
        pixel_mm = math.hypot(scale.x_mm_per_px * dx_mm, scale.z_mm_per_px * dz_mm) / length_mm
    return math.sqrt(2.0) * END_UNCERTAINTY_PX * pixel_mm
