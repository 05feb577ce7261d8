"""How the visible shaft moves while its tip is not seen."""

from collections import deque
from dataclasses import dataclass

from barbotage_device.perception.axis_filter import Axis
from barbotage_device.perception.plane import Plane
from barbotage_device.perception.shaft_slide import ShaftSlide
from barbotage_models.contract.geometry import GreyImage, PointMm

NS_PER_S = 1_000_000_000
MAX_SAMPLES = 120
MIN_SAMPLES = 4
"""Two in each half; fewer cannot tell movement from the 0.6 mm steps of the map."""


@dataclass(frozen=True, slots=True)
class ShaftSighting:
    """A frame that shows the shaft: the filtered axis, where it enters the picture, the visible end, and the canonical picture."""

    capture_ns: int
    axis: Axis
    entry: PointMm
    end: PointMm
    tip_seen: bool
    pixels: GreyImage
    plane: Plane
    tissue_shift: PointMm | None
    """Movement of the tissue since the frame before, None when it is not known."""


@dataclass(frozen=True, slots=True)
class _Sample:
    capture_ns: int
    end: PointMm
    pivot: PointMm
    """The axis a fixed way behind the end: it moves sideways when the shaft turns about its end."""


class ShaftMotion:
    """The movement of the shaft along and across its axis, over a sliding window.

    Along the axis it is that of the shaft's texture: the visible end stands still where the plane cuts an oblique needle, and moves when the
    probe tilts. Only a shaft without texture is judged by its end. Across the axis, and of such an end, speed is the shift between the means of
    the window's two halves over the time between them, which a cell's step (0.6 mm) in a single frame does not upset.
    """

    PIVOT_MM = 10.0

    def __init__(self, window_s: float, moving_mm_s: float) -> None:
        self._window_ns = round(window_s * NS_PER_S)
        self._moving_mm_s = moving_mm_s
        self._samples: deque[_Sample] = deque(maxlen=MAX_SAMPLES)
        self._slide = ShaftSlide()
        self._axis: Axis | None = None
        self._unseen_from_ns: int | None = None
        self._travel_mm = 0.0

    def record(self, seen: ShaftSighting) -> None:
        """Takes in a frame that shows the shaft."""
        axis = seen.axis
        end = axis.point(axis.along_mm(seen.end))
        pivot = PointMm(end.x_mm - self.PIVOT_MM * axis.dx, end.z_mm - self.PIVOT_MM * axis.dz)
        dt_ns = seen.capture_ns - self._samples[-1].capture_ns if self._samples else 0
        self._axis = axis
        self._samples.append(_Sample(seen.capture_ns, end, pivot))
        while seen.capture_ns - self._samples[0].capture_ns > self._window_ns:
            self._samples.popleft()
        self._slide.moved(seen.tissue_shift, axis)
        self._slide.record(seen.capture_ns, axis, (seen.entry, seen.end), seen.pixels, seen.plane, wanted=not seen.tip_seen)
        if seen.tip_seen or self._unseen_from_ns is None:
            self._unseen_from_ns, self._travel_mm = seen.capture_ns, 0.0
        else:
            self._travel_mm += self._along_mm_s() * dt_ns / NS_PER_S

    def clear(self) -> None:
        """Forgets everything: the shaft is gone."""
        self._samples.clear()
        self._slide.clear()
        self._axis, self._unseen_from_ns, self._travel_mm = None, None, 0.0

    def unseen_ns(self, now_ns: int) -> int:
        """Time since the tip was seen, or since the shaft was first seen without one."""
        return 0 if self._unseen_from_ns is None else now_ns - self._unseen_from_ns

    def travel_mm(self) -> float:
        """How far the shaft went in since the tip was seen. What it was drawn back is not taken off: it does not undo a blind advance."""
        return self._travel_mm

    def moving(self) -> bool:
        """Whether the shaft goes in, or is turned or pushed sideways."""
        return self._along_mm_s() > 0.0 or abs(self._shift_mm_s()[1]) >= self._moving_mm_s

    def _along_mm_s(self) -> float:
        """Speed inwards, 0 when it is not sure that there is any."""
        if not self._slide.flat:
            return self._slide.speed_mm_s
        along_mm_s = self._shift_mm_s()[0]
        return along_mm_s if along_mm_s >= self._moving_mm_s else 0.0

    def _shift_mm_s(self) -> tuple[float, float]:
        """Speed of the end along the axis, and across it of the end or the shaft behind it, whichever is faster.

        Zero while less than half of the window is known.
        """
        samples, axis = list(self._samples), self._axis
        if axis is None or len(samples) < MIN_SAMPLES or samples[-1].capture_ns - samples[0].capture_ns < self._window_ns / 2:
            return 0.0, 0.0
        half = len(samples) // 2
        older, newer = samples[:half], samples[-half:]
        time_s = (sum(s.capture_ns for s in newer) - sum(s.capture_ns for s in older)) / half / NS_PER_S
        if time_s <= 0.0:
            return 0.0, 0.0
        ends = _mean([s.end for s in older]), _mean([s.end for s in newer])
        pivots = _mean([s.pivot for s in older]), _mean([s.pivot for s in newer])
        across_mm = max((axis.across_mm(b) - axis.across_mm(a) for a, b in (ends, pivots)), key=abs)
        return (axis.along_mm(ends[1]) - axis.along_mm(ends[0])) / time_s, across_mm / time_s


def _mean(points: list[PointMm]) -> PointMm:
    return PointMm(sum(p.x_mm for p in points) / len(points), sum(p.z_mm for p in points) / len(points))
