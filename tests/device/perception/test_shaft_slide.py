"""The texture of a shaft: that it slides, how fast, and what is not sliding."""

import math

import numpy as np
import pytest
from tests.support.shafts import ENTRY_Z_MM, shaft_picture

from barbotage_device.perception.axis_filter import Axis
from barbotage_device.perception.plane import plane_of
from barbotage_device.perception.shaft_slide import BEGIN_CORRELATION, SPEEDS_MM_S, STEP_MM, ShaftSlide, path_correlations
from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide

ANGLE_DEG = 20.0
DX, DZ = math.cos(math.radians(ANGLE_DEG)), math.sin(math.radians(ANGLE_DEG))
ENTRY = PointMm(0.0, ENTRY_Z_MM)
AXIS = Axis(ENTRY, DX, DZ, EntrySide.LEFT)
SECOND_NS = 1_000_000_000


def watched(
    speed_mm_s: float,
    rate_hz: float = 20.0,
    tissue_mm_s: float = 0.0,
    texture: bool = True,
    seen_mm: float = 18.0,
    seconds: float = 1.0,
) -> ShaftSlide:
    """A slide that has seen a needle going in evenly."""
    slide = ShaftSlide()
    for number in range(round(seconds * rate_hz)):
        at_s = number / rate_hz
        picture = shaft_picture(speed_mm_s * at_s, ANGLE_DEG, texture, tissue_mm_s * at_s)
        step_mm = tissue_mm_s / rate_hz if number else 0.0
        slide.moved(PointMm(step_mm * DX, step_mm * DZ), AXIS)
        slide.record(
            round(at_s * SECOND_NS), AXIS, (ENTRY, AXIS.point(seen_mm)), picture.pixels, plane_of(picture.view), wanted=True
        )
    return slide


@pytest.mark.parametrize("rate_hz", [12.0, 20.0, 30.0, 60.0])
@pytest.mark.parametrize("speed_mm_s", [3.0, 6.0])
def test_a_needle_that_goes_in_is_seen_to_slide_at_any_frame_rate(rate_hz: float, speed_mm_s: float) -> None:
    assert watched(speed_mm_s, rate_hz).speed_mm_s == pytest.approx(speed_mm_s, abs=1.0)


@pytest.mark.parametrize(
    ("speed_mm_s", "changed"),
    [(0.0, {}), (-4.0, {}), (0.0, {"tissue_mm_s": 5.0}), (5.0, {"seen_mm": 2.0}), (5.0, {"seconds": 0.3})],
    ids=["still", "drawn-back", "probe-slides", "too-little-seen", "too-short-a-time"],
)
def test_what_is_no_advance_that_can_be_seen(speed_mm_s: float, changed: dict[str, float]) -> None:
    assert watched(speed_mm_s, **changed).speed_mm_s == 0.0  # type: ignore[arg-type]


def test_a_white_shaft_has_no_texture_and_says_so() -> None:
    assert watched(5.0, texture=False).flat
    assert not watched(5.0).flat


def test_nothing_is_measured_until_somebody_asks() -> None:
    slide = watched(5.0)
    picture = shaft_picture(5.0, ANGLE_DEG)
    slide.record(SECOND_NS, AXIS, (ENTRY, AXIS.point(18.0)), picture.pixels, plane_of(picture.view), wanted=False)
    assert slide.speed_mm_s == 0.0


def test_the_path_of_the_true_speed_is_the_one_that_correlates() -> None:
    rng = np.random.default_rng(4)
    texture, times_s = rng.standard_normal(300), 0.05 * np.arange(-10.0, 1.0)
    places = np.arange(100)[None, :] + 100 - np.rint(5.0 * times_s[:, None] / STEP_MM).astype(int)
    curve = path_correlations(texture[places] + 30.0, times_s)
    assert SPEEDS_MM_S[curve.argmax()] == 5.0
    assert curve.max() > 0.8
    assert np.sort(curve)[-2] < BEGIN_CORRELATION


@pytest.mark.parametrize("seed", range(5))
def test_noise_on_a_standing_shaft_stays_below_the_threshold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    standing = 40.0 * rng.standard_normal(100) + rng.standard_normal((11, 100))
    assert path_correlations(standing, 0.05 * np.arange(-10.0, 1.0)).max() < BEGIN_CORRELATION
