import pytest

from barbotage_device.runtime.budget import BUDGET, TOTAL_MS, Stage, over_budget
from barbotage_device.runtime.timing import StageTimes

MS = 1_000_000


def test_every_stage_has_an_allowance_and_together_they_fit_the_total() -> None:
    assert set(BUDGET) == set(Stage)
    assert all(one.p95_ms > 0 and one.reason for one in BUDGET.values())
    assert sum(one.p95_ms for one in BUDGET.values()) <= TOTAL_MS


def test_stages_over_their_allowance_are_named_in_order() -> None:
    measured = {Stage.DRAW: BUDGET[Stage.DRAW].p95_ms + 0.1, Stage.SEE: BUDGET[Stage.SEE].p95_ms, Stage.RESAMPLE: 1e6}
    assert over_budget(measured) == (Stage.RESAMPLE, Stage.DRAW)


def test_percentiles_of_known_durations() -> None:
    times = StageTimes(capacity=101)
    for ms in range(101):
        times.add({Stage.SEE: ms * MS, Stage.AIM: MS})
    see = times.of(Stage.SEE)
    assert see is not None
    assert (see.count, see.p50_ms, see.p95_ms, see.p99_ms) == (101, 50.0, 95.0, 99.0)
    total = times.total()
    assert total is not None
    assert total.p50_ms == 51.0


def test_only_the_newest_frames_count() -> None:
    times = StageTimes(capacity=3)
    for ms in (100, 100, 1, 2, 3):
        times.add({Stage.DRAW: ms * MS})
    newest = times.of(Stage.DRAW)
    assert newest is not None
    assert (newest.count, newest.p50_ms) == (3, 2.0)
    assert times.frames == 5


def test_a_stage_that_never_ran_has_no_percentiles() -> None:
    times = StageTimes()
    assert times.total() is None
    times.add({Stage.SEE: MS})
    assert times.of(Stage.DRAW) is None
    assert list(times.table()) == [Stage.SEE]


def test_a_stage_that_ran_in_some_frames_is_judged_by_these() -> None:
    times = StageTimes(capacity=10)
    times.add({Stage.SEE: MS})
    times.add({Stage.SEE: MS, Stage.DRAW: 7 * MS})
    draw = times.of(Stage.DRAW)
    assert draw is not None
    assert draw.count == 1
    assert draw.p50_ms == pytest.approx(7.0)
