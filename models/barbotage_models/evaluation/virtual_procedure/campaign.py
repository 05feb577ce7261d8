"""Many procedures of many conditions, in several processes; the result does not depend on how many."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass

from barbotage_models.evaluation.virtual_procedure.conditions import Condition, screen_for
from barbotage_models.evaluation.virtual_procedure.errors import GuidanceErrors
from barbotage_models.evaluation.virtual_procedure.patients import patient
from barbotage_models.evaluation.virtual_procedure.trial import Outcome, Trial
from barbotage_models.simulator.scenario.motion import SceneMotion

CHUNK = 10
"""Procedures that a process does between two reports."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. Every condition meets the same patients: seeds ``first_seed`` to ``first_seed + runs - 1``."""

    conditions: tuple[Condition, ...]
    errors: GuidanceErrors
    runs: int
    first_seed: int = 0


def play(condition: Condition, errors: GuidanceErrors, seed: int) -> Outcome:
    """One procedure. Patient, hands and chance are the same for every condition with this seed."""
    start = patient(seed, condition.tilt_deg)
    motion = SceneMotion(start)
    return Trial(start, motion, screen_for(condition, errors, seed)).run(motion.move)


def run_plan(plan: Plan, workers: int, progress: Callable[[int, int], None]) -> list[list[Outcome]]:
    """The outcomes per condition, by seed. Ctrl-C ends the processes and goes on up; nothing is left behind."""
    jobs = [(number, first) for number in range(len(plan.conditions)) for first in range(0, plan.runs, CHUNK)]
    total = plan.runs * len(plan.conditions)
    found: dict[tuple[int, int], list[Outcome]] = {}
    if workers == 1:
        for job in jobs:
            found[job] = _chunk(plan, *job)
            progress(sum(map(len, found.values())), total)
    else:
        with _pool(workers) as pool:
            running: dict[Future[list[Outcome]], tuple[int, int]] = {pool.submit(_chunk, plan, *job): job for job in jobs}
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    found[running.pop(future)] = future.result()
                progress(sum(map(len, found.values())), total)
    return [
        [one for first in range(0, plan.runs, CHUNK) for one in found[(number, first)]] for number in range(len(plan.conditions))
    ]


def _chunk(plan: Plan, number: int, first: int) -> list[Outcome]:
    seeds = range(plan.first_seed + first, plan.first_seed + min(first + CHUNK, plan.runs))
    return [play(plan.conditions[number], plan.errors, seed) for seed in seeds]


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that leave Ctrl-C to this one, which drops what has not begun."""
    pool = ProcessPoolExecutor(workers, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
