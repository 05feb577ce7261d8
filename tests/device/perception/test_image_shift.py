"""The tissue's movement between pictures: right in size and sign, and nothing where nothing moves."""

import cv2
import numpy as np
import pytest

from barbotage_device.perception.image_shift import ImageShift
from barbotage_device.perception.plane import plane_of
from barbotage_models.contract.canonical import to_canonical
from barbotage_models.contract.geometry import Scale

MM_PER_PX = 0.15


def layered(dx_px: float, dz_px: float, rng: np.random.Generator) -> np.ndarray:
    """Layers with some texture, moved by whole canonical pixels, under fresh noise."""
    fixed = np.random.default_rng(5)
    rows = np.arange(256, dtype=np.float32)[:, None]
    texture = cv2.GaussianBlur(fixed.standard_normal((256, 256)).astype(np.float32), (0, 0), sigmaX=5, sigmaY=2)
    base = 90 + 50 * np.sin(rows / 9.0) * np.exp(-rows / 300) + 160 * texture
    moved = cv2.warpAffine(
        base, np.array([[1, 0, dx_px], [0, 1, dz_px]], dtype=np.float64), (256, 256), borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(np.clip(moved + rng.normal(0, 6, (256, 256)), 0, 255), dtype=np.uint8)


def mean_shift_mm(step_px: tuple[float, float]) -> np.ndarray:
    rng, shift, found = np.random.default_rng(1), ImageShift(0.0), []
    for number in range(14):
        canonical = to_canonical(layered(number * step_px[0], number * step_px[1], rng), Scale.isotropic(MM_PER_PX))
        seen = shift.update(canonical.pixels, plane_of(canonical.view))
        if seen is not None:
            found.append((seen.x_mm, seen.z_mm))
    assert len(found) == 13
    return np.mean(found, axis=0)  # type: ignore[no-any-return]


@pytest.mark.parametrize("step_px", [(0.0, 0.0), (2.0, 0.0), (-2.0, 0.0), (0.0, 1.0), (0.0, -1.0)])
def test_the_mean_of_many_shifts_is_the_true_one_to_about_a_tenth_of_a_pixel(step_px: tuple[float, float]) -> None:
    expected = np.array(step_px) * MM_PER_PX
    assert mean_shift_mm(step_px) == pytest.approx(expected, abs=0.07)


def test_a_still_picture_does_not_seem_to_creep() -> None:
    # A bias of 0.05 mm a frame would add up to the prompt "probe moved" within two seconds at 20 frames/s.
    assert np.abs(mean_shift_mm((0.0, 0.0))).max() < 0.02
