"""Simulate, train, export, evaluate, all tiny: that every step takes what the one before gives. Needs the extra ``train``."""

import json
from pathlib import Path

import numpy as np
import pytest

from barbotage_models import cli
from barbotage_models.contract.card import load_card
from barbotage_models.contract.geometry import GreyImage
from barbotage_models.training.shards import Split, load_split

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    assert cli.main(["simulate", "--out", str(folder / "data"), "--frames", "32", "--preview", str(folder / "sheet.png")]) == 0
    assert cli.main(["train", "--data", str(folder / "data"), "--out", str(folder / "run"), "--epochs", "1", "--batch", "8"]) == 0
    return folder


def test_the_exported_model_has_a_true_card_and_can_be_measured(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "export",
        "--weights",
        str(work / "run/weights.npz"),
        "--data",
        str(work / "data"),
        "--out",
        str(work / "model"),
        "--json",
    ]
    assert cli.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["parity"]["agreement"] >= 0.99
    model = work / "model/barbotage-int8.tflite"
    assert load_card(model).number_format == "int8"
    assert cli.main(["evaluate", "--model", str(model), "--data", str(work / "data"), "--json"]) == 0
    assert "simulated" in json.loads(capsys.readouterr().out)["measured"]


def test_training_goes_on_where_it_stopped(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "train",
        "--data",
        str(work / "data"),
        "--out",
        str(work / "run"),
        "--epochs",
        "2",
        "--batch",
        "8",
        "--resume",
        "--json",
    ]
    assert cli.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["last_epoch"]["epoch"] == 2


def test_conversion_is_deterministic_and_refuses_a_graph_with_floats(work: Path) -> None:
    from barbotage_models.conversion.tflite import ConversionError, check_int8, to_float, to_int8
    from barbotage_models.training.fit import load_weights
    from barbotage_models.training.network import DEFAULT_SHAPE

    weights = load_weights(work / "run/weights.npz")
    frames: GreyImage = load_split(work / "data", Split.TRAIN, 8).frames
    first = to_int8(weights, DEFAULT_SHAPE, frames)
    assert first == to_int8(weights, DEFAULT_SHAPE, frames)
    with pytest.raises(ConversionError, match="types"):
        check_int8(to_float(weights, DEFAULT_SHAPE), 1)
    with pytest.raises(ConversionError, match="missing"):
        check_int8(first, 10**7)


def test_the_parity_gate_refuses_a_broken_model(work: Path) -> None:
    from barbotage_models.conversion.parity import ParityError, check, compare
    from barbotage_models.conversion.tflite import to_float, to_int8
    from barbotage_models.evaluation.runner import TfliteRunner
    from barbotage_models.training.fit import load_weights
    from barbotage_models.training.network import DEFAULT_SHAPE

    weights = load_weights(work / "run/weights.npz")
    samples = load_split(work / "data", Split.TRAIN, 8)
    reference = TfliteRunner(to_float(weights, DEFAULT_SHAPE))
    rng = np.random.default_rng(0)
    broken = [w + rng.normal(0, 0.5, w.shape).astype(np.float32) ** 2 for w in weights]
    with pytest.raises(ParityError):
        check(compare(reference, TfliteRunner(to_int8(broken, DEFAULT_SHAPE, samples.frames)), samples))


def test_unlabelled_bone_costs_nothing_and_false_bone_does() -> None:
    import tensorflow as tf

    from barbotage_models.training.losses import LossSettings, Targets, total_loss

    says_bone = np.zeros((1, 64, 64, 4), dtype=np.float32)
    says_bone[..., 2] = 1.0
    tip = tf.zeros((1, 64, 64, 1))

    def loss(known: float) -> float:
        targets = Targets(tf.zeros((1, 64, 64), tf.int32), tip, tf.constant([[1.0, known, 1.0, 1.0]]))
        return float(total_loss({"classes": tf.constant(says_bone), "tip": tip}, targets, LossSettings()))

    assert loss(known=0.0) < 0.1
    assert loss(known=1.0) > 1.0
