"""How the benchmark of prompts judges: what is false, what is missed, what is too short to be judged."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.prompt_truth import Instant, Judge, Verdict

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide
from barbotage_models.simulator.truth import NeedleTruth, Truth

DT_S = 0.05
NEEDLE = NeedleTruth(PointMm(15, 12), PointMm(0, 4), 25.0, EntrySide.LEFT, True, 0.8, np.array([[[0.0, 4.0], [12.0, 10.0]]]))
TRUTH = Truth(38.0, 38.0, (), np.zeros((0, 2)), NEEDLE)


def play(
    frames: int, speed_mm_s: float, tip_visible: bool, prompted: tuple[float, float] | None = None, steep: bool = False
) -> Verdict:
    """A scene in which the needle goes in evenly; the prompt is shown in a span of time."""
    judge = Judge()
    needle = replace(NEEDLE, tip_visible=tip_visible, angle_deg=40.0 if steep else 25.0)
    for number in range(frames):
        at_s = number * DT_S
        shown = "tip-not-seen" if prompted is not None and prompted[0] <= at_s < prompted[1] else None
        judge.see(Instant(at_s, replace(TRUTH, needle=needle), speed_mm_s * at_s, shown))
    return judge.end()


def test_a_prompt_while_the_tip_is_in_the_beam_is_false_and_one_while_it_moves_unseen_is_true() -> None:
    assert play(60, 5.0, tip_visible=True, prompted=(1.0, 2.0)).false == {"tip-not-seen": 1}
    assert play(60, 0.0, tip_visible=False, prompted=(1.0, 2.0)).false == {"tip-not-seen": 1}
    assert play(60, 5.0, tip_visible=False, prompted=(0.5, 2.0)).false == {}


@pytest.mark.parametrize(
    ("frames", "speed_mm_s", "prompted", "judged", "missed"),
    [
        (60, 5.0, (0.5, 2.0), 1, 0),
        (60, 5.0, None, 1, 1),
        (60, 5.0, (1.5, 2.5), 1, 1),
        (10, 5.0, None, 0, 0),
        (60, 0.0, None, 0, 0),
    ],
    ids=["in-time", "never", "too-late", "over-before", "at-rest"],
)
def test_an_unseen_advance_must_be_prompted_in_time(
    frames: int, speed_mm_s: float, prompted: tuple[float, float] | None, judged: int, missed: int
) -> None:
    verdict = play(frames, speed_mm_s, tip_visible=False, prompted=prompted)
    assert (verdict.judged, verdict.missed) == (judged, missed)


def test_the_same_notification_coming_back_is_counted_once() -> None:
    judge = Judge()
    for number in range(40):
        shown = "steep-angle" if number % 4 < 2 else None
        judge.see(Instant(number * DT_S, TRUTH, 0.0, shown, since_ns=7 if number < 20 else 8))
    assert judge.end().begun == {"steep-angle": 2}


def test_a_steep_needle_bears_its_prompt_out() -> None:
    judge = Judge()
    judge.see(Instant(0.0, replace(TRUTH, needle=replace(NEEDLE, angle_deg=40.0)), 0.0, "steep-angle"))
    judge.see(Instant(0.1, TRUTH, 0.0, "probe-moved"))
    assert judge.end().false == {"probe-moved": 1}
