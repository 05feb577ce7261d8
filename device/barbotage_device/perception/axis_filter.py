"""The needle's axis and the tip along it, filtered over time."""

import math
from dataclasses import dataclass

from barbotage_device.perception.scene import NeedleLine
from barbotage_device.perception.tracker_settings import TrackerSettings
from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide


@dataclass(frozen=True, slots=True)
class Axis:
    """A directed line: a point and a unit vector pointing inwards."""

    origin: PointMm
    dx: float
    dz: float
    side: EntrySide

    @classmethod
    def of(cls, line: NeedleLine) -> "Axis":
        """The axis of a sighting; its origin is the far end of the visible shaft."""
        length = line.entry.distance_mm(line.end)
        if length == 0.0:
            sign = 1.0 if line.side is EntrySide.LEFT else -1.0
            return cls(line.end, sign, 0.0, line.side)
        dx, dz = (line.end.x_mm - line.entry.x_mm) / length, (line.end.z_mm - line.entry.z_mm) / length
        return cls(line.end, dx, dz, line.side)

    @property
    def angle_deg(self) -> float:
        """From the horizontal, 0 to 90, positive downwards."""
        return math.degrees(math.atan2(max(0.0, self.dz), abs(self.dx)))

    def along_mm(self, point: PointMm) -> float:
        """Position of a point's foot on the axis, from the origin."""
        return (point.x_mm - self.origin.x_mm) * self.dx + (point.z_mm - self.origin.z_mm) * self.dz

    def across_mm(self, point: PointMm) -> float:
        """Signed distance of a point from the axis."""
        return (point.z_mm - self.origin.z_mm) * self.dx - (point.x_mm - self.origin.x_mm) * self.dz

    def point(self, along_mm: float) -> PointMm:
        """The point of the axis at a position."""
        return PointMm(self.origin.x_mm + along_mm * self.dx, self.origin.z_mm + along_mm * self.dz)

    def turn_deg(self, other: "Axis") -> float:
        """Angle between two axes, 0 to 180."""
        return math.degrees(math.acos(max(-1.0, min(1.0, self.dx * other.dx + self.dz * other.dz))))


def is_same_line(known: Axis, seen: Axis, settings: TrackerSettings) -> bool:
    """Whether a sighting can be the line that is already followed."""
    if known.side is not seen.side or known.turn_deg(seen) > settings.axis_gate_deg:
        return False
    return abs(known.across_mm(seen.origin)) <= settings.axis_gate_mm


def blended(known: Axis, seen: Axis, dt_s: float, settings: TrackerSettings) -> Axis:
    """The known axis drawn towards a sighting by a first-order filter of ``axis_time_s``.

    Turned about the sighting's far end, so that an error of angle does not move the line where the tip is.
    """
    gain = 1.0 if settings.axis_time_s == 0.0 else 1.0 - math.exp(-dt_s / settings.axis_time_s)
    dx, dz = known.dx + gain * (seen.dx - known.dx), known.dz + gain * (seen.dz - known.dz)
    length = math.hypot(dx, dz)
    dx, dz = dx / length, dz / length
    rest = (1.0 - gain) * known.across_mm(seen.origin)
    origin = PointMm(seen.origin.x_mm + rest * known.dz, seen.origin.z_mm - rest * known.dx)
    return Axis(origin, dx, dz, known.side)


class TipFilter:
    """Constant-velocity Kalman filter of the tip's position along the axis.

    White acceleration of ``tip_acceleration_mm_s2`` (Bar-Shalom 2001, section 6.3.2), sightings of ``tip_noise_mm``.
    Positions are from the origin of the axis in use; ``rebase`` when that changes.
    """

    INITIAL_SPEED_MM_S = 20.0
    """Standard deviation of the speed before it is known: a brisk advance by hand."""

    def __init__(self, position_mm: float, settings: TrackerSettings) -> None:
        self._settings = settings
        self.position_mm = position_mm
        self.speed_mm_s = 0.0
        self._pp = settings.tip_noise_mm**2
        self._pv = 0.0
        self._vv = self.INITIAL_SPEED_MM_S**2

    def predict(self, dt_s: float) -> None:
        """Moves on by a time."""
        q = self._settings.tip_acceleration_mm_s2**2
        self.position_mm += self.speed_mm_s * dt_s
        self._pp += 2 * dt_s * self._pv + dt_s**2 * self._vv + q * dt_s**4 / 4
        self._pv += dt_s * self._vv + q * dt_s**3 / 2
        self._vv += q * dt_s**2

    def accept(self, position_mm: float) -> bool:
        """Takes a sighting in, unless it lies outside the gate; says whether it did."""
        innovation = position_mm - self.position_mm
        variance = self._pp + self._settings.tip_noise_mm**2
        if innovation**2 > self._settings.tip_gate_sigma**2 * variance:
            return False
        gain_p, gain_v = self._pp / variance, self._pv / variance
        self.position_mm += gain_p * innovation
        self.speed_mm_s += gain_v * innovation
        self._vv -= gain_v * self._pv
        self._pv *= 1.0 - gain_p
        self._pp *= 1.0 - gain_p
        return True

    def rebase(self, before: Axis, after: Axis) -> None:
        """Keeps the tip where it is when the axis is replaced."""
        self.position_mm = after.along_mm(before.point(self.position_mm))
