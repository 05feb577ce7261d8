from dataclasses import replace

import numpy as np
import pytest

from barbotage_models.training.augment import Augmenter, AugmentSettings, flipped, plain_batch, shifted, tip_maps
from barbotage_models.training.shards import Samples

QUIET = AugmentSettings(
    flip_share=0,
    shift_share=0,
    border_share=0,
    gain_grey=0,
    contrast=(1, 1),
    gamma=(1, 1),
    ramp_grey=0,
    noise_grey=0,
    blur_share=0,
    sharpen_share=0,
)


def one_bright_cell(x: int, y: int) -> Samples:
    frames = np.full((1, 256, 256), 50, dtype=np.uint8)
    frames[0, y * 4 : y * 4 + 4, x * 4 : x * 4 + 4] = 250
    classes = np.zeros((1, 64, 64), dtype=np.uint8)
    classes[0, y, x] = 3
    return Samples(
        frames, classes, np.array([[x, y]], dtype=np.float32), np.ones((1, 4), dtype=np.bool_), np.zeros(1, dtype=np.uint8)
    )


@pytest.mark.parametrize(
    "changed", [replace(QUIET, flip_share=1.0), replace(QUIET, shift_share=1.0), replace(QUIET, border_share=1.0), QUIET]
)
@pytest.mark.parametrize("seed", range(4))
def test_frame_classes_and_tip_move_together(changed: AugmentSettings, seed: int) -> None:
    samples = one_bright_cell(20, 30)
    batch = Augmenter(np.random.default_rng(seed), changed).batch(samples, np.array([0]))
    rows, columns = np.nonzero(batch.frames[0, :, :, 0] > 200)
    y, x = divmod(int(batch.classes[0].argmax()), 64)
    assert batch.classes[0, y, x] == 3
    assert (columns.mean() - 1.5, rows.mean() - 1.5) == (x * 4, y * 4)
    peak = divmod(int(batch.tip[0, :, :, 0].argmax()), 64)
    assert peak == (y, x)


def test_a_tip_that_leaves_the_frame_is_gone() -> None:
    settings = replace(QUIET, shift_share=1.0)
    for seed in range(10):
        batch = Augmenter(np.random.default_rng(seed), settings).batch(one_bright_cell(0, 0), np.array([0]))
        assert bool(batch.classes.any()) == bool(batch.tip.max() > 0.5)


def test_black_padding_stays_black() -> None:
    samples = one_bright_cell(20, 30)
    samples.frames[0, 200:] = 0
    batch = Augmenter(np.random.default_rng(1), AugmentSettings(flip_share=0, shift_share=0, border_share=0)).batch(
        samples, np.array([0])
    )
    assert not batch.frames[0, 200:].any()


def test_tip_maps_peak_at_the_tip_with_sub_cell_position() -> None:
    maps = tip_maps(np.array([[10.25, 40.0], [np.nan, np.nan]], dtype=np.float32))
    weights = maps[0, :, :, 0] / maps[0].sum()
    assert float((weights.sum(axis=0) * np.arange(64)).sum()) == pytest.approx(10.25, abs=0.01)
    assert float((weights.sum(axis=1) * np.arange(64)).sum()) == pytest.approx(40.0, abs=0.01)
    assert not maps[1].any()


def test_shift_and_flip_move_pixels() -> None:
    image = np.arange(16, dtype=np.uint8).reshape(4, 4)
    np.testing.assert_array_equal(shifted(image, 1, -1)[:3, 1:], image[1:, :3])
    assert shifted(image, 1, 0)[0, 0] == 0
    np.testing.assert_array_equal(flipped(flipped(image)), image)


def test_both_planes_get_the_same_geometry_and_tone_but_their_own_noise() -> None:
    one = one_bright_cell(20, 30)
    two = replace(one, frames=np.stack([one.frames, one.frames], axis=-1))
    quiet = Augmenter(np.random.default_rng(3), replace(AugmentSettings(), noise_grey=0)).batch(two, np.array([0])).frames
    assert quiet.shape == (1, 256, 256, 2)
    assert np.array_equal(quiet[..., 0], quiet[..., 1])
    noisy = Augmenter(np.random.default_rng(3), AugmentSettings(noise_grey=20)).batch(two, np.array([0])).frames
    assert not np.array_equal(noisy[..., 0], noisy[..., 1])
    assert plain_batch(two, np.array([0])).frames.shape == (1, 256, 256, 2)
    assert plain_batch(one, np.array([0])).frames.shape == (1, 256, 256, 1)
