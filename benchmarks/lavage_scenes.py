"""Simulated lavages for the benchmark: scenes with their pressure line and the cycles that were truly done.

Everything varies from scene to scene: scanner, shoulder, deposit, needle, frame rate, hands, strength and pace of the presses. What the
cavity does under pressure is the simulator's (``simulator/deposits.py``), which no measurement of real lavages stands behind.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType
from barbotage_models.simulator.deposits import DepositSettings, Lavage
from barbotage_models.simulator.needle import NeedlePose
from barbotage_models.simulator.probe import SceneState, SimulatedFrame, SimulatedProbe, World
from barbotage_models.simulator.randomise import random_world, stopped_at_bone

NS_PER_S = 1_000_000_000
SAMPLE_NS = 10_000_000
"""The pod samples its line 100 times a second (docs/pod.md)."""
LOOK_S = 1.5
"""The deposit alone, so that it can be found and accepted."""
PLUNGER_LAG_S = 0.25
FULL_PRESS_KPA = 40.0
SENSOR_NOISE_KPA = 0.15
SENSOR_DRIFT_KPA = 1.0
WORLDS_PER_SCENE = 400
BUMPS_PER_MINUTE = 2.0
LIMIT_MM = 36.0
"""A deposit deeper than this would lie outside what the network sees."""


class Kind(StrEnum):
    """What happens in a scene."""

    LAVAGE = "lavage"
    """Rest, presses and releases in the deposit, rest."""
    REST = "rest"
    """The needle lies in the deposit, is moved once, and nobody presses."""
    BESIDE = "beside"
    """Presses with the tip beside the deposit: pressure, but no cavity that moves."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scene will be. ``presses`` holds begin, end (s) and strength (0 to 1) of each."""

    kind: Kind
    seed: int
    world: World
    rate_hz: float
    presses: tuple[tuple[float, float, float], ...]
    duration_s: float
    washed_first: float
    washed_per_cycle: float
    suction_kpa: float
    breath_mm: float
    drift_mm: float
    moved_mm: float
    bumps: tuple[tuple[float, float, float], ...]
    """Begin, length (s) and height (kPa) of what the line shows when it is knocked or a syringe is changed."""

    @property
    def shadow(self) -> ShadowType:
        """The shadow type of the deposit."""
        return self.world.deposits[0].shadow

    @property
    def strength(self) -> float:
        """Mean strength of the presses, 0 without."""
        return float(np.mean([p[2] for p in self.presses])) if self.presses else 0.0


@dataclass(frozen=True, slots=True)
class Instant:
    """One frame, the line's samples since the last one (ns, kPa), and the truth."""

    frame: SimulatedFrame
    capture_ns: int
    line: tuple[tuple[int, float], ...]
    needle_in: bool
    cycles: int
    """Presses released so far."""
    plunger: float
    size: float
    """True diameter of the cavity relative to the untouched deposit."""


def plan_of(kind: Kind, seed: int) -> Plan:
    """The plan of a scene; the same for the same seed."""
    rng = np.random.default_rng([seed, 61])
    world = _world(seed)
    period_s, strength = float(rng.uniform(1.2, 3.2)), float(rng.uniform(0.35, 1.0))
    press_share = float(rng.uniform(0.4, 0.6))
    presses: list[tuple[float, float, float]] = []
    now_s = LOOK_S + 6.0
    for _ in range(0 if kind is Kind.REST else int(rng.integers(4, 8))):
        length_s = period_s * float(rng.uniform(0.85, 1.15))
        presses.append((now_s, now_s + press_share * length_s, float(np.clip(strength * rng.uniform(0.85, 1.15), 0.3, 1.0))))
        now_s += length_s
    duration_s = LOOK_S + 20.0 if kind is Kind.REST else now_s + 2.5
    # Drawn with a generator of its own, so that a scene stays the same when bumps change.
    knocks = np.random.default_rng([seed, 63])
    bumps = tuple(
        (float(knocks.uniform(LOOK_S, duration_s)), float(knocks.uniform(0.05, 0.6)), float(knocks.uniform(5.0, 25.0)))
        for _ in range(int(knocks.poisson(BUMPS_PER_MINUTE * duration_s / 60)))
    )
    return Plan(
        kind=kind,
        seed=seed,
        world=world,
        rate_hz=float(rng.uniform(20.0, 25.0)),
        presses=tuple(presses),
        duration_s=duration_s,
        washed_first=0.0 if rng.random() < 0.5 else float(rng.uniform(0.1, 0.5)),
        washed_per_cycle=float(rng.uniform(0.03, 0.14)),
        suction_kpa=0.0 if rng.random() < 0.5 else float(rng.uniform(3.0, 15.0)),
        breath_mm=float(rng.uniform(0.05, 0.25)),
        drift_mm=float(rng.uniform(0.2, 0.8)),
        moved_mm=float(rng.uniform(1.0, 3.0)) if kind is Kind.REST else 0.0,
        bumps=bumps,
    )


def _world(seed: int) -> World:
    """A random world whose first deposit can be lavaged: 5 to 20 mm long, at least 2 mm thick, wholly in view."""
    for number in range(WORLDS_PER_SCENE):
        world = random_world(seed * WORLDS_PER_SCENE + number)
        if world.deposits and _fits(world.deposits[0], world):
            return replace(world, deposits=world.deposits[:1])
    raise ValueError(f"no world of seed {seed} has a deposit that can be lavaged")


def _fits(deposit: DepositSettings, world: World) -> bool:
    reach = deposit.long_mm / 2 + 3.0
    centre, half = world.probe.width_mm / 2, min(world.probe.width_mm, 38.4) / 2
    depth = min(world.probe.depth_mm, LIMIT_MM)
    return (
        5.0 <= deposit.long_mm <= 20.0
        and deposit.thick_mm >= 2.0
        and abs(deposit.centre.x_mm - centre) + reach <= half
        and deposit.centre.z_mm + deposit.thick_mm / 2 + 2.0 <= depth
    )


class _Wander:
    """An Ornstein-Uhlenbeck process: drifts, but comes back."""

    def __init__(self, rng: np.random.Generator, spread: float, time_s: float) -> None:
        self._rng, self._spread, self._time_s = rng, spread, time_s
        self.value = 0.0

    def step(self, dt_s: float) -> float:
        keep = float(np.exp(-dt_s / self._time_s))
        self.value = self.value * keep + self._spread * float(np.sqrt(1 - keep * keep) * self._rng.normal())
        return self.value


class _Line:
    """Plunger and line: the pressure follows the thumb with a lag; the sensor has noise and its zero drifts."""

    def __init__(self, plan: Plan, rng: np.random.Generator) -> None:
        self._plan, self._rng = plan, rng
        self._zero = _Wander(rng, SENSOR_DRIFT_KPA, 20.0)
        self._next_ns = 0
        self.plunger = 0.0
        self._suction = 0.0

    def until(self, now_ns: int) -> tuple[tuple[int, float], ...]:
        """The samples up to an instant."""
        samples = []
        dt_s = SAMPLE_NS / NS_PER_S
        while self._next_ns <= now_ns:
            t_s = self._next_ns / NS_PER_S
            thumb = next((s for begin, end, s in self._plan.presses if begin <= t_s < end), 0.0)
            sucks = thumb == 0.0 and any(end <= t_s < end + 0.6 * (end - begin) for begin, end, _ in self._plan.presses)
            self.plunger += (thumb - self.plunger) * dt_s / PLUNGER_LAG_S
            self._suction += ((self._plan.suction_kpa if sucks else 0.0) - self._suction) * dt_s / PLUNGER_LAG_S
            knocked = sum(height for begin, length, height in self._plan.bumps if begin <= t_s < begin + length)
            sensor = self._zero.step(dt_s) + SENSOR_NOISE_KPA * float(self._rng.normal())
            samples.append((self._next_ns, self.plunger * FULL_PRESS_KPA - self._suction + knocked + sensor))
            self._next_ns += SAMPLE_NS
        return tuple(samples)


def instants(plan: Plan) -> Iterator[Instant]:
    """The frames of a scene; the same for the same plan."""
    rng = np.random.default_rng([plan.seed, 62])
    probe, line = SimulatedProbe(plan.world), _Line(plan, rng)
    drift, tilt = _Wander(rng, plan.drift_mm, 4.0), _Wander(rng, 0.7, 3.0)
    hand, tremor = _Wander(rng, 0.7, 3.0), _Wander(rng, 0.15, 0.15)
    pose = _pose(plan, rng)
    washed, dt_s = plan.washed_first, 1 / plan.rate_hz
    for number in range(int(plan.duration_s * plan.rate_hz)):
        t_s = number * dt_s
        samples = line.until(round(t_s * NS_PER_S))
        cycles = sum(end <= t_s for _, end, _ in plan.presses)
        if plan.kind is Kind.LAVAGE:
            # Calcium leaves while the plunger goes back: within half a second of the release.
            wanted = min(0.95, plan.washed_first + cycles * plan.washed_per_cycle)
            washed += min(wanted - washed, plan.washed_per_cycle * dt_s / 0.5)
        pressure = line.plunger if plan.kind is Kind.LAVAGE else 0.0
        lavage = Lavage(round(washed, 3), round(pressure, 2)) if washed > 0 or pressure > 0.02 else None
        reach = pose.inserted_mm + hand.step(dt_s) + tremor.step(dt_s) + _moved(plan, t_s)
        held = stopped_at_bone(plan.world, replace(pose, inserted_mm=reach, tilt_deg=pose.tilt_deg + tilt.step(dt_s)))
        breath = plan.breath_mm * float(np.sin(2 * np.pi * 0.25 * t_s))
        in_place = t_s >= LOOK_S
        state = SceneState(drift.step(dt_s), breath, held if in_place else None, lavage)
        size = 1.0 if lavage is None else (1 - 0.25 * washed) * (1 + 0.16 * pressure * min(1.0, 4 * washed))
        yield Instant(probe.render(state), round(t_s * NS_PER_S), samples, in_place, cycles, line.plunger, size)


def _moved(plan: Plan, t_s: float) -> float:
    """The needle drawn back and advanced again once, within two seconds, as when it is redirected."""
    phase = (t_s - LOOK_S - 8.0) / 2.0
    return -plan.moved_mm * float(np.sin(np.pi * phase)) if 0.0 < phase < 1.0 else 0.0


def _pose(plan: Plan, rng: np.random.Generator) -> NeedlePose:
    """The needle with its tip near the middle of the deposit, or beside it."""
    deposit, width = plan.world.deposits[0], plan.world.probe.width_mm
    side = EntrySide.LEFT if deposit.centre.x_mm < width / 2 else EntrySide.RIGHT
    entry = PointMm(-8.0 if side is EntrySide.LEFT else width + 8.0, 0.0)
    sign = 1.0 if side is EntrySide.LEFT else -1.0
    off_mm = float(rng.uniform(-0.15, 0.15)) * deposit.long_mm
    aside_mm = -(deposit.long_mm / 2 + 3.0) if plan.kind is Kind.BESIDE else off_mm
    tip = PointMm(deposit.centre.x_mm + sign * aside_mm, deposit.centre.z_mm)
    dx, dz = abs(tip.x_mm - entry.x_mm), tip.z_mm
    angle_deg = float(np.rad2deg(np.arctan2(dz, dx)))
    return NeedlePose(entry, side, angle_deg, float(np.hypot(dx, dz)), float(rng.normal(0, 0.7)))
