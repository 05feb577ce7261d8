"""Lavage cycles from series of known cavity and pressure."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from barbotage_device.errors import ConfigError
from barbotage_device.procedure.cavity import Cavity, Unknown
from barbotage_device.procedure.lavage import CountedFrom, LavageCounter, LavageCounts, LavageCycle, NotCounting
from barbotage_device.procedure.lavage_settings import LavageSettings
from barbotage_device.procedure.plunger import LineSample
from barbotage_device.procedure.pulsation import Pulsation

RATE_HZ = 20
NS_PER_S = 1_000_000_000
PERIOD_S = 2.0
Signal = Callable[[float], float | None]


def pulses(cycles: int, height: float, first_s: float = 3.0) -> Callable[[float], float]:
    """``height`` in the middle of each cycle, 0 between and outside: a raised cosine in the first 1.6 s of 2 s."""

    def value(t_s: float) -> float:
        number, phase_s = divmod(t_s - first_s, PERIOD_S)
        if not 0 <= number < cycles or phase_s >= 1.6:
            return 0.0
        return height * (0.5 - 0.5 * math.cos(2 * math.pi * phase_s / 1.6))

    return value


def still(_t_s: float) -> float:
    return 0.0


def noise(t_s: float) -> float:
    """Deterministic, of 0.001 standard deviation."""
    return 0.0014 * math.sin(1e4 * t_s * t_s + 7.0)


def run(dilatation: Signal, pressure_kpa: Signal, seconds: float = 16.0) -> tuple[LavageCounts, list[LavageCycle]]:
    """Counts at the end, and all cycles of the fused count. A signal that says None is unknown or silent."""
    counter, cycles = LavageCounter(), list[LavageCycle]()
    counts = counter.update(Cavity(-NS_PER_S // RATE_HZ, None, None, 0.0, None, None, Unknown.NO_TARGET))
    for number in range(int(seconds * RATE_HZ)):
        t_s = number / RATE_HZ
        value = dilatation(t_s)
        unknown = Unknown.LOST if value is None else None
        noisy = None if value is None else value + noise(t_s)
        cavity = Cavity(round(t_s * NS_PER_S), noisy, None if value is None else 0.001, 0.9, None, None, unknown)
        times = [t_s - 0.04 + 0.01 * step for step in range(5)]
        samples = [LineSample(round(at * NS_PER_S), kpa) for at in times if (kpa := pressure_kpa(at)) is not None]
        counts = counter.update(cavity, samples)
        cycles.extend(counts.new)
    return counts, cycles


def silent(_t_s: float) -> None:
    return None


@pytest.mark.parametrize(
    ("dilatation", "pressure_kpa", "image", "pressure", "fused"),
    [
        pytest.param(pulses(5, 0.05), pulses(5, 40.0), 5, 5, 5, id="both see every cycle"),
        pytest.param(pulses(5, 0.05), silent, 5, 0, 5, id="image alone without a line"),
        pytest.param(silent, pulses(5, 40.0), 0, 5, 5, id="pressure alone when the cavity is unknown"),
        pytest.param(still, pulses(5, 40.0), 0, 5, 0, id="presses that move nothing are no cycles"),
        pytest.param(pulses(5, 0.05), still, 5, 0, 0, id="a cavity that moves without pressure is no cycle"),
        pytest.param(pulses(5, 0.007), pulses(5, 40.0), 0, 5, 5, id="the line shows where to look for small swings"),
        pytest.param(pulses(5, 0.005), silent, 0, 0, 0, id="swings that are too small"),
        pytest.param(pulses(1, 0.05), silent, 0, 0, 0, id="one swing alone is no lavage"),
        pytest.param(pulses(5, 0.05), pulses(5, 4.0), 5, 0, 0, id="a thumb that rests on the plunger"),
        pytest.param(still, still, 0, 0, 0, id="rest"),
    ],
)
def test_cycles_are_counted_from_image_pressure_and_both(
    dilatation: Signal, pressure_kpa: Signal, image: int, pressure: int, fused: int
) -> None:
    counts, cycles = run(dilatation, pressure_kpa)
    assert (counts.image.cycles, counts.pressure.cycles, counts.fused.cycles) == (image, pressure, fused)
    assert [one.count for one in cycles] == list(range(1, fused + 1))


def test_a_first_press_counts_once_a_later_one_shows_that_the_tip_is_in_place() -> None:
    cavity = pulses(3, 0.05, first_s=5.0)
    counts, cycles = run(cavity, pulses(4, 40.0))
    assert counts.fused.cycles == 4
    assert [one.counted_from for one in cycles] == [CountedFrom.PRESSURE, *[CountedFrom.BOTH] * 3]
    assert cycles[0].confidence is not None
    assert cycles[1].confidence is not None
    assert cycles[0].confidence < cycles[1].confidence
    assert cycles[0].swing is None


def test_confidence_is_absent_when_the_cavity_was_not_known_and_grows_with_the_swing() -> None:
    _, blind = run(silent, pulses(3, 40.0))
    assert [one.confidence for one in blind] == [None] * 3
    low, high = (run(pulses(5, height), silent)[1] for height in (0.012, 0.05))
    assert low[0].confidence is not None
    assert high[0].confidence is not None
    assert low[0].confidence < high[0].confidence


def test_presses_without_effect_are_told() -> None:
    counts, _ = run(still, pulses(3, 40.0))
    assert counts.ineffective == 3
    assert run(pulses(3, 0.05), pulses(3, 40.0))[0].ineffective == 0


def test_it_says_when_it_cannot_count() -> None:
    lost_later = lambda t_s: None if t_s > 10.0 else 0.0  # noqa: E731
    counts, _ = run(lost_later, silent)
    assert counts.image.not_counting is NotCounting.NO_CAVITY
    assert counts.image.unknown_ns == pytest.approx(6 * NS_PER_S, rel=0.03)
    assert counts.pressure.not_counting is NotCounting.NO_LINE
    assert counts.fused.not_counting is NotCounting.NO_CAVITY
    counts, _ = run(lost_later, still)
    assert counts.fused.not_counting is None
    assert counts.fused.unknown_ns == 0.5 * NS_PER_S or counts.fused.unknown_ns == 0


def test_a_swing_that_is_not_seen_whole_does_not_count() -> None:
    whole = pulses(5, 0.05)
    hidden = lambda t_s: None if 5.2 < t_s < 6.6 else whole(t_s)  # noqa: E731
    counts, _ = run(hidden, silent)
    assert counts.image.cycles == 4


def test_a_dip_on_the_way_does_not_end_a_swing() -> None:
    def dipping(t_s: float) -> float:
        return float(np.interp(t_s, [2.0, 2.5, 3.5, 4.5, 5.0, 5.5], [0.0, 0.05, 0.034, 0.05, 0.05, 0.0]))

    pulsation = Pulsation(LavageSettings())
    frames = [(number / RATE_HZ, dipping(number / RATE_HZ)) for number in range(7 * RATE_HZ)]
    cavities = [Cavity(round(t_s * NS_PER_S), value, 0.001, 0.9, None, None, None) for t_s, value in frames]
    (swing,) = [swing for cavity in cavities if (swing := pulsation.update(cavity)) is not None]
    assert 5.0 < swing.end_ns / NS_PER_S < 5.6
    assert swing.begin_ns / NS_PER_S <= 2.1


def test_slow_drift_is_no_swing() -> None:
    counts, _ = run(lambda t_s: 0.03 * math.sin(2 * math.pi * t_s / 60.0), silent, seconds=120.0)
    assert counts.image.cycles == 0


def test_the_swing_and_the_pressure_of_a_cycle_are_told() -> None:
    _, cycles = run(pulses(5, 0.05), pulses(5, 40.0))
    assert all(one.swing == pytest.approx(0.05, rel=0.2) for one in cycles)
    assert all(one.peak_kpa == pytest.approx(40.0, rel=0.05) for one in cycles)
    assert all(0.5 < (one.end_ns - one.begin_ns) / NS_PER_S < 1.6 for one in cycles)


def test_the_same_frame_again_changes_nothing() -> None:
    counter = LavageCounter()
    cavity = Cavity(NS_PER_S, None, None, 0.0, None, None, Unknown.NO_TARGET)
    counter.update(cavity)
    later = Cavity(2 * NS_PER_S, None, None, 0.0, None, None, Unknown.NO_TARGET)
    first = counter.update(later)
    assert counter.update(later) == first
    assert counter.update(cavity).image == first.image


@pytest.mark.parametrize("wrong", [{"min_swing": 0.0}, {"press_kpa": 500.0}, {"min_swing": 0.004, "confirm_swing": 0.005}])
def test_settings_are_bounded(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        LavageSettings(**wrong)
