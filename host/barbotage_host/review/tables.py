"""The curves as a table: CSV for spreadsheets, JSON Lines for programs; one line per recorded frame."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from barbotage_host.review.frames import FrameIndex
from barbotage_host.review.series import PRESSURE, Column, FrameCurves, PodCurve

LINES_AT_ONCE = 500
TIME_DECIMALS = 6
DIGITS = 7
"""A float32 holds no more."""

Seconds = npt.NDArray[np.float64]
Row = Mapping[str, int | float | None]


def rows(index: FrameIndex, curves: FrameCurves, pod: PodCurve) -> Iterator[Row]:
    """One row per frame: frame, sequence, t_s, then each curve; None where a value is not known.

    The pressure of a frame is the newest sample at its time; the pod's own samples lie on their own axis.
    """
    axis_s = index.axis_s()
    columns = dict(curves.columns)
    if len(pod.axis_s):
        columns[PRESSURE.name] = newest(pod.axis_s, pod.pressure_kpa, axis_s)
    for frame in range(len(index)):
        yield {
            "frame": frame,
            "sequence": int(index.sequences[frame]),
            "t_s": round(float(axis_s[frame]), TIME_DECIMALS),
            **{name: _known(column[frame]) for name, column in columns.items()},
        }


def newest(sampled_s: Seconds, values: Column, wanted_s: Seconds) -> Column:
    """The newest value at each wanted time; NaN before the first."""
    at = np.searchsorted(sampled_s, wanted_s, side="right") - 1
    return np.where(at >= 0, values[np.maximum(at, 0)], np.float32(np.nan))


def csv_text(table: Iterator[Row]) -> Iterator[str]:
    """The table as CSV (RFC 4180, a decimal point, an empty field for what is not known), some lines at a time."""
    stream = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for number, row in enumerate(table, 1):
        if writer is None:
            writer = csv.DictWriter(stream, list(row))
            writer.writeheader()
        writer.writerow(row)
        if number % LINES_AT_ONCE == 0:
            yield _taken(stream)
    yield _taken(stream)


def jsonl_text(table: Iterator[Row]) -> Iterator[str]:
    """The table as JSON Lines, some lines at a time."""
    stream = io.StringIO()
    for number, row in enumerate(table, 1):
        stream.write(json.dumps(row, allow_nan=False) + "\n")
        if number % LINES_AT_ONCE == 0:
            yield _taken(stream)
    yield _taken(stream)


def _known(value: np.float32) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _taken(stream: io.StringIO) -> str:
    text = stream.getvalue()
    stream.seek(0)
    stream.truncate()
    return text
