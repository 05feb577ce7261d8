from dataclasses import replace

import numpy as np
import pytest

from barbotage_device.perception.scene import Deposit, NeedleLine, Quality, Scene, TipSighting
from barbotage_device.runtime.bench import BenchResult
from barbotage_device.runtime.budget import BUDGET, Stage
from barbotage_device.runtime.health import Health
from barbotage_device.runtime.selfcheck import Verdict, compare, health_checks, stage_check
from barbotage_device.runtime.timing import Percentiles
from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType
from barbotage_models.simulator.truth import DepositTruth, NeedleTruth, Truth

OUTLINE = np.array([[18.0, 15.0], [24.0, 15.0], [24.0, 19.0], [18.0, 19.0]])
CENTRE, TIP, ENTRY = PointMm(21.0, 17.0), PointMm(12.0, 9.0), PointMm(0.0, 2.0)
TRUTH = Truth(
    38.4,
    38.4,
    (DepositTruth(OUTLINE, CENTRE, 6.0, 4.0, 24.0, ShadowType.CLEAR),),
    np.zeros((0, 2)),
    NeedleTruth(TIP, ENTRY, 30.0, EntrySide.LEFT, True, 1.0, np.zeros((0, 2, 2))),
)
SEEN = Scene(
    capture_ns=0,
    measurable=True,
    width_mm=38.4,
    depth_mm=38.4,
    deposits=(Deposit(OUTLINE, CENTRE, 6.0, 4.0, 24.0, 15.0, ShadowType.CLEAR, 0.9),),
    bone=None,
    needle=NeedleLine(ENTRY, TIP, 31.0, EntrySide.LEFT, 12.0, 0.9),
    tip=TipSighting(TIP, 0.8),
    quality=Quality(1.0),
)


def verdicts(scene: Scene) -> dict[str, Verdict]:
    return {check.name.split()[1]: check.verdict for check in compare(scene, TRUTH)}


def test_a_frame_seen_as_it_is_passes() -> None:
    assert set(verdicts(SEEN).values()) == {Verdict.OK}


@pytest.mark.parametrize(
    ("scene", "part", "verdict"),
    [
        (replace(SEEN, deposits=()), "deposit", Verdict.FAIL),
        (replace(SEEN, deposits=(replace(SEEN.deposits[0], centre=PointMm(5.0, 5.0)),)), "deposit", Verdict.FAIL),
        (replace(SEEN, needle=None, tip=None), "needle", Verdict.FAIL),
        (replace(SEEN, needle=NeedleLine(ENTRY, TIP, 50.0, EntrySide.LEFT, 12.0, 0.9)), "needle", Verdict.FAIL),
        (replace(SEEN, tip=TipSighting(PointMm(20.0, 9.0), 0.8)), "tip", Verdict.FAIL),
        (replace(SEEN, tip=None), "tip", Verdict.WARN),
    ],
    ids=["no deposit", "deposit elsewhere", "no needle", "other angle", "tip elsewhere", "no tip"],
)
def test_what_is_seen_wrongly_fails_and_an_unconfirmed_tip_warns(scene: Scene, part: str, verdict: Verdict) -> None:
    assert verdicts(scene)[part] is verdict


@pytest.mark.parametrize(("p50", "p95", "verdict"), [(0.2, 0.9, Verdict.OK), (0.2, 1.5, Verdict.WARN), (1.1, 1.5, Verdict.FAIL)])
def test_a_stage_over_budget_in_most_frames_fails_and_in_the_slowest_warns(p50: float, p95: float, verdict: Verdict) -> None:
    allowed_ms = BUDGET[Stage.DRAW].p95_ms
    draw = Percentiles(100, p50 * allowed_ms, p95 * allowed_ms, 2 * allowed_ms)
    over = (Stage.DRAW,) if p95 > 1 else ()
    assert stage_check(BenchResult({Stage.DRAW: draw}, draw, 0, over)).verdict is verdict


def test_a_hot_board_and_a_full_disk_warn_and_do_not_fail() -> None:
    lines = list(health_checks(Health(100, 120, 85.0, None, 10.0)))
    assert [one.verdict for one in lines].count(Verdict.WARN) == 2
    assert Verdict.FAIL not in {one.verdict for one in lines}
