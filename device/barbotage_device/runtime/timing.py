"""How long the stages took lately: a ring of durations and their percentiles."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from barbotage_device.runtime.budget import Stage

DEFAULT_CAPACITY = 600
"""Frames remembered: 20 s at 30 Hz, enough for a steady 99th percentile."""
NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of ``count`` durations, in ms."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


class StageTimes:
    """Durations per stage, newest ``capacity`` frames; memory does not grow."""

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self._columns = {stage: column for column, stage in enumerate(Stage)}
        self._ring = np.full((capacity, len(self._columns) + 1), -1, dtype=np.int64)
        self._frames = 0

    @property
    def frames(self) -> int:
        """Frames recorded since the start, also those already forgotten."""
        return self._frames

    def add(self, stages_ns: Mapping[Stage, int]) -> None:
        """Records one frame: duration per stage in ns. A stage that did not run is left out."""
        row = self._ring[self._frames % len(self._ring)]
        row[:] = -1
        for stage, duration_ns in stages_ns.items():
            row[self._columns[stage]] = duration_ns
        row[-1] = sum(stages_ns.values())
        self._frames += 1

    def of(self, stage: Stage) -> Percentiles | None:
        """Percentiles of a stage, None when it never ran."""
        return _percentiles(self._ring[:, self._columns[stage]])

    def total(self) -> Percentiles | None:
        """Percentiles of the sum over the stages, None before the first frame."""
        return _percentiles(self._ring[:, -1])

    def table(self) -> dict[Stage, Percentiles]:
        """All stages that ran, in order."""
        found = {stage: self.of(stage) for stage in Stage}
        return {stage: value for stage, value in found.items() if value is not None}


def _percentiles(column: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Percentiles | None:
    valid = column[column >= 0]
    if valid.size == 0:
        return None
    p50, p95, p99 = (float(value) / NS_PER_MS for value in np.percentile(valid, (50, 95, 99)))
    return Percentiles(int(valid.size), p50, p95, p99)
