"""The settings of cavity gauge and lavage counter, with unit, bounds and help each."""

from dataclasses import dataclass

from barbotage_device.errors import ConfigError
from barbotage_device.perception.bounded import bounded, check_bounds


@dataclass(frozen=True, slots=True)
class CavitySettings:
    """How the cavity's size is followed. All are unpublished defaults. Raises ConfigError when a value is out of bounds."""

    margin_mm: float = bounded(
        1.2, "mm", 0.3, 5.0, "Tissue around the target's outline that is looked at too (unpublished default)"
    )
    memory_s: float = bounded(4.0, "s", 0.5, 30.0, "Time constant of the remembered picture of the target (unpublished default)")
    needle_mm: float = bounded(0.9, "mm", 0.0, 5.0, "Pixels so near to the needle are left out (unpublished default)")
    min_likeness: float = bounded(
        0.7, "", 0.0, 1.0, "Correlation with the remembered picture below which nothing is said (unpublished default)"
    )
    lost_s: float = bounded(
        1.0, "s", 0.2, 10.0, "After so long without likeness the place is remembered afresh (unpublished default)"
    )
    max_shift_mm_s: float = bounded(
        10.0, "mm/s", 1.0, 100.0, "Picture moving faster than this: nothing is said (unpublished default)"
    )
    max_error: float = bounded(
        0.02, "", 0.001, 0.2, "Standard error of the dilatation above which nothing is said (unpublished default)"
    )

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass(frozen=True, slots=True)
class LavageSettings:
    """When a cycle counts. All are unpublished defaults. Raises ConfigError when a value is out of bounds."""

    min_swing: float = bounded(
        0.010, "", 0.002, 0.3, "Rise and fall of the cavity's diameter, as a share of it (unpublished default)"
    )
    noise_spreads: float = bounded(3.0, "", 0.0, 50.0, "Smallest swing in standard deviations of its noise (unpublished default)")
    swing_share: float = bounded(
        0.35, "", 0.0, 0.9, "Smallest swing as a share of the usual swing of the last cycles (unpublished default)"
    )
    fall_share: float = bounded(0.4, "", 0.0, 1.0, "Share of its rise that a swing must fall again (unpublished default)")
    confirm_swing: float = bounded(0.005, "", 0.001, 0.3, "Swing that confirms a press of the plunger (unpublished default)")
    confirm_spreads: float = bounded(1.5, "", 0.0, 50.0, "The same in standard deviations of its noise (unpublished default)")
    min_period_s: float = bounded(0.5, "s", 0.2, 5.0, "Shortest cycle (unpublished default)")
    max_gap_s: float = bounded(
        1.0, "s", 0.1, 5.0, "A swing goes on over so long without knowing the cavity (unpublished default)"
    )
    max_period_s: float = bounded(12.0, "s", 2.0, 60.0, "Longest time from trough to trough (unpublished default)")
    smoothing_s: float = bounded(
        0.1, "s", 0.0, 1.0, "Time constant with which the cavity's size is smoothed (unpublished default)"
    )
    press_kpa: float = bounded(5.0, "kPa", 1.0, 100.0, "Pressure above rest that is a press of the plunger (unpublished default)")
    press_s: float = bounded(0.2, "s", 0.02, 2.0, "Shortest press (unpublished default)")
    release_share: float = bounded(
        0.5, "", 0.1, 0.9, "A press ends below this share of its highest pressure (unpublished default)"
    )
    rest_s: float = bounded(
        5.0, "s", 1.0, 60.0, "Time constant with which the line's pressure at rest is followed (unpublished default)"
    )
    after_s: float = bounded(0.5, "s", 0.1, 3.0, "Time after the release in which the cavity shrinks again (unpublished default)")
    credit_s: float = bounded(
        10.0, "s", 0.0, 60.0, "A press without visible effect counts when one with effect follows so soon (unpublished default)"
    )
    silent_s: float = bounded(
        0.5, "s", 0.1, 5.0, "Without a sample for so long the pressure line counts as absent (unpublished default)"
    )

    def __post_init__(self) -> None:
        check_bounds(self)
        if self.confirm_swing > self.min_swing:
            raise ConfigError(
                f"LavageSettings.confirm_swing is {self.confirm_swing}; it may not exceed min_swing, {self.min_swing}"
            )
