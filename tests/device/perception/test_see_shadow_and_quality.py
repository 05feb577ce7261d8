"""Shadow below a deposit and the quality of a picture, measured on drawn greys."""

import numpy as np
import numpy.typing as npt
import pytest
from tests.support.drawing import CARD, Drawing, ellipse, speckle

from barbotage_device.perception.quality import NO_CONTACT, SATURATED, TOO_DARK
from barbotage_device.perception.scene import Scene
from barbotage_device.perception.see import see
from barbotage_models.contract.geometry import Scale
from barbotage_models.contract.taxonomy import ShadowType, Tissue

DEPOSIT = ellipse(19.2, 12.0, 3.0, 1.5)


def scene_of(
    region: npt.NDArray[np.uint8], bone_z_mm: float | None = None, needle: list[tuple[float, float]] | None = None
) -> Scene:
    drawing = Drawing(region, Scale.isotropic(0.15)).polygon(Tissue.DEPOSIT, DEPOSIT)
    if bone_z_mm is not None:
        drawing.line(Tissue.BONE, [(1, bone_z_mm), (37, bone_z_mm)])
    if needle is not None:
        drawing.line(Tissue.NEEDLE, needle, width_mm=0.9)
    return see(drawing.output(), drawing.canonical, CARD, 0)


def shaded(factor: float, mean: float = 80.0) -> npt.NDArray[np.uint8]:
    """Tissue whose grey is multiplied by ``factor`` under the deposit."""
    region = speckle((256, 256), mean=mean, deviation=12.0).astype(np.float64)
    region[88:, 108:149] *= factor
    return region.astype(np.uint8)


def bone_echo(factor: float) -> npt.NDArray[np.uint8]:
    """A bone at 14.5 mm, close under the deposit, whose echo is multiplied by ``factor`` there."""
    region = speckle((256, 256), mean=40, deviation=5)
    region[94:98] = 180
    region[94:98, 108:149] = round(180 * factor)
    return region


@pytest.mark.parametrize(
    ("factor", "expected"),
    [(0.2, ShadowType.CLEAR), (0.65, ShadowType.FAINT), (1.0, ShadowType.NONE), (1.3, ShadowType.NONE)],
)
@pytest.mark.parametrize("bone_z_mm", [None, 18.0])
def test_shadow_is_graded_by_the_grey_below(factor: float, expected: ShadowType, bone_z_mm: float | None) -> None:
    assert scene_of(shaded(factor), bone_z_mm).deposits[0].shadow is expected


def test_bright_bone_under_the_deposit_does_not_fill_the_shadow() -> None:
    region = shaded(0.3)
    region[int(17.4 / 0.15) : int(18.6 / 0.15)] = 220
    assert scene_of(region, 18.0).deposits[0].shadow is ShadowType.CLEAR


@pytest.mark.parametrize(
    ("region", "bone_z_mm", "needle"),
    [
        pytest.param(shaded(0.3, mean=14.0), None, None, id="too dark beside"),
        pytest.param(np.minimum(shaded(0.3), np.uint8(55)), 15.5, None, id="bone too near and dark"),
        pytest.param(bone_echo(0.3), 14.5, [(0.0, 13.0), (30.0, 18.0)], id="needle across the bone"),
        pytest.param(shaded(0.3), None, [(0.0, 13.0), (30.0, 18.0)], id="needle across"),
    ],
)
def test_shadow_is_indeterminate_when_the_comparison_is_not_sound(
    region: npt.NDArray[np.uint8], bone_z_mm: float | None, needle: list[tuple[float, float]] | None
) -> None:
    assert scene_of(region, bone_z_mm, needle).deposits[0].shadow is ShadowType.INDETERMINATE


@pytest.mark.parametrize(
    ("factor", "expected"), [(0.4, ShadowType.CLEAR), (0.75, ShadowType.FAINT), (1.0, ShadowType.NONE), (1.2, ShadowType.NONE)]
)
def test_where_the_bone_is_near_its_own_echo_is_graded(factor: float, expected: ShadowType) -> None:
    assert scene_of(bone_echo(factor), 14.5).deposits[0].shadow is expected


def test_one_sound_side_is_enough() -> None:
    scene = scene_of(shaded(0.3), None, [(0.0, 9.0), (14.5, 17.0)])
    assert scene.needle is not None
    assert scene.deposits[0].shadow is ShadowType.CLEAR


def test_a_deposit_at_the_bottom_of_the_region_has_no_measurable_shadow() -> None:
    drawing = Drawing(speckle((110, 256)), Scale.isotropic(0.15)).polygon(Tissue.DEPOSIT, ellipse(19, 14.5, 3, 1.2))
    assert see(drawing.output(), drawing.canonical, CARD, 0).deposits[0].shadow is ShadowType.INDETERMINATE


def bands() -> npt.NDArray[np.uint8]:
    rows = 90 + 80 * np.sin(np.arange(256) / 6.0)
    return np.repeat(rows[:, None], 256, axis=1).astype(np.uint8)


@pytest.mark.parametrize(
    ("region", "reason"),
    [
        pytest.param(speckle((256, 256)), "", id="tissue"),
        pytest.param(speckle((120, 90)), "", id="tissue in a small region"),
        pytest.param(speckle((256, 256), mean=6, deviation=4), TOO_DARK, id="dark"),
        pytest.param(
            np.maximum(speckle((256, 256)), np.uint8(255) * (np.arange(256) < 120).astype(np.uint8)), SATURATED, id="white"
        ),
        pytest.param(bands(), NO_CONTACT, id="reverberation bands"),
    ],
)
def test_quality_names_its_reason(region: npt.NDArray[np.uint8], reason: str) -> None:
    drawing = Drawing(region, Scale.isotropic(0.15))
    quality = see(drawing.output(), drawing.canonical, CARD, 0).quality
    assert quality.reason == reason
    assert (quality.score < 0.5) is bool(reason)
    assert 0.0 <= quality.score <= 1.0
