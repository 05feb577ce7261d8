"""What is proposed from a scanner's screen: its region and the ticks of its depth scale, on pictures drawn here."""

import cv2
import numpy as np
import pytest

from barbotage_device.capture.chrome import propose_region, propose_ticks
from barbotage_device.capture.region import Region
from barbotage_models.contract.geometry import GreyImage

REGION = Region(120, 60, 400, 360)


def screen(ground: int = 0, region: Region = REGION, gain: float = 20.0, size: tuple[int, int] = (480, 640)) -> GreyImage:
    """A scanner's screen: flat ground with text, a grey bar and a frame, and speckle in the region."""
    picture = np.full(size, ground, np.uint8)
    for row in (20, 36, size[0] - 12):
        cv2.putText(picture, "SMALL PARTS  L12-3  MI 0.8", (8, row), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 210, 1, cv2.LINE_AA)
    picture[70:200, 6:18] = np.linspace(255, 0, 130).astype(np.uint8)[:, None]
    speckle = np.random.default_rng(5).gamma(2.0, gain, (region.height_px, region.width_px))
    rows, columns = slice(region.y_px, region.y_px + region.height_px), slice(region.x_px, region.x_px + region.width_px)
    picture[rows, columns] = np.clip(cv2.GaussianBlur(speckle, (5, 3), 0), 0, 255).astype(np.uint8)
    return picture


def with_ticks(picture: GreyImage, column: int, begin: float, spacing: float, count: int, *, ruler: bool = False) -> GreyImage:
    """Marks two rows high at equal distances; with ``ruler`` on an upright line."""
    marked = picture.copy()
    if ruler:
        marked[round(begin) : round(begin + spacing * (count - 1)) + 1, column + 7] = 200
    for index in range(count):
        row = round(begin + index * spacing)
        marked[row : row + 2, column : column + 7] = 200
    return marked


def off(found: Region, drawn: Region) -> int:
    """The largest distance of a side, in pixels."""
    found_sides, drawn_sides = ((r.x_px, r.y_px, r.x_px + r.width_px, r.y_px + r.height_px) for r in (found, drawn))
    return max(abs(a - b) for a, b in zip(found_sides, drawn_sides, strict=True))


@pytest.mark.parametrize("ground", [0, 2, 51, 120])
@pytest.mark.parametrize("region", [REGION, Region(40, 50, 300, 420), Region(60, 45, 560, 200)])
def test_the_region_is_found_on_black_and_on_grey_ground(ground: int, region: Region) -> None:
    found = propose_region(screen(ground, region))
    assert found is not None
    assert off(found, region) <= 3


def test_on_grey_ground_tissue_without_echoes_belongs_to_the_region() -> None:
    picture = screen(51)
    picture[240:420, 120:520] = 0
    found = propose_region(picture)
    assert found is not None
    assert off(found, REGION) <= 3


def test_noise_of_one_grey_level_on_the_ground_is_not_taken_for_speckle() -> None:
    picture = screen(0)
    noise = np.random.default_rng(2).integers(0, 2, picture.shape).astype(np.uint8)
    found = propose_region(np.maximum(picture, noise))
    assert found is not None
    assert off(found, REGION) <= 3


@pytest.mark.parametrize("level", [0, 90])
def test_where_nothing_is_speckle_nothing_is_proposed(level: int) -> None:
    picture = np.full((480, 640), level, np.uint8)
    cv2.putText(picture, "NO SIGNAL", (200, 240), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 255, 2)
    assert propose_region(picture) is None


def test_a_picture_that_is_all_ultrasound_leaves_nothing_to_choose() -> None:
    whole = screen(0, Region(0, 0, 640, 480))
    assert propose_region(whole) is None
    assert propose_region(whole[:50, :60]) is None


@pytest.mark.parametrize(
    ("column", "begin", "spacing", "count", "ruler"),
    [(60, 60, 47.2, 8, False), (560, 62, 36.0, 11, True), (540, 61, 77.45, 5, True), (100, 60, 12.0, 31, False)],
)
def test_ticks_beside_the_region_are_found_with_their_spacing(
    column: int, begin: float, spacing: float, count: int, ruler: bool
) -> None:
    found = propose_ticks(with_ticks(screen(0), column, begin, spacing, count, ruler=ruler), REGION)
    assert found is not None
    assert column <= found.column_px < column + 7
    assert len(found.rows_px) == count
    assert found.spacing_px == pytest.approx(spacing, abs=0.5)
    assert found.rows_px[0] == pytest.approx(round(begin) + 0.5, abs=0.51)


def test_a_tick_that_is_hidden_does_not_spoil_the_spacing() -> None:
    picture = with_ticks(screen(51), 560, 60, 40.0, 10)
    picture[170:190, 550:580] = 51
    found = propose_ticks(picture, REGION)
    assert found is not None
    assert len(found.rows_px) == 9
    assert found.spacing_px == pytest.approx(40.0, abs=0.5)


@pytest.mark.parametrize("rows", [(80, 130, 260, 300, 390), (80, 110, 140), (80, 92, 104, 116)])
def test_marks_that_are_irregular_few_or_short_are_no_scale(rows: tuple[int, ...]) -> None:
    picture = screen(0)
    for row in rows:
        picture[row : row + 2, 560:567] = 200
    assert propose_ticks(picture, REGION) is None
