"""Size before and after from several sightings."""

import numpy as np
import pytest

from barbotage_device.errors import InvalidInputError
from barbotage_device.perception.scene import Deposit
from barbotage_device.procedure.before_after import ENDS_MM, SIGHTINGS, Size, SizeReading, reduction
from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import ShadowType


def deposit(longest_mm: float) -> Deposit:
    area_mm2 = longest_mm * longest_mm / 2
    return Deposit(np.zeros((3, 2)), PointMm(0, 0), longest_mm, longest_mm / 2, area_mm2, 9.0, ShadowType.NONE, 0.9)


def size(longest_mm: float, uncertainty_mm: float = 0.4) -> Size:
    return Size(longest_mm, uncertainty_mm, longest_mm / 2, 1.0, 0.1, 5)


def read(*longest_mm: float, measurable: bool = True) -> Size | None:
    reading = SizeReading()
    for one in longest_mm:
        reading.add(deposit(one))
    return reading.size(measurable)


def test_a_size_is_the_median_of_its_sightings() -> None:
    seen = read(12.0, 12.1, 30.0, 11.9, 12.0)
    assert seen is not None
    assert seen.longest_mm == 12.0
    assert seen.longest_uncertainty_mm == pytest.approx(ENDS_MM)
    assert seen.sightings == 5


def test_sightings_that_differ_make_it_uncertain() -> None:
    seen = read(8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0)
    assert seen is not None
    assert seen.longest_mm == 11.0
    assert seen.longest_uncertainty_mm > 1.5


def test_only_the_last_sightings_count() -> None:
    seen = read(*[20.0] * 50, *[10.0] * SIGHTINGS)
    assert seen is not None
    assert (seen.longest_mm, seen.sightings) == (10.0, SIGHTINGS)


def test_there_is_no_size_without_a_scale_or_a_sighting() -> None:
    assert read(12.0, measurable=False) is None
    assert read() is None


@pytest.mark.parametrize(
    ("before_mm", "after_mm", "percent", "distinguishable", "half"),
    [
        (10.0, 8.0, -20.0, True, False),
        (10.0, 9.8, -2.0, False, False),
        (10.0, 4.0, -60.0, True, True),
        (10.0, 12.0, 20.0, True, False),
    ],
)
def test_the_reduction_is_of_the_longest_diameter(
    before_mm: float, after_mm: float, percent: float, distinguishable: bool, half: bool
) -> None:
    change = reduction(size(before_mm), size(after_mm))
    assert change is not None
    assert change.longest_percent == pytest.approx(percent)
    assert (change.distinguishable, change.at_least_half) == (distinguishable, half)
    assert change.uncertainty_percent == pytest.approx(4.0 * np.hypot(1.0, after_mm / before_mm))


def test_there_is_no_reduction_without_both_sizes() -> None:
    assert reduction(size(10.0), None) is None
    assert reduction(None, size(10.0)) is None
    with pytest.raises(InvalidInputError):
        reduction(size(0.0), size(1.0))
