"""Every threshold of the procedure, with unit, bounds and help. None is published: all are engineering defaults of clinical facts 1.7."""

from dataclasses import dataclass

from barbotage_device.perception.bounded import bounded, check_bounds

NS_PER_S = 1_000_000_000
NS_PER_MIN = 60 * NS_PER_S


@dataclass(frozen=True, slots=True)
class ProcedureSettings:
    """When the procedure proposes and prompts. Raises ConfigError when a value is out of bounds."""

    deposit_frames: int = bounded(
        10, "frames", 1, 250, "Deposit followed for so many frames in a row: propose it as target (unpublished default)"
    )
    needle_frames: int = bounded(
        5, "frames", 1, 250, "Needle seen for so many frames in a row: propose ADVANCE (unpublished default)"
    )
    tip_frames: int = bounded(
        10, "frames", 1, 250, "Tip in the target for so many frames in a row: propose to go on (unpublished default)"
    )
    hysteresis_frames: int = bounded(
        5, "frames", 1, 60, "So many frames in a row that say the opposite take a proposal back (unpublished default)"
    )
    stale_s: float = bounded(
        0.2, "s", 0.05, 2.0, "No frame for so long: what rests on the picture is not proposed (unpublished default)"
    )
    settle_s: float = bounded(
        2.0, "s", 0.0, 60.0, "A state with nothing left to do is offered its end after so long (unpublished default)"
    )
    accept_after_s: float = bounded(
        0.3, "s", 0.0, 5.0, "A proposal younger than this is not accepted: the foot was on its way already (unpublished default)"
    )
    patient_silence_s: float = bounded(
        60.0, "s", 5.0, 600.0, "After a patient event, prompts that can wait are silent for so long (unpublished default)"
    )
    measure_step_mm: float = bounded(
        0.5,
        "mm",
        0.1,
        5.0,
        "A proposed size is renewed when the deposit has come to measure so much more or less (unpublished default)",
    )
    pulsation_s: float = bounded(
        10.0, "s", 1.0, 120.0, "A pulsation before the lavage is a reason to propose LAVAGE for so long (unpublished default)"
    )
    blocked_cycles: int = bounded(
        3, "cycles", 1, 20, "So many cycles without return: prompt that the needle may be blocked (unpublished default)"
    )
    stop_cycles: int = bounded(
        3, "cycles", 1, 20, "Cycles without change after which a stop of the lavage is proposed (unpublished default)"
    )
    stop_change_percent: float = bounded(
        5.0, "%", 0.1, 50.0, "A change of cavity area and inner echogenicity below this is none (unpublished default)"
    )
    clear_times: int = bounded(
        2, "times", 1, 10, "Fluid called clear so many times in a row: propose a stop (unpublished default)"
    )
    long_lavage_min: float = bounded(
        20.0, "min", 1.0, 120.0, "Lavage longer than this: prompt; published means are 9.6 and 13.0 min (unpublished default)"
    )

    def __post_init__(self) -> None:
        check_bounds(self)
