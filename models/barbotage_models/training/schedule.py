"""The learning rate of every step: warm-up, then cosines with warm restarts. A function of the step alone, so a resumed run follows the same curve."""

from dataclasses import dataclass

import numpy as np

FLOOR = 0.01
"""Where a cosine ends, as a share of its peak."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """``peak_rate`` is reached after ``warmup_share`` of all steps, then follows ``cycles`` equal half cosines (Loshchilov 2017, SGDR).

    Each restart begins at ``restart_share`` of the peak before it.
    """

    peak_rate: float = 2e-3
    warmup_share: float = 0.03
    cycles: int = 1
    restart_share: float = 0.5


def learning_rate(step: int, total_steps: int, schedule: Schedule) -> float:
    """The rate of a step, counted from 0. Beyond the last step it stays at the end of the curve."""
    warmup = max(1, round(total_steps * schedule.warmup_share))
    if step < warmup:
        return schedule.peak_rate * (step + 1) / warmup
    done = min(1.0, (step - warmup) / max(1, total_steps - warmup)) * schedule.cycles
    cycle = min(int(done), schedule.cycles - 1)
    peak = schedule.peak_rate * schedule.restart_share**cycle
    return float(peak * (FLOOR + (1.0 - FLOOR) * 0.5 * (1.0 + np.cos(np.pi * (done - cycle)))))
