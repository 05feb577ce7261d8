"""Labels stay only where the finished picture shows something."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from barbotage_models.contract.geometry import FloatArray, GreyImage, PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType
from barbotage_models.simulator.truth import DepositTruth, NeedleTruth, Truth
from barbotage_models.training.ridges import ridge_points
from barbotage_models.training.seen import only_seen

ALL = np.ones((256, 256), dtype=np.bool_)
CIRCLE = np.stack([6 * np.cos(np.linspace(0, 6.2, 40)) + 25, 2 * np.sin(np.linspace(0, 6.2, 40)) + 12], axis=1)
DEPOSIT = DepositTruth(CIRCLE, PointMm(25.0, 12.0), 12.0, 4.0, 37.0, ShadowType.NONE)
PIECES = np.array([[[2.0, 3.0], [6.0, 5.0]], [[6.0, 5.0], [10.0, 7.0]]])
NEEDLE = NeedleTruth(PointMm(10.0, 7.0), PointMm(0.0, 2.0), 26.6, EntrySide.LEFT, True, 1.0, PIECES)
BONE = np.stack([np.linspace(0.5, 38, 120), np.full(120, 30.0)], axis=1)
TRUTH = Truth(38.4, 38.4, (DEPOSIT,), BONE, NEEDLE)


def px(points: FloatArray) -> np.ndarray:
    return np.asarray(np.rint(points / 0.15 - 0.5), dtype=np.int32)


def picture(deposit: int = 130, shaft: int = 200, bone: int = 190) -> GreyImage:
    out = np.random.default_rng(0).normal(70, 8, (256, 256))
    cv2.fillPoly(out, [px(CIRCLE)], deposit)
    cv2.polylines(out, [px(BONE)], False, bone, 4)
    for piece in PIECES:
        cv2.polylines(out, [px(piece)], False, shaft, 3)
    return np.clip(out, 0, 255).astype(np.uint8)


def test_what_is_shown_is_kept() -> None:
    kept = only_seen(TRUTH, picture(), ALL)
    assert len(kept.deposits) == 1
    assert kept.needle is not None
    assert kept.needle.tip_visible
    assert np.allclose(kept.needle.visible_segments[[0, -1], [0, 1]], [[2.0, 3.0], [10.0, 7.0]])
    assert np.isnan(kept.bone[:, 0]).mean() < 0.1


@pytest.mark.parametrize(("hidden", "level"), [("deposit", 71), ("shaft", 70), ("bone", 70)])
def test_what_cannot_be_told_from_its_surroundings_is_dropped(hidden: str, level: int) -> None:
    kept = only_seen(TRUTH, picture(**{hidden: level}), ALL)
    assert kept.needle is not None
    assert bool(kept.deposits) is (hidden != "deposit")
    assert bool(len(kept.needle.visible_segments)) is (hidden != "shaft")
    assert kept.needle.tip_visible is (hidden != "shaft")
    assert (np.isnan(kept.bone[:, 0]).mean() < 0.5) == (hidden != "bone")


def test_a_tip_beyond_the_last_shown_piece_is_not_visible() -> None:
    gone = replace(TRUTH, needle=replace(NEEDLE, visible_segments=PIECES[:1]))
    kept = only_seen(gone, picture(), ALL)
    assert kept.needle is not None
    assert not kept.needle.tip_visible


def test_nothing_is_seen_where_no_tissue_is_shown() -> None:
    kept = only_seen(TRUTH, picture(), np.zeros((256, 256), dtype=np.bool_))
    assert kept.needle is not None
    assert (len(kept.deposits), len(kept.needle.visible_segments)) == (0, 0)
    assert np.isnan(kept.bone).all()
    assert not kept.class_map((64, 64), 0.6).any()


def test_ridge_points_lie_on_bright_lines() -> None:
    dark = np.random.default_rng(0).normal(40, 3, (300, 400))
    cv2.line(dark, (40, 50), (350, 220), 220, 4)
    points = ridge_points(np.clip(dark, 0, 255).astype(np.uint8))
    distance = np.abs((points[:, 0] - 40) * 170 - (points[:, 1] - 50) * 310) / np.hypot(170, 310)
    assert len(points) > 40
    assert np.median(distance) < 3
    assert len(ridge_points(np.full((300, 300), 50, dtype=np.uint8))) == 0
