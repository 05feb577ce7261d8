"""Deposits: measured against drawn ellipses of known size."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.drawing import CARD, Drawing, ellipse, speckle

from barbotage_device.perception.see import see
from barbotage_models.contract.card import Calibration
from barbotage_models.contract.geometry import Scale
from barbotage_models.contract.output import ModelOutput
from barbotage_models.contract.taxonomy import Tissue

SCALES = [
    pytest.param((384, 384), Scale.isotropic(0.1), id="finer than canonical"),
    pytest.param((256, 256), Scale.isotropic(0.15), id="canonical"),
    pytest.param((600, 800), Scale.isotropic(0.06), id="wider and deeper than the canonical frame"),
    pytest.param((130, 160), Scale.isotropic(0.2), id="smaller than the canonical frame"),
    pytest.param((300, 500), Scale(0.07, 0.11), id="anisotropic"),
]


@pytest.mark.parametrize(("shape", "scale"), SCALES)
@pytest.mark.parametrize("tilt_deg", [0, 30, 90])
def test_size_and_place_of_a_deposit_are_those_drawn(shape: tuple[int, int], scale: Scale, tilt_deg: float) -> None:
    drawing = Drawing(speckle(shape), scale)
    x_mm = shape[1] * scale.x_mm_per_px / 2
    drawing.polygon(Tissue.DEPOSIT, ellipse(x_mm, 14.0, 4.0, 2.0, tilt_deg))
    scene = see(drawing.output(), drawing.canonical, CARD, 7)
    assert scene.measurable
    assert scene.capture_ns == 7
    (deposit,) = scene.deposits
    assert deposit.longest_mm == pytest.approx(8.0, abs=0.4)
    assert deposit.perpendicular_mm == pytest.approx(4.0, abs=0.4)
    assert deposit.area_mm2 == pytest.approx(math.pi * 8.0, rel=0.06)
    assert math.hypot(deposit.centre.x_mm - x_mm, deposit.centre.z_mm - 14.0) < 0.15
    assert deposit.depth_mm == pytest.approx(
        14.0 - math.hypot(2.0 * math.cos(r := math.radians(tilt_deg)), 4.0 * math.sin(r)), abs=0.2
    )
    assert deposit.outline[:, 1].min() == pytest.approx(deposit.depth_mm, abs=0.1)


def test_without_a_scale_the_scene_is_not_measurable_and_its_geometry_still_holds() -> None:
    drawing = Drawing(speckle((480, 640)), None)
    drawing.polygon(Tissue.DEPOSIT, ellipse(19.2, 14.0, 3.0, 2.0))
    scene = see(drawing.output(), drawing.canonical, CARD, 0)
    assert not scene.measurable
    assert scene.width_mm == pytest.approx(38.4)
    assert scene.deposits[0].centre.x_mm == pytest.approx(19.2, abs=0.2)


@settings(max_examples=25, deadline=None)
@given(dx_mm=st.floats(-8, 8), dz_mm=st.floats(-8, 8))
def test_moving_a_deposit_moves_its_centre_and_keeps_its_size(dx_mm: float, dz_mm: float) -> None:
    drawing = Drawing(np.full((256, 256), 80, np.uint8), Scale.isotropic(0.15))
    drawing.polygon(Tissue.DEPOSIT, ellipse(19 + dx_mm, 18 + dz_mm, 3.0, 2.0))
    (deposit,) = see(drawing.output(), drawing.canonical, CARD, 0).deposits
    assert deposit.centre.x_mm == pytest.approx(19 + dx_mm, abs=0.15)
    assert deposit.centre.z_mm == pytest.approx(18 + dz_mm, abs=0.15)
    assert deposit.longest_mm == pytest.approx(6.0, abs=0.4)
    assert deposit.area_mm2 == pytest.approx(math.pi * 6.0, rel=0.08)


@pytest.mark.parametrize(
    ("size_mm", "probability", "seen"),
    [(2.0, 0.95, True), (0.45, 0.95, False), (2.0, 0.53, True), (2.0, 0.40, False)],
    ids=["large and sure", "a speck", "just sure enough", "not sure"],
)
def test_specks_and_unsure_cells_are_not_deposits(size_mm: float, probability: float, seen: bool) -> None:
    drawing = Drawing().polygon(Tissue.DEPOSIT, ellipse(19.0, 14.0, size_mm, size_mm), probability)
    assert bool(see(drawing.output(), drawing.canonical, CARD, 0).deposits) is seen


def test_a_deposit_below_the_cards_floor_is_not_shown_and_confidence_is_calibrated() -> None:
    drawing = Drawing().polygon(Tissue.DEPOSIT, ellipse(19.0, 14.0, 3.0, 2.0), 0.8)
    (plain,) = see(drawing.output(), drawing.canonical, CARD, 0).deposits
    doubtful = replace(CARD, deposit_calibration=Calibration(1.0, -0.5))
    (less,) = see(drawing.output(), drawing.canonical, doubtful, 0).deposits
    assert less.confidence < plain.confidence < 0.8
    strict = replace(CARD, thresholds=replace(CARD.thresholds, deposit_shown=0.95))
    assert see(drawing.output(), drawing.canonical, strict, 0).deposits == ()


@pytest.mark.parametrize(("z_mm", "seen"), [(15.0, True), (20.4, False), (23.0, False)], ids=["above", "on the surface", "below"])
def test_what_lies_on_or_under_the_bone_is_no_deposit(z_mm: float, seen: bool) -> None:
    drawing = Drawing().line(Tissue.BONE, [(1, 20.5), (37, 20.5)]).polygon(Tissue.DEPOSIT, ellipse(19.0, z_mm, 2.5, 0.8))
    assert bool(see(drawing.output(), drawing.canonical, CARD, 0).deposits) is seen


def test_two_deposits_stay_two_and_come_largest_first() -> None:
    drawing = Drawing().polygon(Tissue.DEPOSIT, ellipse(10, 12, 2, 1.5)).polygon(Tissue.DEPOSIT, ellipse(25, 15, 4, 2))
    first, second = see(drawing.output(), drawing.canonical, CARD, 0).deposits
    assert first.centre.x_mm == pytest.approx(25, abs=0.2)
    assert second.centre.x_mm == pytest.approx(10, abs=0.2)


def test_a_deposit_that_the_needle_crosses_stays_one_and_keeps_its_size() -> None:
    drawing = Drawing(speckle((256, 256)), Scale.isotropic(0.15)).polygon(Tissue.DEPOSIT, ellipse(19.2, 14.1, 4, 3))
    drawing.line(Tissue.NEEDLE, [(0, 14.1), (24, 14.1)], width_mm=1.2)
    output = drawing.output()
    output.classes[output.classes[:, :, Tissue.NEEDLE] > 128, Tissue.DEPOSIT] = 5
    (deposit,) = see(output, drawing.canonical, CARD, 0).deposits
    assert deposit.area_mm2 == pytest.approx(math.pi * 12, rel=0.1)
    assert deposit.confidence > 0.8


def test_a_piece_of_needle_between_two_deposits_that_touches_neither_is_no_deposit() -> None:
    drawing = Drawing(speckle((256, 256)), Scale.isotropic(0.15))
    classes = np.zeros((64, 64, 4), dtype=np.uint8)
    classes[20:24, 20:32, Tissue.DEPOSIT] = classes[27:31, 20:32, Tissue.DEPOSIT] = 250
    classes[25, 20:32, Tissue.NEEDLE] = 250
    scene = see(ModelOutput(classes, np.zeros((64, 64), dtype=np.uint8)), drawing.canonical, CARD, 0)
    assert len(scene.deposits) == 2


def test_a_deposit_cut_by_the_border_of_the_map_ends_at_the_border() -> None:
    drawing = Drawing(speckle((256, 256)), Scale.isotropic(0.15)).polygon(Tissue.DEPOSIT, ellipse(0.0, 14.0, 4.0, 3.0))
    (deposit,) = see(drawing.output(), drawing.canonical, CARD, 0).deposits
    assert deposit.outline[:, 0].min() == pytest.approx(0.0, abs=0.1)
    assert deposit.outline[:, 0].max() == pytest.approx(4.0, abs=0.2)


def test_cells_that_only_just_reach_the_threshold_give_no_outline_and_no_error() -> None:
    drawing = Drawing()
    output = drawing.output()
    output.classes[20, 20:23, Tissue.DEPOSIT] = 128
    assert see(output, drawing.canonical, CARD, 0).deposits == ()


def test_padding_outside_a_small_region_is_not_looked_at() -> None:
    drawing = Drawing(speckle((100, 100)), Scale.isotropic(0.15))
    output = drawing.output()
    output.classes[40:50, 40:50, Tissue.DEPOSIT] = 250
    output.classes[60, :, Tissue.BONE] = 250
    scene = see(output, drawing.canonical, CARD, 0)
    assert scene.deposits == ()
    assert scene.bone is None
