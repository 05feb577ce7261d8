"""Calipers that a finger sets and moves on a frozen picture."""

from dataclasses import replace

import pytest
from tests.device.bedside.views import a_view, view_in

from barbotage_device.bedside.calipers import MOST_PAIRS, Calipers, Pair, dragged, length_mm, released, taken
from barbotage_device.bedside.reading import Slot, panel_lines
from barbotage_device.bedside.view import DisplayState
from barbotage_models.contract.geometry import PointPx, Scale

REACH = 24.0
SIZE = 400, 300


def drawn(calipers: Calipers, begin: tuple[float, float], end: tuple[float, float]) -> Calipers:
    """One stroke of a finger."""
    held = dragged(taken(calipers, PointPx(*begin), REACH), PointPx(*end), *SIZE)
    return released(held, REACH)


def test_a_stroke_sets_a_pair_and_a_second_stroke_elsewhere_the_second() -> None:
    one = drawn(Calipers(), (10, 20), (110, 20))
    two = drawn(one, (200, 100), (200, 180))
    assert one.pairs == (Pair(PointPx(10, 20), PointPx(110, 20)),)
    assert two.pairs == (*one.pairs, Pair(PointPx(200, 100), PointPx(200, 180)))
    assert two.grip is None


def test_an_end_within_reach_is_moved_and_keeps_its_distance_from_the_finger() -> None:
    one = drawn(Calipers(), (10, 20), (110, 20))
    moved = drawn(one, (105, 30), (155, 60))
    assert moved.pairs == (Pair(PointPx(10, 20), PointPx(160, 50)),)


def test_there_are_never_more_than_two_pairs_a_third_stroke_takes_the_nearest_end() -> None:
    two = drawn(drawn(Calipers(), (10, 20), (110, 20)), (200, 100), (200, 180))
    three = drawn(two, (300, 200), (310, 210))
    assert len(three.pairs) == MOST_PAIRS
    assert three.pairs[1].second == PointPx(210, 190)


def test_a_mere_tap_leaves_nothing_behind() -> None:
    assert drawn(Calipers(), (10, 20), (12, 21)) == Calipers()


def test_an_end_stays_inside_the_picture() -> None:
    assert drawn(Calipers(), (10, 20), (900, -50)).pairs[0].second == PointPx(399, 0)


def test_nothing_held_is_not_moved() -> None:
    still = drawn(Calipers(), (10, 20), (110, 20))
    assert dragged(still, PointPx(1, 1), *SIZE) == still


def test_a_length_needs_a_scale_and_follows_it_in_both_directions() -> None:
    pair = Pair(PointPx(0, 0), PointPx(30, 40))
    assert length_mm(pair, Scale.isotropic(0.1)) == pytest.approx(5.0)
    assert length_mm(pair, Scale(0.2, 0.1)) == pytest.approx(52**0.5)
    assert length_mm(pair, None) is None


@pytest.mark.parametrize(("scale", "told"), [(Scale.isotropic(0.1), "5,0\u202fmm"), (None, "Échelle inconnue")])
def test_without_a_scale_no_length_is_told_in_any_unit(scale: Scale | None, told: str) -> None:
    view = view_in(DisplayState.FROZEN, a_view(scale=scale))
    view = replace(view, calipers=Calipers((Pair(PointPx(0, 0), PointPx(30, 40)),)))
    lines = [line for line in panel_lines(view) if line.slot is Slot.FACT]
    assert [(line.label, line.value) for line in lines] == [("Mesure 1 (+)", told)]
