"""Scenes that move, scripts, and the operator who is told only what the screen tells."""

from itertools import islice

import numpy as np
import pytest

from barbotage_models.contract.taxonomy import EntrySide, ShadowType
from barbotage_models.errors import NotFoundError
from barbotage_models.simulator.scenario.live import FULL_PRESS_KPA, Hands, LiveScene, shoulder_start
from barbotage_models.simulator.scenario.operator import Doing, Operator, Told
from barbotage_models.simulator.scenario.script import SCENARIOS, scenario_start

DT_S = 0.05


def test_a_scene_moves_coherently_and_repeats_itself_with_the_same_seed() -> None:
    first, second = LiveScene(shoulder_start(3)), LiveScene(shoulder_start(3))
    before = first.step(DT_S).pixels
    assert np.array_equal(before, second.step(DT_S).pixels)
    after = first.step(DT_S).pixels
    assert not np.array_equal(before, after), "a hand-held probe is never quite still"
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("side", list(EntrySide))
def test_hands_move_the_needle_as_told(side: EntrySide) -> None:
    scene = LiveScene(shoulder_start(1, side=side))
    start = scene.pose
    for _ in range(10):
        scene.step(DT_S, Hands(advance_mm_s=6.0, turn_deg_s=4.0))
    assert scene.pose.inserted_mm == pytest.approx(start.inserted_mm + 3.0)
    assert scene.pose.angle_deg == pytest.approx(start.angle_deg + 2.0)
    inwards = 1 if side is EntrySide.LEFT else -1
    assert inwards * (scene.pose.tip.x_mm - start.tip.x_mm) > 0


def test_the_script_reaches_the_deposit_and_only_pressing_inside_it_washes() -> None:
    start, script = scenario_start("procedure")
    scene = LiveScene(start)
    for hands in (Hands(plunger=1.0),) * 12 + (Hands(),) * 12:
        scene.step(DT_S, hands)
    assert scene.cycles == 0
    assert scene.washed == 0.0
    hands_of = script(scene)
    reached_at = None
    for step, hands in enumerate(islice(hands_of, 400)):
        scene.step(DT_S, hands)
        if reached_at is None and scene.tip_in_deposit:
            reached_at = step
        if scene.cycles == 5:
            break
    assert reached_at is not None
    assert scene.cycles == 5
    assert scene.washed > 0.6


def test_the_simulated_line_pressure_follows_the_plunger_late() -> None:
    scene = LiveScene(shoulder_start())
    rest = scene.line_pressure_kpa
    scene.step(DT_S, Hands(plunger=1.0))
    begun = scene.line_pressure_kpa
    for _ in range(8):
        scene.step(4 * DT_S, Hands(plunger=1.0))
    pressed = scene.line_pressure_kpa
    for _ in range(8):
        scene.step(4 * DT_S, Hands())
    assert rest == 0.0
    assert 0.0 < begun < 0.5 * FULL_PRESS_KPA
    assert pressed == pytest.approx(FULL_PRESS_KPA, rel=0.01)
    assert scene.line_pressure_kpa < 0.5


def test_an_unknown_scenario_names_those_there_are() -> None:
    with pytest.raises(NotFoundError, match="procedure-right"):
        scenario_start("nonsense")
    assert {shadow for _, shadow, _ in SCENARIOS.values()} == {ShadowType.CLEAR, ShadowType.FAINT, ShadowType.NONE}


def _settled(operator: Operator, told: Told, seconds: float) -> Hands:
    hands = Hands()
    for _ in range(round(seconds / DT_S)):
        hands = operator.act(told, DT_S)
    return hands


def test_the_operator_does_nothing_until_a_target_is_shown() -> None:
    operator = Operator()
    assert _settled(operator, Told(), 3.0).advance_mm_s == 0.0
    assert operator.doing.value == "look"
    _settled(operator, Told(target_proposed=True), 2.0)
    assert operator.doing is Doing.APPROACH


def test_the_operator_stops_when_the_tip_is_not_seen_and_goes_on_when_it_is() -> None:
    operator = Operator()
    aiming = Told(target_proposed=True, shaft_seen=True, tip_seen=True, distance_mm=15.0, advance_mm=15.0, angle_error_deg=0.0)
    assert _settled(operator, aiming, 3.0).advance_mm_s > 3.0
    searching = _settled(operator, Told(shaft_seen=True, stop=True), 1.0)
    assert operator.doing is Doing.REALIGN
    assert searching.advance_mm_s == 0.0
    assert searching.tilt_deg_s != 0.0
    assert _settled(operator, aiming, 1.0).advance_mm_s > 3.0


def test_the_operator_reacts_late() -> None:
    operator = Operator()
    aiming = Told(target_proposed=True, shaft_seen=True, tip_seen=True, distance_mm=15.0, advance_mm=15.0, angle_error_deg=0.0)
    _settled(operator, aiming, 3.0)
    stop = Told(shaft_seen=True, stop=True)
    assert operator.act(stop, DT_S).advance_mm_s > 0.0, "what is shown now has not been seen yet"
    assert _settled(operator, stop, 0.3).advance_mm_s == 0.0


def test_the_operator_washes_only_after_holding_the_tip_in_the_target() -> None:
    operator = Operator()
    told = Told(target_proposed=True, shaft_seen=True, tip_seen=True, distance_mm=0.5, advance_mm=0.2, angle_error_deg=0.0)
    _settled(operator, told, 4.0)
    assert operator.doing.value == "approach"
    inside = Told(
        target_proposed=True, shaft_seen=True, tip_seen=True, distance_mm=0.5, advance_mm=0.2, angle_error_deg=0.0, in_target=True
    )
    _settled(operator, inside, 1.6)
    assert operator.doing is Doing.LAVAGE
