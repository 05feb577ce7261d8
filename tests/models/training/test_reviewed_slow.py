"""Training on reviewed frames beside simulated ones: that unknown objects cost nothing and known ones do. Needs the extra ``train``."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from barbotage_models import cli
from barbotage_models.contract.geometry import PointPx, Scale
from barbotage_models.contract.reviewed import (
    ReviewedFrame,
    ReviewedManifest,
    ReviewedSession,
    ReviewedSplit,
    count_known,
    write_labels,
    write_manifest,
)
from barbotage_models.contract.taxonomy import Tissue

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def loss(
    claimed: int, known: tuple[float, float, float, float], labelled: int = 0, tip: float = 0.0, tip_weight: float = 0.2
) -> float:
    """Of a frame all of whose cells are claimed to be one class and labelled another."""
    import tensorflow as tf

    from barbotage_models.training.losses import LossSettings, Targets, total_loss

    says = np.zeros((1, 64, 64, 4), dtype=np.float32)
    says[..., claimed] = 1.0
    targets = Targets(tf.fill((1, 64, 64), labelled), tf.zeros((1, 64, 64, 1)), tf.constant([known]))
    outputs = {"classes": tf.constant(says), "tip": tf.fill((1, 64, 64, 1), tip)}
    scalar, each = total_loss(outputs, targets, LossSettings(tip_weight=tip_weight))
    # Mining looks at the losses of single samples: what is not known must not make a sample look hard.
    assert float(each[0]) <= float(scalar) + 1e-6
    return float(scalar)


@pytest.mark.parametrize("tissue", [Tissue.DEPOSIT, Tissue.BONE, Tissue.NEEDLE])
def test_a_claim_costs_nothing_only_where_it_is_not_known(tissue: Tissue) -> None:
    known = [1.0, 1.0, 1.0, 1.0]
    assert loss(tissue, (1.0, 1.0, 1.0, 1.0)) > 1.0
    known[tissue - 1] = 0.0
    unknown = (known[0], known[1], known[2], known[3])
    assert loss(tissue, unknown) < 0.1
    other = Tissue.NEEDLE if tissue is not Tissue.NEEDLE else Tissue.DEPOSIT
    assert loss(other, unknown) > 1.0


def test_a_labelled_deposit_counts_though_others_may_be_missing() -> None:
    unknown = (0.0, 1.0, 1.0, 1.0)
    assert loss(Tissue.DEPOSIT, unknown, labelled=int(Tissue.DEPOSIT)) < 0.1
    assert loss(Tissue.BACKGROUND, unknown, labelled=int(Tissue.DEPOSIT)) > 1.0


def test_a_claimed_tip_costs_nothing_where_the_tip_is_not_known() -> None:
    assert loss(0, (1.0, 1.0, 1.0, 1.0), tip=0.9) > 1.0
    assert loss(0, (1.0, 1.0, 1.0, 0.0), tip=0.9) < 0.1


def reviewed(path: Path, count: int) -> Path:
    (path / "frames").mkdir(parents=True)
    rng = np.random.default_rng(0)
    frames = []
    for index in range(count):
        file = f"frames/{index}.png"
        cv2.imwrite(str(path / file), rng.integers(30, 120, (300, 320), dtype=np.uint8))
        tip = PointPx(100.0 + index, 100.0)
        frames.append(ReviewedFrame(file, "S", index, index, "AB", 320, 300, Scale.isotropic(0.1), tip=tip, tip_known=True))
    session = ReviewedSession("S", ReviewedSplit.TRAIN, count, simulated=False, software="0", model={})
    write_manifest(path, ReviewedManifest((session,), ("AB",), count, count_known(frames), write_labels(path, frames)))
    return path


def test_train_takes_simulated_and_reviewed_data_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    assert cli.main(["simulate", "--out", str(data), "--frames", "12"]) == 0
    folder = reviewed(tmp_path / "reviewed", 7)
    arguments = [
        "train",
        "--data",
        str(data),
        "--data",
        str(folder),
        "--out",
        str(tmp_path / "run"),
        "--epochs",
        "1",
        "--batch",
        "16",
    ]
    # 10 simulated and 7 reviewed training frames fill one batch of 16; neither does alone.
    capsys.readouterr()
    assert cli.main([*arguments, "--json"]) == 0
    assert np.isfinite(json.loads(capsys.readouterr().out)["last_epoch"]["loss"])
