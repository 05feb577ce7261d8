"""The settings of the tracker, with unit, bounds and help each."""

from dataclasses import dataclass

from barbotage_device.errors import ConfigError
from barbotage_device.perception.bounded import bounded, check_bounds


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """How things are followed from frame to frame. All are unpublished defaults but where a source is named.

    Raises ConfigError when a value is out of bounds.
    """

    confirm_frames: int = bounded(3, "frames", 1, 30, "Frames out of the last window that must show a thing before it is shown")
    window_frames: int = bounded(5, "frames", 1, 30, "Length of that window")
    coast_s: float = bounded(0.2, "s", 0.0, 0.5, "How long a needle or tip is kept without a sighting, then it is hidden")
    stale_s: float = bounded(0.2, "s", 0.05, 2.0, "Without a new frame for so long, everything is hidden")
    reset_s: float = bounded(1.0, "s", 0.2, 10.0, "A gap between frames above which tracking starts afresh")
    lost_s: float = bounded(5.0, "s", 0.5, 60.0, "How long a lost needle is reported as lost before it is searched for as new")
    deposit_forget_s: float = bounded(0.5, "s", 0.1, 5.0, "How long a deposit is kept without a sighting")
    deposit_gate_mm: float = bounded(3.0, "mm", 0.5, 10.0, "How far a deposit's centre may jump between frames and stay the same")
    axis_time_s: float = bounded(0.08, "s", 0.0, 1.0, "Time constant with which the shaft's axis is smoothed")
    axis_gate_deg: float = bounded(12.0, "deg", 2.0, 45.0, "A line turned by more than this is another line")
    axis_gate_mm: float = bounded(4.0, "mm", 1.0, 20.0, "A line further beside than this is another line")
    tip_gate_sigma: float = bounded(3.0, "sigma", 1.0, 10.0, "Tip sightings further from the prediction than this are refused")
    tip_noise_mm: float = bounded(0.7, "mm", 0.1, 5.0, "Standard deviation of one tip sighting along the axis")
    tip_acceleration_mm_s2: float = bounded(100.0, "mm/s2", 1.0, 2000.0, "Standard deviation of the tip's acceleration by hand")
    moving_mm_s: float = bounded(3.0, "mm/s", 0.5, 50.0, "Speed of the visible shaft above which it counts as moving")
    motion_window_s: float = bounded(0.4, "s", 0.1, 2.0, "Time over which that speed is measured")
    shift_min_response: float = bounded(0.15, "", 0.0, 1.0, "Phase-correlation response below which no tissue shift is given")

    def __post_init__(self) -> None:
        check_bounds(self)
        if self.confirm_frames > self.window_frames:
            raise ConfigError(
                f"TrackerSettings.confirm_frames is {self.confirm_frames}; it may not exceed window_frames, {self.window_frames}"
            )
