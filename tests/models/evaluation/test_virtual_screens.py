"""Who tells the operator what: oracle, own reading, guidance with errors, guidance that is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType
from barbotage_models.evaluation.virtual_procedure.errors import QUANTILES, GuidanceErrors, ProcedureErrors, TipErrors
from barbotage_models.evaluation.virtual_procedure.guidance import Beside, Fault, Faulty, Guidance
from barbotage_models.evaluation.virtual_procedure.patients import patient
from barbotage_models.evaluation.virtual_procedure.reading import ImageReading, ReadingSettings
from barbotage_models.evaluation.virtual_procedure.screens import Late, Oracle
from barbotage_models.evaluation.virtual_procedure.situation import Observer, Situation
from barbotage_models.simulator.deposits import DepositSettings, DepositShape
from barbotage_models.simulator.scenario.motion import SceneMotion
from barbotage_models.simulator.scenario.operator import Told

DT_S = 0.05
DEPOSIT = DepositSettings(PointMm(20.0, 15.0), 10.0, 4.0, 0.0, DepositShape.NODULAR, ShadowType.CLEAR, 16.0, 11.0)
EXACT = ReadingSettings(tip_mm=0.0, across_mm=0.0, angle_deg=0.0)
SITUATION = Situation(
    time_s=0.0,
    side=EntrySide.LEFT,
    deposit=DEPOSIT,
    tip=PointMm(10.0, 15.0),
    angle_deg=0.0,
    off_plane_mm=0.0,
    reached=True,
    tip_visible=True,
    seen_end=PointMm(10.0, 15.0),
    advancing=True,
)
HIDDEN = replace(SITUATION, tip_visible=False, seen_end=PointMm(6.0, 15.0))


def tips(share: float, along_mm: float = 0.0) -> TipErrors:
    return TipErrors(share, 0.2, (along_mm,) * len(QUANTILES), 0.0, None, None, 100)


def errors(share: float = 1.0, along_mm: float = 0.0) -> GuidanceErrors:
    own = ProcedureErrors(tips(share, along_mm), tips(0.0), 1.0, 0.1, 0.0, (0.0, 0.0), (3.0, 0.0))
    return GuidanceErrors((own,), own, lasts_s=1.0, latency_ms=0.0, prompt_after_s=0.5, prompt_travel_mm=2.0)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_oracle_tells_where_the_tip_is_and_at_once_that_it_is_not_seen() -> None:
    told = Oracle().tell(SITUATION, DT_S)
    assert (told.distance_mm, told.advance_mm, told.angle_error_deg) == pytest.approx((10.0, 10.0, 0.0))
    assert not told.in_target
    assert Oracle().tell(replace(SITUATION, tip=PointMm(17.0, 16.0)), DT_S).in_target
    unseen = Oracle().tell(HIDDEN, DT_S)
    assert (unseen.tip_seen, unseen.distance_mm, unseen.stop) == (False, None, True)


@pytest.mark.parametrize(("side", "x_mm"), [(EntrySide.LEFT, 10.0), (EntrySide.RIGHT, 30.0)])
def test_a_deeper_target_asks_for_a_steeper_needle_from_either_side(side: EntrySide, x_mm: float) -> None:
    told = Oracle().tell(replace(SITUATION, side=side, tip=PointMm(x_mm, 5.0), angle_deg=20.0), DT_S)
    assert told.angle_error_deg == pytest.approx(25.0)


def test_the_end_of_what_is_seen_passes_for_the_tip_until_that_is_noticed() -> None:
    reading = ImageReading(rng(), replace(EXACT, notice_s=0.5))
    first = reading.tell(HIDDEN, DT_S)
    assert first.tip_seen
    assert first.distance_mm == pytest.approx(14.0)
    told = [reading.tell(HIDDEN, DT_S) for _ in range(200)]
    assert told[-1].stop
    assert not told[-1].tip_seen
    seen_again = [reading.tell(SITUATION, DT_S).stop for _ in range(10)]
    assert seen_again[0]
    assert not seen_again[-1]


def test_nobody_notices_while_the_needle_rests() -> None:
    reading = ImageReading(rng(), replace(EXACT, notice_s=0.1))
    assert not any(reading.tell(replace(HIDDEN, advancing=False), DT_S).stop for _ in range(100))


def test_a_reading_errs_as_much_as_it_is_set_to() -> None:
    reading = ImageReading(rng(), replace(EXACT, tip_mm=2.0, lasts_s=0.1))
    found = [reading.perceived_tip(SITUATION, DT_S) for _ in range(4000)]
    offsets = [one.x_mm - 10.0 for one in found if one is not None]
    assert np.std(offsets) == pytest.approx(2.0, rel=0.1)


def test_what_is_late_was_true_before() -> None:
    late = Late(Oracle(), 0.1)
    told = [late.tell(replace(SITUATION, time_s=0.05 * i, tip=PointMm(10.0 + i, 15.0)), DT_S).distance_mm for i in range(5)]
    assert told == [None, None, 10.0, 9.0, 8.0]


def test_guidance_shows_the_tip_as_often_and_as_far_off_as_measured() -> None:
    guidance = Guidance(rng(), errors(share=0.7, along_mm=1.5))
    told = [guidance.tell(SITUATION, DT_S) for _ in range(8000)]
    shown = [one.distance_mm for one in told if one.tip_seen]
    assert len(shown) / len(told) == pytest.approx(0.7, abs=0.05)
    assert set(np.round([d for d in shown if d is not None], 6)) == {8.5}


def test_the_target_recedes_when_the_needle_is_at_the_deposit() -> None:
    told = [Guidance(rng(), errors()).tell(replace(SITUATION, tip=PointMm(x, 15.0)), DT_S).advance_mm for x in (14.0, 16.0)]
    assert told == pytest.approx([6.0, 4.0 + 3.0])


def test_guidance_asks_to_stop_half_a_second_after_the_moving_tip_was_lost() -> None:
    guidance = Guidance(rng(), errors())
    told = [guidance.tell(replace(HIDDEN, time_s=DT_S * i), DT_S).stop for i in range(20)]
    assert told.index(True) == pytest.approx(10, abs=2)
    assert not guidance.tell(SITUATION, DT_S).stop


def test_beside_guidance_that_says_nothing_the_picture_is_read() -> None:
    silent = Beside(Guidance(rng(), errors(share=0.0)), ImageReading(rng(), EXACT))
    assert silent.tell(replace(SITUATION, advancing=False), DT_S).distance_mm == pytest.approx(10.0)


def test_a_needle_shown_before_the_own_one_can_be_seen_is_not_believed() -> None:
    other = Beside(Faulty(Oracle(), Fault.DEEP), ImageReading(rng(), EXACT))
    assert other.tell(replace(SITUATION, reached=False), DT_S).advance_mm == pytest.approx(10.0)
    assert other.tell(SITUATION, DT_S).advance_mm == pytest.approx(5.0)


@pytest.mark.parametrize(("fault", "advance_mm"), [(Fault.DEEP, 5.0), (Fault.SHALLOW, 15.0)])
def test_a_biased_tip_is_believed_unless_the_operator_checks(fault: Fault, advance_mm: float) -> None:
    biased = Faulty(Guidance(rng(), errors()), fault)
    reading = ImageReading(rng(), EXACT)
    assert Beside(biased, reading).tell(SITUATION, DT_S).advance_mm == pytest.approx(advance_mm)
    assert Beside(biased, reading, doubt_mm=4.0).tell(SITUATION, DT_S).advance_mm == pytest.approx(10.0)


def test_turned_guidance_asks_for_the_opposite() -> None:
    steep = replace(SITUATION, tip=PointMm(10.0, 5.0))
    right = Guidance(rng(), errors()).tell(steep, DT_S).angle_error_deg
    wrong = Faulty(Guidance(rng(), errors()), Fault.TURNED).tell(steep, DT_S).angle_error_deg
    assert right == pytest.approx(45.0)
    assert wrong == pytest.approx(-45.0)


def test_frozen_guidance_goes_on_saying_the_same_or_goes_dark() -> None:
    def at(time_s: float) -> Situation:
        return replace(SITUATION, time_s=time_s, tip=PointMm(10.0 + time_s, 15.0))

    believed, hiding = (Faulty(Oracle(), Fault.FROZEN, hidden) for hidden in (None, 0.2))
    for screen in (believed, hiding):
        assert screen.tell(at(3.9), DT_S).distance_mm == pytest.approx(6.1)
    assert believed.tell(at(5.0), DT_S).distance_mm == pytest.approx(6.1)
    assert hiding.tell(at(4.05), DT_S).distance_mm == pytest.approx(6.1)
    assert hiding.tell(at(5.0), DT_S) == Told(target_proposed=True, stop=True)


def test_a_needle_tilted_out_of_the_beam_shows_an_end_that_is_not_its_tip() -> None:
    def look(tilt_deg: float) -> Situation:
        start = patient(3, tilt_deg)
        motion = SceneMotion(replace(start, pose=replace(start.pose, inserted_mm=30.0, offset_mm=0.0)))
        return Observer(motion).look()

    straight, tilted = look(0.0), look(5.0)
    assert straight.tip_visible
    assert straight.seen_end is not None
    assert straight.seen_end.distance_mm(straight.tip) < 0.3
    assert not tilted.tip_visible
    assert abs(tilted.off_plane_mm) == pytest.approx(30.0 * np.sin(np.deg2rad(5.0)))
    assert tilted.seen_end is not None
    assert tilted.seen_end.distance_mm(tilted.tip) > 5.0
