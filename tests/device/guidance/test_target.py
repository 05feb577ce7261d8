"""The point to reach, and when a tip counts as inside."""

import numpy as np
import pytest
from tests.support.drawing import ellipse

from barbotage_device.guidance.target import is_inside, is_within, target_point
from barbotage_device.perception.scene import Deposit
from barbotage_models.contract.geometry import FloatArray, PointMm
from barbotage_models.contract.taxonomy import ShadowType

NOTCHED = np.array([[0.0, 0.0], [4.0, 0.0], [5.0, 2.5], [6.0, 0.0], [10.0, 0.0], [10.0, 4.0], [0.0, 4.0]])
"""A deposit of 10 x 4 mm in which a needle from above hides a wedge down to 2.5 mm."""


def deposit(outline: FloatArray, centre: PointMm) -> Deposit:
    return Deposit(outline, centre, 10.0, 4.0, 35.0, 0.0, ShadowType.NONE, 0.9)


@pytest.mark.parametrize(("x_mm", "z_mm", "inside"), [(5.0, 1.0, True), (2.0, 2.0, True), (5.0, -0.5, False), (11.0, 2.0, False)])
def test_a_tip_in_the_notch_that_it_makes_itself_is_in_the_deposit(x_mm: float, z_mm: float, inside: bool) -> None:
    assert is_within(NOTCHED, PointMm(x_mm, z_mm)) is inside


def test_the_outline_itself_keeps_its_notch() -> None:
    assert not is_inside(NOTCHED, PointMm(5.0, 1.0))


def test_the_centre_is_the_target_when_it_lies_inside() -> None:
    outline = ellipse(12.0, 9.0, 4.0, 2.0)
    assert target_point(deposit(outline, PointMm(12.0, 9.0))) == PointMm(12.0, 9.0)


def test_a_bent_deposit_has_its_target_inside_not_in_the_bend() -> None:
    angles = np.linspace(np.pi, 2 * np.pi, 30)
    arc = np.concatenate([np.stack([r * np.cos(a), 10 + r * np.sin(a)], axis=1) for r, a in ((6.0, angles), (4.0, angles[::-1]))])
    centre = PointMm(0.0, 7.5)
    assert not is_inside(arc, centre)
    assert is_inside(arc, target_point(deposit(arc, centre)))
