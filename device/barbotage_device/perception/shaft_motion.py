"""How the visible shaft moves while its tip is not seen."""

from collections import deque
from dataclasses import dataclass

from barbotage_device.perception.axis_filter import Axis
from barbotage_models.contract.geometry import PointMm

NS_PER_S = 1_000_000_000
MAX_SAMPLES = 120
MIN_SAMPLES = 4
"""Two in each half; fewer cannot tell movement from the 0.6 mm steps of the map."""


@dataclass(frozen=True, slots=True)
class _Sample:
    capture_ns: int
    end: PointMm
    pivot: PointMm
    """The axis a fixed way behind the end: it moves sideways when the shaft turns about its end."""


class ShaftMotion:
    """The movement of the shaft's visible end and of its axis, over a sliding window.

    Speed is the shift between the means of the window's two halves over the time between them, which a cell's step (0.6 mm) in a
    single frame does not upset.
    """

    PIVOT_MM = 10.0

    def __init__(self, window_s: float) -> None:
        self._window_ns = round(window_s * NS_PER_S)
        self._samples: deque[_Sample] = deque(maxlen=MAX_SAMPLES)
        self._baseline: tuple[Axis, PointMm] | None = None
        self._unseen_from_ns: int | None = None

    def record(self, capture_ns: int, axis: Axis, end: PointMm, tip_seen: bool) -> None:
        """Takes in a frame that shows the shaft; ``axis`` is the filtered axis, ``end`` the visible end as seen."""
        end = axis.point(axis.along_mm(end))
        pivot = PointMm(end.x_mm - self.PIVOT_MM * axis.dx, end.z_mm - self.PIVOT_MM * axis.dz)
        self._samples.append(_Sample(capture_ns, end, pivot))
        while capture_ns - self._samples[0].capture_ns > self._window_ns:
            self._samples.popleft()
        if tip_seen or self._baseline is None:
            self._baseline = (axis, end)
            self._unseen_from_ns = capture_ns

    def clear(self) -> None:
        """Forgets everything: the shaft is gone."""
        self._samples.clear()
        self._baseline, self._unseen_from_ns = None, None

    def unseen_ns(self, now_ns: int) -> int:
        """Time since the tip was seen, or since the shaft was first seen without one."""
        return 0 if self._unseen_from_ns is None else now_ns - self._unseen_from_ns

    def travel_mm(self) -> float:
        """How far the shaft went in since the tip was seen: mean end of the newer half of the window, along the axis of that time.

        Negative when it was drawn back.
        """
        if self._baseline is None or len(self._samples) < MIN_SAMPLES:
            return 0.0
        axis, end = self._baseline
        newer = list(self._samples)[len(self._samples) // 2 :]
        return sum(axis.along_mm(s.end) for s in newer) / len(newer) - axis.along_mm(end)

    def speed_mm_s(self) -> float:
        """Speed of the end or of the shaft behind it, whichever is faster; 0 while less than half of the window is known."""
        samples = list(self._samples)
        if len(samples) < MIN_SAMPLES or samples[-1].capture_ns - samples[0].capture_ns < self._window_ns / 2:
            return 0.0
        half = len(samples) // 2
        older, newer = samples[:half], samples[-half:]
        time_s = (sum(s.capture_ns for s in newer) - sum(s.capture_ns for s in older)) / half / NS_PER_S
        if time_s <= 0.0:
            return 0.0
        moved = max(
            _mean([s.end for s in older]).distance_mm(_mean([s.end for s in newer])),
            _mean([s.pivot for s in older]).distance_mm(_mean([s.pivot for s in newer])),
        )
        return moved / time_s


def _mean(points: list[PointMm]) -> PointMm:
    return PointMm(sum(p.x_mm for p in points) / len(points), sum(p.z_mm for p in points) / len(points))
