"""The curves of a session: one float32 column per value, aligned with the recorded frames, made by streaming the records once."""

from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from barbotage_device.session.reader import SessionReader
from barbotage_host.review.frames import FrameIndex

Column = npt.NDArray[np.float32]
Record = Mapping[str, Any]

LOW_CONFIDENCE = 0.75
"""A followed needle is worth a reviewer's look below this: the models show nothing below 0.6 (their cards' ``tip_shown``), and
up to 0.75 one in four or more is wrong by their own calibration."""
APART_S = 0.5
"""Doubtful stretches that follow each other within this time are one: a reviewer steps through places, not through flicker."""
FOLLOWED = ("tracking", "lost")
"""States of a needle that is or was just followed."""
FIRST_RECORDS = 10
"""Enough to know which stages there are: the first frames may come before there was a screen to draw on."""
FRAMES_AXIS = "frames"
POD_AXIS = "pod"


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """One curve: its name, unit (empty for a probability) and the axis on which it lies."""

    name: str
    unit: str
    axis: str

    def record(self) -> dict[str, str]:
        """As the page gets it."""
        return {"name": self.name, "unit": self.unit, "axis": self.axis}


PICKS: dict[str, tuple[str, Callable[[Record], Any]]] = {
    "tip_to_target_mm": ("mm", lambda r: (r.get("aim") or {}).get("distance_mm")),
    "angle_error_deg": ("deg", lambda r: (r.get("aim") or {}).get("angle_error_deg")),
    "confidence": ("", lambda r: (r.get("aim") or {}).get("confidence")),
    "latency_ms": ("ms", lambda r: r.get("latency_ms")),
}
PRESSURE = SeriesSpec("pressure_kpa", "kPa", POD_AXIS)


@dataclass(frozen=True, slots=True)
class FrameCurves:
    """The curves over the frames: columns of one value per recorded frame, NaN where it is not known (also for frames that were
    dropped before they were processed). ``low_confidence`` are the frames where a doubtful stretch begins.
    """

    columns: Mapping[str, Column]
    low_confidence: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PodCurve:
    """The pressure over the pod's own samples: seconds since the start, kPa (NaN where it is not known)."""

    axis_s: npt.NDArray[np.float64]
    pressure_kpa: Column


def series_of(reader: SessionReader) -> list[SeriesSpec]:
    """The curves that a session has, from its first records alone."""
    first = list(islice(guided(reader), FIRST_RECORDS))
    specs = [SeriesSpec(name, unit, FRAMES_AXIS) for name, (unit, _) in PICKS.items()] if first else []
    names = dict.fromkeys(stage for record in first for stage in record.get("stages_ms") or {})
    stages = [SeriesSpec(stage_name(stage), "ms", FRAMES_AXIS) for stage in names]
    pod = [PRESSURE] if next(reader.messages("/pod"), None) is not None else []
    return specs + stages + pod


def stage_name(stage: str) -> str:
    """The name of the curve of a stage's duration."""
    return f"stage_{stage}_ms"


def guided(reader: SessionReader) -> Iterator[Record]:
    """The guidance of every processed frame, in order; what was said again without a new frame is left out."""
    for message in reader.messages("/guidance"):
        if not message.value.get("stale", False):
            yield message.value


def frame_curves(reader: SessionReader, index: FrameIndex) -> FrameCurves:
    """Reads the guidance once, a chunk at a time: a few bytes stay per frame and curve."""
    columns: dict[str, Column] = {name: _unknown(len(index)) for name in PICKS}
    doubtful = np.zeros(len(index), dtype=bool)
    for record in guided(reader):
        row = index.of_record(record)
        if row is None:
            continue
        for name, (_, pick) in PICKS.items():
            columns[name][row] = number_of(pick(record))
        for stage, value in (record.get("stages_ms") or {}).items():
            name = stage_name(stage)
            if name not in columns:
                columns[name] = _unknown(len(index))
            columns[name][row] = number_of(value)
        doubtful[row] = is_doubtful(record)
    return FrameCurves(columns, starts(doubtful, index.axis_s()))


def pod_curve(reader: SessionReader, index: FrameIndex) -> PodCurve:
    """Reads the pod's samples once, a chunk at a time."""
    at_s, values = array("d"), array("f")
    for message in reader.messages("/pod"):
        at_s.append(index.seconds(message.capture_ns))
        values.append(number_of(message.value.get("pressure_kpa")))
    return PodCurve(np.array(at_s, dtype=np.float64), np.array(values, dtype=np.float32))


def is_doubtful(record: Record) -> bool:
    """Whether a needle is followed and the guidance about it is missing or uncertain."""
    if (record.get("needle") or {}).get("state") not in FOLLOWED:
        return False
    confidence = (record.get("aim") or {}).get("confidence")
    return confidence is None or confidence < LOW_CONFIDENCE


def starts(doubtful: npt.NDArray[np.bool_], axis_s: npt.NDArray[np.float64]) -> tuple[int, ...]:
    """The frames where doubtful stretches begin; those within ``APART_S`` of the one before belong to it."""
    found: list[int] = []
    last_s = -np.inf
    for row in np.flatnonzero(doubtful):
        if axis_s[row] - last_s > APART_S:
            found.append(int(row))
        last_s = axis_s[row]
    return tuple(found)


def number_of(value: object) -> float:
    """A number, NaN for anything that is not known."""
    return float(value) if isinstance(value, int | float) else float("nan")


def _unknown(count: int) -> Column:
    return np.full(count, np.nan, dtype=np.float32)
