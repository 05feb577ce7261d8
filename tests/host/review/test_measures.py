import math
from collections.abc import Sequence
from typing import Any

import pytest

from barbotage_host.review.measures import (
    DEVICE_CELL_MM,
    Category,
    Extent,
    Figure,
    Side,
    before_after_table,
    caliper,
    change_between,
    outline,
)
from barbotage_host.review.reviews import Measure, MeasureKind, Review, ScanPlane, When
from barbotage_models.contract.geometry import PointPx, Scale

OBLONG = Scale(0.1, 0.05)
SQUARE = Scale.isotropic(0.1)
SESSION = "01J8ZC3V9Q4T5N6P7R8S9A0BCD"
HALF_PIXEL_TWICE = math.sqrt(2) / 2


def points(*pairs: tuple[float, float]) -> tuple[PointPx, ...]:
    return tuple(PointPx(x, y) for x, y in pairs)


def box(width_px: float, height_px: float) -> tuple[PointPx, ...]:
    return points((10, 20), (10 + width_px, 20), (10 + width_px, 20 + height_px), (10, 20 + height_px))


@pytest.mark.parametrize(
    ("start", "end", "scale", "length_mm", "uncertainty_mm"),
    [
        ((0, 0), (100, 0), OBLONG, 10.0, 0.1 * HALF_PIXEL_TWICE),
        ((0, 0), (0, 100), OBLONG, 5.0, 0.05 * HALF_PIXEL_TWICE),
        ((5, 5), (35, 85), OBLONG, 5.0, math.hypot(0.1 * 0.6, 0.05 * 0.8) * HALF_PIXEL_TWICE),
        ((30, 40), (0, 0), SQUARE, 5.0, 0.1 * HALF_PIXEL_TWICE),
        ((7, 7), (7, 7), OBLONG, 0.0, 0.1 * HALF_PIXEL_TWICE),
    ],
)
def test_a_caliper_is_in_mm_of_both_directions(
    start: tuple[float, float], end: tuple[float, float], scale: Scale, length_mm: float, uncertainty_mm: float
) -> None:
    figure = caliper(PointPx(*start), PointPx(*end), scale)
    assert (figure.value, figure.uncertainty) == pytest.approx((length_mm, uncertainty_mm))


@pytest.mark.parametrize(
    ("shape", "scale", "longest", "across", "area"),
    [
        # A 3 x 4 mm box: its diagonal, and the corners' distance from it to both sides: 2 x 12 / 5.
        (box(30, 80), OBLONG, 5.0, 4.8, 12.0),
        (box(30, 40), SQUARE, 5.0, 4.8, 12.0),
        (points((0, 0), (100, 0), (50, 40)), OBLONG, 10.0, 2.0, 10.0),
        # Turned round: the order of the points does not matter.
        (points((50, 40), (100, 0), (0, 0)), OBLONG, 10.0, 2.0, 10.0),
        # An ellipse of 20 x 6 mm.
        (
            points(*[(300 + 100 * math.cos(a / 50 * math.pi), 300 + 60 * math.sin(a / 50 * math.pi)) for a in range(100)]),
            OBLONG,
            20.0,
            6.0,
            math.pi * 10 * 3,
        ),
    ],
)
def test_an_outline_has_its_feret_diameter_the_extent_across_and_its_area(
    shape: Sequence[PointPx], scale: Scale, longest: float, across: float, area: float
) -> None:
    extent = outline(shape, scale)
    assert extent.perpendicular_mm is not None
    assert extent.area_mm2 is not None
    found = (extent.longest_mm.value, extent.perpendicular_mm.value, extent.area_mm2.value)
    assert found == pytest.approx((longest, across, area), rel=2e-3)


def test_the_area_is_uncertain_by_half_a_pixel_along_the_border() -> None:
    extent = outline(box(100, 100), OBLONG)
    assert extent.area_mm2 is not None
    # Two edges of 10 mm may move by 0.025 mm, two of 5 mm by 0.05 mm.
    assert extent.area_mm2.uncertainty == pytest.approx(2 * 10 * 0.025 + 2 * 5 * 0.05)
    many = points(*[(10 + i, 20.0) for i in range(100)], (110, 20), (110, 120), (10, 120))
    again = outline(many, OBLONG)
    assert again.area_mm2 is not None
    assert again.area_mm2.uncertainty == pytest.approx(extent.area_mm2.uncertainty)


def side(longest_mm: float | None, uncertainty_mm: float = 0.1, visible: bool = True) -> Side:
    return Side(None if longest_mm is None else Extent(Figure(longest_mm, uncertainty_mm)), visible, (1,), (0,))


GONE = Side(None, False, (1,), (0,))


@pytest.mark.parametrize(
    ("before", "after", "category", "percent", "distinguishable"),
    [
        (side(10), side(4), Category.HALF_OR_MORE, -60, True),
        (side(10), side(5), Category.HALF_OR_MORE, -50, True),
        (side(10), side(5.1), Category.BELOW_HALF, -49, True),
        (side(10), side(9.85), Category.BELOW_HALF, -1.5, True),
        (side(10), side(9.87), Category.NONE, -1.3, False),
        (side(10), side(10), Category.NONE, 0, False),
        (side(10), side(12), Category.NONE, 20, True),
        (side(10), GONE, Category.NOT_VISIBLE, None, True),
    ],
)
def test_the_change_has_its_category(
    before: Side, after: Side, category: Category, percent: float | None, distinguishable: bool
) -> None:
    change = change_between(before, after)
    assert change is not None
    assert (change.category, change.distinguishable) == (category, distinguishable)
    assert change.longest_percent == (None if percent is None else pytest.approx(percent))


def test_the_change_is_as_uncertain_as_both_sides() -> None:
    change = change_between(side(10, 0.3), side(5, 0.4))
    assert change is not None
    assert change.uncertainty_percent == pytest.approx(math.hypot(4, 1.5))


@pytest.mark.parametrize(("before", "after"), [(None, side(5)), (side(5), None), (side(None), side(5)), (side(5), side(None))])
def test_without_both_sides_in_mm_there_is_no_change(before: Side | None, after: Side | None) -> None:
    assert change_between(before, after) is None


def measure(number: int, shape: Sequence[PointPx], when: When | None, **more: Any) -> Measure:
    kind = {0: MeasureKind.ABSENT, 2: MeasureKind.CALIPER}.get(len(shape), MeasureKind.OUTLINE)
    return Measure(f"m{number}", kind, more.pop("frame", number), tuple(shape), when, more.pop("plane", None), **more)


def review(*measures: Measure, name: str = "AB") -> Review:
    return Review(SESSION, name, measures=measures)


def test_planes_and_reviewers_are_never_mixed() -> None:
    first = review(
        measure(1, box(100, 20), When.BEFORE, plane=ScanPlane.LONG),
        measure(2, box(30, 20), When.AFTER, plane=ScanPlane.LONG),
        measure(3, box(80, 20), When.BEFORE, plane=ScanPlane.SHORT),
        measure(4, box(60, 20), None, plane=ScanPlane.SHORT),
    )
    second = review(measure(1, box(20, 10), When.AFTER), name="CD")
    rows = before_after_table([first, second], [], lambda _: SQUARE)
    assert [(r.reviewer, r.plane, r.before is not None, r.after is not None) for r in rows] == [
        ("AB", ScanPlane.LONG, True, True),
        ("AB", ScanPlane.SHORT, True, False),
        ("CD", None, False, True),
    ]
    assert [r.change.category if r.change else None for r in rows] == [Category.HALF_OR_MORE, None, None]
    assert [r.acute for r in rows] == [True, False, True]


def longest_before(*measures: Measure) -> Figure:
    (row,) = before_after_table([review(*measures)], [], lambda _: SQUARE)
    assert row.before is not None
    assert row.before.extent is not None
    return row.before.extent.longest_mm


def test_two_readings_are_averaged_and_their_difference_counts_when_it_is_larger() -> None:
    near = longest_before(
        measure(1, points((0, 0), (100, 0)), When.BEFORE), measure(2, points((0, 0), (101, 0)), When.BEFORE, reading=2)
    )
    assert (near.value, near.uncertainty) == pytest.approx((10.05, 0.1 * HALF_PIXEL_TWICE))
    far = longest_before(
        measure(1, points((0, 0), (100, 0)), When.BEFORE), measure(2, points((0, 0), (110, 0)), When.BEFORE, reading=2)
    )
    assert (far.value, far.uncertainty) == pytest.approx((10.5, 0.5))


@pytest.mark.parametrize(
    ("second", "perpendicular"),
    [(points((50, -20), (50, 20)), 4.0), (points((50, -20), (60, 20)), math.hypot(1, 4)), (points((0, 5), (40, 5)), None)],
)
def test_a_second_caliper_counts_when_it_stands_across(second: Sequence[PointPx], perpendicular: float | None) -> None:
    measures = (measure(1, second, When.BEFORE), measure(2, points((0, 0), (100, 0)), When.BEFORE))
    (row,) = before_after_table([review(*measures)], [], lambda _: SQUARE)
    assert row.before is not None
    assert row.before.extent is not None
    assert row.before.extent.longest_mm.value == pytest.approx(10)
    found = row.before.extent.perpendicular_mm
    assert (found.value if found else None) == (None if perpendicular is None else pytest.approx(perpendicular))


def test_the_largest_of_several_outlines_counts() -> None:
    assert longest_before(measure(1, box(30, 40), When.BEFORE), measure(2, box(60, 80), When.BEFORE)).value == pytest.approx(10)


def test_without_a_scale_nothing_is_in_mm() -> None:
    measures = (measure(1, box(30, 40), When.BEFORE), measure(2, points((0, 0), (9, 9)), When.AFTER))
    (row,) = before_after_table([review(*measures)], [], lambda _: None)
    assert row.before is not None
    assert row.after is not None
    assert row.before.extent is None
    assert row.after.extent is None
    assert row.after.visible
    assert row.change is None


def test_readings_with_and_without_a_scale_are_not_averaged() -> None:
    measures = (
        measure(1, points((0, 0), (100, 0)), When.BEFORE, frame=1),
        measure(2, points((0, 0), (110, 0)), When.BEFORE, frame=2, reading=2),
    )
    (row,) = before_after_table([review(*measures)], [], lambda frame: SQUARE if frame == 1 else None)
    assert row.before is not None
    assert row.before.extent is None


def test_looked_and_not_seen_is_a_result() -> None:
    measures = (measure(1, box(30, 40), When.BEFORE), measure(2, (), When.AFTER))
    (row,) = before_after_table([review(*measures)], [], lambda _: SQUARE)
    assert row.change is not None
    assert row.change.category is Category.NOT_VISIBLE


def event(when: str, longest_mm: float | None, **more: Any) -> dict[str, Any]:
    return {"when": when, "plane": None, "longest_mm": longest_mm, "perpendicular_mm": 4.0, "area_mm2": 30.0} | more


def test_the_device_has_an_own_row_with_the_grain_of_its_map() -> None:
    rows = before_after_table([], [event("before", 9.0), event("before", 10.0), event("after", 4.0)], lambda _: None)
    (row,) = rows
    assert row.reviewer is None
    assert row.before is not None
    assert row.before.extent is not None
    assert row.before.extent.longest_mm == Figure(10.0, DEVICE_CELL_MM * HALF_PIXEL_TWICE)
    assert row.change is not None
    assert row.change.category is Category.HALF_OR_MORE
    assert row.acute


@pytest.mark.parametrize(
    "value", [{}, event("later", 5.0), event("before", 5.0, plane="oblique"), {"when": "before", "plane": []}]
)
def test_an_event_that_is_no_measurement_is_left_out(value: dict[str, Any]) -> None:
    assert before_after_table([], [value], lambda _: None) == []


@pytest.mark.parametrize("longest", [None, float("nan"), 0, -3, "9", True])
def test_a_device_measure_without_a_usable_length_is_not_in_mm(longest: Any) -> None:
    (row,) = before_after_table([], [event("before", longest)], lambda _: None)
    assert row.before is not None
    assert row.before.extent is None
