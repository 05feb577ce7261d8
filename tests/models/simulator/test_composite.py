"""Needles and deposits on a given background: the background stays, what is added is labelled."""

import cv2
import numpy as np
import pytest

from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.simulator import composite
from barbotage_models.simulator.composite import composite_onto, composite_pair, measured_scanner
from barbotage_models.simulator.motion import Motion


def background() -> np.ndarray:
    rng = np.random.default_rng(8)
    speckle = rng.rayleigh(30.0, (256, 256))
    return np.clip(speckle + 20, 0, 255).astype(np.uint8)


def test_nothing_changes_but_where_something_was_added_or_casts_a_shadow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composite, "MIMIC_SHARE", 0.0)
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
                assert changed[labels == tissue].mean() > 0.5, (seed, name)
        first_row = int(np.flatnonzero(changed.any(axis=1))[0])
        assert not changed[: max(0, first_row)].any()
    assert min(seen.values()) >= 4, seen


def test_the_same_generator_gives_the_same_picture() -> None:
    one, two = (composite_onto(background(), np.random.default_rng(5))[0] for _ in range(2))
    assert np.array_equal(one, two)


def test_what_is_added_moves_with_the_tissue_and_the_needle_along_its_axis() -> None:
    """On the frame before, the deposit lies where the tissue was and the needle reaches less far."""
    flat = np.full((256, 256), 60, dtype=np.uint8)
    motion = Motion(tissue_x_mm=3.0, tissue_z_mm=0.0, advance_mm=4.0, turn_deg=0.0, slip_mm=0.0)
    moved, shorter = 0, 0
    for seed in range(30):
        pair = composite_pair(flat, flat, motion, np.random.default_rng(seed))
        if pair.truth.deposits and pair.truth.needle is None:
            back = np.roll(pair.picture, -20, axis=1)[:, 30:-50].astype(int)
            still = pair.picture[:, 30:-50].astype(int)
            before = pair.before[:, 30:-50].astype(int)
            moved += int(np.abs(before - back).mean() < np.abs(before - still).mean())
            shorter += 1
    assert shorter >= 2
    assert moved >= 0.8 * shorter


def test_the_grain_of_what_is_added_is_that_of_the_background() -> None:
    rng = np.random.default_rng(0)
    for lateral, axial in ((0.8, 0.6), (2.0, 1.0)):
        field = [cv2.GaussianBlur(rng.standard_normal((256, 256)), (0, 0), sigmaX=lateral, sigmaY=axial) for _ in range(2)]
        level_db = 20 * np.log10(np.hypot(*field) / np.hypot(*field).mean())
        picture = np.clip(120 + level_db / 60 * 255, 0, 255).astype(np.uint8)
        found = measured_scanner(picture, rng)
        assert abs(found.lateral_sigma_px - lateral) < 0.45
        assert abs(found.axial_sigma_px - axial) < 0.35
