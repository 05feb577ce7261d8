"""The canonical frame: fixed physical pixels, exact ways back, clear refusals."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX, CANONICAL_SIDE_MM, CANONICAL_SIZE_PX, to_canonical
from barbotage_models.contract.geometry import PointMm, Scale
from barbotage_models.errors import InvalidInputError


def spot(height: int, width: int, row: int, column: int, radius: int = 4) -> np.ndarray:
    picture = np.zeros((height, width), dtype=np.uint8)
    picture[row - radius : row + radius + 1, column - radius : column + radius + 1] = 255
    return picture


def centroid(pixels: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(pixels.shape)
    weight = pixels.astype(float)
    return np.asarray(np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum())


@settings(max_examples=60, deadline=None)
@given(
    x_mm_per_px=st.floats(0.05, 0.2),
    z_mm_per_px=st.floats(0.05, 0.2),
    x_mm=st.floats(8.0, 20.0),
    z_mm=st.floats(4.0, 20.0),
)
def test_a_spot_is_found_at_its_true_place_in_mm_and_in_pixels(
    x_mm_per_px: float, z_mm_per_px: float, x_mm: float, z_mm: float
) -> None:
    width, height = round(30.0 / x_mm_per_px), round(26.0 / z_mm_per_px)
    column, row = round(x_mm / x_mm_per_px - 0.5), round(z_mm / z_mm_per_px - 0.5)
    canonical = to_canonical(spot(height, width, row, column), Scale(x_mm_per_px, z_mm_per_px))
    plane = canonical.view.plane_from_canonical(centroid(canonical.pixels)[None])[0]
    assert plane[0] == pytest.approx((column + 0.5) * x_mm_per_px, abs=0.06)
    assert plane[1] == pytest.approx((row + 0.5) * z_mm_per_px, abs=0.06)
    back = canonical.view.point_px(PointMm(float(plane[0]), float(plane[1])))
    assert back.x_px == pytest.approx(column, abs=0.06 / x_mm_per_px)
    assert back.y_px == pytest.approx(row, abs=0.06 / z_mm_per_px)


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(-50, 300), y=st.floats(-50, 300), mm=st.floats(0.04, 0.3), width=st.integers(40, 900), height=st.integers(40, 900)
)
def test_the_three_coordinate_systems_convert_back_and_forth(x: float, y: float, mm: float, width: int, height: int) -> None:
    view = to_canonical(np.zeros((height, width), dtype=np.uint8), Scale.isotropic(mm)).view
    start = np.array([[x, y]])
    plane = view.plane_from_canonical(start)
    assert view.canonical_from_plane(plane) == pytest.approx(start, abs=1e-6)
    px = view.px_from_plane(plane)[0]
    point = view.point_px(PointMm(*plane[0]))
    assert (point.x_px, point.y_px) == pytest.approx(tuple(px))


def test_a_large_region_is_cut_to_the_top_middle_and_a_small_one_padded() -> None:
    large = np.full((600, 800), 90, dtype=np.uint8)
    canonical = to_canonical(large, Scale.isotropic(0.1))
    assert canonical.pixels.min() == 90
    assert canonical.view.plane_from_canonical(np.array([[-0.5, -0.5]]))[0] == pytest.approx(
        [(80 - CANONICAL_SIDE_MM) / 2, 0.0], abs=0.1
    )

    small = np.full((200, 300), 90, dtype=np.uint8)
    padded = to_canonical(small, Scale.isotropic(0.1)).pixels
    used_w, used_h = round(30 / CANONICAL_MM_PER_PX), round(20 / CANONICAL_MM_PER_PX)
    assert padded[:used_h, :used_w].min() == 90
    assert padded[used_h:].max(initial=0) == 0
    assert padded[:, used_w:].max(initial=0) == 0


def test_without_a_scale_the_longer_side_is_fitted_and_nothing_is_measurable() -> None:
    canonical = to_canonical(np.full((300, 600), 50, dtype=np.uint8), None)
    assert not canonical.view.measurable
    assert canonical.pixels[:128].min() == 50
    assert canonical.pixels[128:].max() == 0
    assert canonical.view.width_mm == pytest.approx(CANONICAL_SIDE_MM)


def test_the_bytes_are_those_that_every_architecture_gives() -> None:
    picture = (np.add.outer(np.arange(400) * 3, np.arange(500) * 7) % 251).astype(np.uint8)
    digests = {}
    for name, scale in (("shrink", Scale.isotropic(0.08)), ("grow", Scale.isotropic(0.3)), ("fit", None)):
        digests[name] = hashlib.sha256(to_canonical(picture, scale).pixels.tobytes()).hexdigest()[:16]
    assert digests == {"shrink": "5f883061ec5b0f9b", "grow": "493bb412d0ce43b2", "fit": "1b0dd54e02f69235"}


@pytest.mark.parametrize(
    ("region", "words"),
    [
        (np.zeros((1, 1), dtype=np.uint8), "1x1 pixels is too small"),
        (np.zeros((400, 31), dtype=np.uint8), "31x400"),
        (np.zeros((100, 100), dtype=np.float32), "8-bit grey"),
        (np.zeros((100, 100, 3), dtype=np.uint8), "shape (100, 100, 3)"),
    ],
)
def test_a_wrong_region_is_refused_in_words(region: np.ndarray, words: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        to_canonical(region, None)
    assert words in str(refused.value)


@pytest.mark.parametrize("value", [0.0, -0.1, float("nan"), float("inf"), 0.004, 1.5])
def test_an_impossible_scale_is_refused(value: float) -> None:
    with pytest.raises(InvalidInputError, match="mm per pixel"):
        Scale(0.1, value)
    with pytest.raises(InvalidInputError, match="mm per pixel"):
        Scale.isotropic(value)


def test_the_canonical_frame_is_always_of_one_size() -> None:
    for shape in ((33, 2000), (2000, 33), (256, 256)):
        for scale in (None, Scale.isotropic(0.02), Scale(0.5, 0.05)):
            assert to_canonical(np.zeros(shape, dtype=np.uint8), scale).pixels.shape == (CANONICAL_SIZE_PX, CANONICAL_SIZE_PX)
