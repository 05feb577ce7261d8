"""Needles and deposits on a given background: the background stays, what is added is labelled."""

import numpy as np

from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.simulator.composite import composite_onto


def background() -> np.ndarray:
    rng = np.random.default_rng(8)
    speckle = rng.rayleigh(30.0, (256, 256))
    return np.clip(speckle + 20, 0, 255).astype(np.uint8)


def test_nothing_changes_but_where_something_was_added_or_casts_a_shadow() -> None:
    plain = background()
    seen = {"nothing": 0, "needle": 0, "deposit": 0}
    for seed in range(40):
        picture, truth = composite_onto(plain, np.random.default_rng(seed))
        changed = np.abs(picture.astype(int) - plain.astype(int)) > 1
        if truth.needle is None and not truth.deposits:
            seen["nothing"] += 1
            assert not changed.any()
            continue
        labels = truth.class_map((256, 256), 0.15)
        for tissue, name in ((Tissue.NEEDLE, "needle"), (Tissue.DEPOSIT, "deposit")):
            if (labels == tissue).sum() > 60:
                seen[name] += 1
                assert changed[labels == tissue].mean() > 0.6, (seed, name)
        first_row = int(np.flatnonzero(changed.any(axis=1))[0])
        assert not changed[: max(0, first_row)].any()
    assert min(seen.values()) >= 4, seen


def test_the_same_generator_gives_the_same_picture() -> None:
    one, two = (composite_onto(background(), np.random.default_rng(5))[0] for _ in range(2))
    assert np.array_equal(one, two)
