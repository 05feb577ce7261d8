"""The time that each stage of a frame may take: one table, asserted by the benchmark and shown by check and bench."""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The stages of a frame in order."""

    CAPTURE = "capture"
    RESAMPLE = "resample"
    INFERENCE = "inference"
    SEE = "see"
    TRACK = "track"
    AIM = "aim"
    DRAW = "draw"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a stage may take on the target board, as the 95th percentile in ms, and why."""

    p95_ms: float
    reason: str


TOTAL_MS = 100.0
"""At 10 mm/s a tip moves 1 mm in 100 ms, the accuracy sought at the target; guidance older than this is marked slow."""

BUDGET: dict[Stage, Allowance] = {
    Stage.CAPTURE: Allowance(38.0, "one frame period of a 30 Hz grabber (33.3 ms) and its copy"),
    Stage.RESAMPLE: Allowance(5.0, "area resampling of 800 x 600; 0.5 ms on x86, a Pi 4 core is 6 to 10 times slower"),
    Stage.INFERENCE: Allowance(28.0, "estimate for a Pi 4: 6 ms on four threads, up to 22 ms on one, with 25 % of margin"),
    Stage.SEE: Allowance(6.0, "maps of 64 x 64; 0.3 ms on x86"),
    Stage.TRACK: Allowance(4.0, "phase correlation of 64 x 64 and small filters"),
    Stage.AIM: Allowance(2.0, "geometry of a few points"),
    Stage.DRAW: Allowance(17.0, "800 x 480 and the transfer to the screen"),
}
"""The target is a Raspberry Pi 4 class board. The sum is the whole way from the scanner's picture to ours."""


def over_budget(p95_ms: dict[Stage, float]) -> tuple[Stage, ...]:
    """The stages whose measured 95th percentile exceeds their allowance, in order."""
    return tuple(stage for stage in Stage if p95_ms.get(stage, 0.0) > BUDGET[stage].p95_ms)
