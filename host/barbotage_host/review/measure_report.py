"""The measures of a session as the page and the command line get them: JSON with figures in mm, and rows for a table file."""

from collections.abc import Iterator, Sequence
from typing import Any

from barbotage_device.session.reader import SessionReader
from barbotage_host.review.measures import ACUTE_WORDS, Change, Extent, Figure, Row, Side, before_after_table, measured
from barbotage_host.review.reviews import Review
from barbotage_host.review.sidecars import list_reviews, load
from barbotage_models.contract.geometry import Scale

DECIMALS = 3
PERCENT_DECIMALS = 1
COLUMNS = (
    "session", "source", "reviewer", "plane", "when", "visible", "longest_mm", "longest_uncertainty_mm", "perpendicular_mm",
    "perpendicular_uncertainty_mm", "area_mm2", "area_uncertainty_mm2", "readings", "change_longest_percent",
    "change_uncertainty_percent", "distinguishable", "category", "acute",
)  # fmt: skip


def measures_document(reader: SessionReader, reviewer: str | None = None) -> dict[str, Any]:
    """The before/after table and every single measure of one reviewer, or of all; a damaged side-car is left out here.

    ``scale_known`` is False when not one measured frame has a scale: then no figure is given at all.
    """
    reviews = _reviews(reader, reviewer)
    scales = _Scales(reader)
    rows = before_after_table(reviews, _device_values(reader), scales)
    singles = [
        {
            "reviewer": review.reviewer,
            "id": measure.id,
            "frame": measure.frame,
            "kind": measure.kind.value,
            "when": measure.when,
            "plane": measure.plane,
            "reading": measure.reading,
            **_extent(measured(measure, scales(measure.frame))),
        }
        for review in reviews
        for measure in review.measures
    ]
    frames = {measure.frame for review in reviews for measure in review.measures}
    return {
        "modality": "ultrasound",
        "scale_known": any(scales(frame) is not None for frame in frames) or not frames,
        "acute_words": ACUTE_WORDS,
        "rows": [_row(row) for row in rows],
        "measures": singles,
    }


def measures_rows(reader: SessionReader, reviewers: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """The table for a file: one row per source, plane and side, with ``COLUMNS``; the change stands on the after side."""
    names = tuple(reviewers) or (None,)
    reviews = [review for name in names for review in _reviews(reader, name)]
    for row in before_after_table(reviews, _device_values(reader), _Scales(reader)):
        for when, side in (("before", row.before), ("after", row.after)):
            if side is not None:
                yield _flat(reader.manifest.id, row, when, side)


def scale_of(reader: SessionReader, frame: int) -> Scale | None:
    """The scale of a frame of a session by its index; None when unknown or when there is no such frame."""
    if not 0 <= frame < reader.frame_count:
        return None
    geometry = reader.geometry_at(int(reader.sequences[frame]))
    pair = None if geometry is None else geometry.scale_mm_per_px
    return None if pair is None else Scale(float(pair[0]), float(pair[1]))


class _Scales:
    """``scale_of`` one session, remembered per frame."""

    def __init__(self, reader: SessionReader) -> None:
        self._reader = reader
        self._known: dict[int, Scale | None] = {}

    def __call__(self, frame: int) -> Scale | None:
        if frame not in self._known:
            self._known[frame] = scale_of(self._reader, frame)
        return self._known[frame]


def _reviews(reader: SessionReader, reviewer: str | None) -> list[Review]:
    if reviewer is None:
        return [s.review for s in list_reviews(reader.path) if s.review is not None]
    review = load(reader.path, reviewer)
    return [] if review is None else [review]


def _device_values(reader: SessionReader) -> list[Any]:
    return [event.value for event in reader.events() if event.kind == "measurement"]


def _row(row: Row) -> dict[str, Any]:
    return {
        "source": "device" if row.reviewer is None else "reviewer",
        "reviewer": row.reviewer,
        "plane": row.plane,
        "before": None if row.before is None else _side(row.before),
        "after": None if row.after is None else _side(row.after),
        "change": None if row.change is None else _change(row.change),
        "acute": row.acute,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "category": change.category.value,
        "longest_percent": _percent(change.longest_percent),
        "uncertainty_percent": _percent(change.uncertainty_percent),
        "distinguishable": change.distinguishable,
    }


def _percent(value: float | None) -> float | None:
    return None if value is None else round(value, PERCENT_DECIMALS)


def _side(side: Side) -> dict[str, Any]:
    return {
        "visible": side.visible,
        "scale_known": side.extent is not None or not side.visible,
        "readings": list(side.readings),
        "frames": list(side.frames),
        **_extent(side.extent),
    }


def _extent(extent: Extent | None) -> dict[str, Any]:
    if extent is None:
        return {"longest_mm": None, "perpendicular_mm": None, "area_mm2": None}
    return {
        "longest_mm": _figure(extent.longest_mm),
        "perpendicular_mm": _figure(extent.perpendicular_mm),
        "area_mm2": _figure(extent.area_mm2),
    }


def _figure(figure: Figure | None) -> dict[str, float] | None:
    if figure is None:
        return None
    return {"value": round(figure.value, DECIMALS), "uncertainty": round(figure.uncertainty, DECIMALS)}


def _flat(session: str, row: Row, when: str, side: Side) -> dict[str, Any]:
    extent = side.extent
    figures = (None, None, None) if extent is None else (extent.longest_mm, extent.perpendicular_mm, extent.area_mm2)
    values = [
        number
        for figure in figures
        for number in ((None, None) if figure is None else (round(figure.value, DECIMALS), round(figure.uncertainty, DECIMALS)))
    ]
    change = row.change if when == "after" else None
    changed = (
        (None, None, None, None)
        if change is None
        else (
            _percent(change.longest_percent),
            _percent(change.uncertainty_percent),
            change.distinguishable,
            change.category.value,
        )
    )
    source = "device" if row.reviewer is None else "reviewer"
    start = (session, source, row.reviewer, row.plane, when, side.visible)
    return dict(zip(COLUMNS, (*start, *values, len(side.readings), *changed, when == "after"), strict=True))
