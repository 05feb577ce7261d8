"""Presses of the plunger from series of line pressure."""

import pytest

from barbotage_device.procedure.lavage_settings import LavageSettings
from barbotage_device.procedure.plunger import LineSample, Plunger, Press

STEP_NS = 10_000_000


def presses(*pieces: tuple[float, float]) -> list[Press]:
    """What is found in a line that goes straight from one level (kPa) to the next, in the given time (s) each, from 0."""
    plunger, found, level_kpa, at_ns = Plunger(LavageSettings()), list[Press](), 0.0, 0
    for to_kpa, seconds in pieces:
        steps = round(seconds * 100)
        for step in range(1, steps + 1):
            at_ns += STEP_NS
            press = plunger.update(LineSample(at_ns, level_kpa + (to_kpa - level_kpa) * step / steps))
            if press is not None:
                found.append(press)
        level_kpa = to_kpa
    return found


REST = (0.0, 1.0)
ONE = ((40.0, 0.2), (40.0, 0.6), (0.0, 0.4), REST)


@pytest.mark.parametrize(
    ("pieces", "count"),
    [
        pytest.param((REST, *ONE, *ONE), 2, id="two presses"),
        pytest.param((REST, (40.0, 0.05), (0.0, 0.05), REST), 0, id="a knock is no press"),
        pytest.param((REST, (4.0, 0.2), (4.0, 1.0), (0.0, 0.2)), 0, id="too weak"),
        pytest.param((REST, (40.0, 0.2), (40.0, 0.6), (0.0, 2.0), REST), 1, id="a slow release is not a second press"),
        pytest.param(
            (REST, (40.0, 0.3), (12.0, 0.3), (40.0, 0.3), (12.0, 0.3)), 2, id="pressed again before it was quite let go"
        ),
        pytest.param((REST, (40.0, 0.3), (-15.0, 0.5), (-15.0, 0.5), (0.0, 0.3), REST), 1, id="suction is not a press"),
        pytest.param((REST, (4.0, 30.0), *[(44.0, 0.3), (44.0, 0.3), (4.0, 0.3)], (4.0, 1.0)), 1, id="the zero drifts"),
        pytest.param((REST, (9.0, 60.0), (0.0, 60.0)), 0, id="a zero that drifts far and back is no press"),
        pytest.param((REST, (40.0, 0.3), (40.0, 1.0)), 0, id="not let go yet"),
    ],
)
def test_presses_are_found(pieces: tuple[tuple[float, float], ...], count: int) -> None:
    assert len(presses(*pieces)) == count


def test_a_press_lasts_from_threshold_to_release() -> None:
    (press,) = presses(REST, *ONE)
    assert press.begin_ns == pytest.approx(1.025e9, abs=1.5e7)
    assert press.end_ns == pytest.approx(2.0e9, abs=1.5e7)
    assert press.peak_kpa == pytest.approx(40.0, abs=0.5)


def test_a_gap_in_the_line_ends_a_press_uncounted() -> None:
    plunger = Plunger(LavageSettings())
    plunger.update(LineSample(0, 0.0))
    plunger.update(LineSample(STEP_NS, 40.0))
    assert plunger.pressing
    late = plunger.update(LineSample(2_000_000_000, 0.0))
    assert (late, plunger.pressing) == (None, False)
    assert plunger.heard(2_100_000_000)
    assert not plunger.heard(3_000_000_000)
