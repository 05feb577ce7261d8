"""Simulate, train, export, evaluate, all tiny: that every step takes what the one before gives. Needs the extra ``train``."""

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from barbotage_device.runtime.interpreter import open_model
from barbotage_models import cli
from barbotage_models.contract.card import load_card
from barbotage_models.contract.geometry import GreyImage
from barbotage_models.evaluation.runner import TfliteRunner
from barbotage_models.progress import EpochWatcher
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
    card = load_card(model)
    assert (card.number_format, card.planes) == ("int8", 2)
    assert set(card.raw["calibrated_on"]["reliability"]) == {"deposit", "needle", "tip"}
    _runs_on_the_device(model)
    assert cli.main(["evaluate", "--model", str(model), "--data", str(work / "data"), "--json"]) == 0
    assert "simulated" in json.loads(capsys.readouterr().out)["measured"]


def _runs_on_the_device(model: Path) -> None:
    """Device and evaluation give the same bytes, with and without a frame before."""
    interpreter = open_model(model, 1).interpreter
    frame, before = np.random.default_rng(0).integers(0, 256, (2, 256, 256), dtype=np.uint8)
    for previous in (None, before):
        device, evaluation = interpreter.run(frame, previous), TfliteRunner(model).run(frame, previous)
        assert np.array_equal(device.classes, evaluation.classes)
        assert np.array_equal(device.tip, evaluation.tip)


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


def test_training_can_begin_with_the_weights_of_another_run(work: Path, tmp_path: Path) -> None:
    from barbotage_models.training.checkpoint import load_weights

    begin_with = work / "run/weights.npz"
    arguments = ["train", "--data", str(work / "data"), "--out", str(tmp_path), "--epochs", "1", "--batch", "8"]
    assert cli.main([*arguments, "--seed", "1", "--begin-with", str(begin_with), "--rate-share", "0.001"]) == 0
    before, after = load_weights(begin_with)[1], load_weights(tmp_path / "weights.npz")[1]
    kernels = [i for i, w in enumerate(before) if w.ndim == 4]  # without the statistics of the normalisation
    assert max(float(np.abs(before[i] - after[i]).max()) for i in kernels) < 1e-3
    assert cli.main([*arguments, "--begin-with", str(work / "absent.npz")]) == 3


def test_conversion_is_deterministic_and_refuses_a_graph_with_floats(work: Path) -> None:
    from barbotage_models.conversion.tflite import ConversionError, check_int8, to_float, to_int8
    from barbotage_models.training.checkpoint import load_weights

    shape, weights = load_weights(work / "run/weights.npz")
    frames: GreyImage = load_split(work / "data", Split.TRAIN, 8, planes=2).frames
    first = to_int8(weights, shape, frames)
    assert first == to_int8(weights, shape, frames)
    with pytest.raises(ConversionError, match="types"):
        check_int8(to_float(weights, shape), 1)
    with pytest.raises(ConversionError, match="missing"):
        check_int8(first, 10**7)


def test_the_parity_gate_refuses_a_broken_model(work: Path) -> None:
    from barbotage_models.conversion.parity import ParityError, check, compare
    from barbotage_models.conversion.tflite import to_float, to_int8
    from barbotage_models.training.checkpoint import load_weights

    shape, weights = load_weights(work / "run/weights.npz")
    samples = load_split(work / "data", Split.TRAIN, 8, planes=2)
    reference = TfliteRunner(to_float(weights, shape))
    rng = np.random.default_rng(0)
    broken = [w + rng.normal(0, 0.5, w.shape).astype(np.float32) ** 2 for w in weights]
    with pytest.raises(ParityError):
        check(compare(reference, TfliteRunner(to_int8(broken, shape, samples.frames)), samples))


def test_unlabelled_bone_costs_nothing_and_false_bone_does() -> None:
    import tensorflow as tf

    from barbotage_models.training.losses import LossSettings, Targets, total_loss

    says_bone = np.zeros((1, 64, 64, 4), dtype=np.float32)
    says_bone[..., 2] = 1.0
    tip = tf.zeros((1, 64, 64, 1))

    def loss(known: float) -> float:
        targets = Targets(tf.zeros((1, 64, 64), tf.int32), tip, tf.constant([[1.0, known, 1.0, 1.0]]))
        scalar, each = total_loss({"classes": tf.constant(says_bone), "tip": tip}, targets, LossSettings())
        assert each.shape == (1,)
        return float(scalar)

    assert loss(known=0.0) < 0.1
    assert loss(known=1.0) > 1.0


def test_small_things_weigh_more_and_a_hard_sample_costs_more() -> None:
    import tensorflow as tf

    from barbotage_models.training.losses import LossSettings, Targets, total_loss

    classes = np.zeros((2, 64, 64), dtype=np.int32)
    classes[0, 10:12, 10:15], classes[1, 10:40, 10:40] = 1, 1
    blind = np.full((2, 64, 64, 4), 0.01, dtype=np.float32)
    blind[..., 0] = 1.0
    targets = Targets(tf.constant(classes), tf.zeros((2, 64, 64, 1)), tf.ones((2, 4)))

    def per_cell(balance: float) -> np.ndarray:
        _, each = total_loss(
            {"classes": tf.constant(blind), "tip": tf.zeros((2, 64, 64, 1))}, targets, LossSettings(balance=balance)
        )
        values: np.ndarray = np.asarray(each) / np.array([10, 900])
        return values

    assert per_cell(0.0)[0] == pytest.approx(per_cell(0.0)[1], rel=0.2), "without balance every cell weighs alike"
    assert per_cell(0.5)[0] > 3.0 * per_cell(0.5)[1]


def test_a_run_killed_within_an_epoch_goes_on_with_the_very_next_step(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from barbotage_models.training import fit as fitting
    from barbotage_models.training.checkpoint import load_weights
    from barbotage_models.training.variants import VARIANTS

    class KilledError(Exception):
        """Nothing in the loop answers it, as nothing answers SIGKILL."""

    train, validation = (load_split(work / "data", split, planes=1) for split in (Split.TRAIN, Split.VALIDATION))
    settings = fitting.with_choices(VARIANTS["plain"], 2, 4, 0)
    monkeypatch.setattr(fitting, "CHECKPOINT_EVERY_S", 0.0)

    def run(folder: str, resume: bool) -> None:
        fitting.fit(train, validation, work / folder, settings, EpochWatcher(Console(quiet=True)), lambda: 0.0, resume)

    run("whole", False)
    step, calls = fitting.Trainer.step, 0

    def dying(self: fitting.Trainer, *arguments: object) -> float:
        nonlocal calls
        calls += 1
        if calls == 9:
            raise KilledError
        return step(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fitting.Trainer, "step", dying)
    with pytest.raises(KilledError):
        run("broken", False)
    run("broken", True)
    whole, broken = (load_weights(work / folder / "weights.npz")[1] for folder in ("whole", "broken"))
    assert all(np.allclose(a, b, atol=1e-3) for a, b in zip(whole, broken, strict=True))
    assert calls == 1 + 2 * (len(train) // 4)


@pytest.mark.parametrize(("planes", "differs"), [(1, False), (2, True)])
def test_the_frame_before_matters_to_two_planes_only(planes: int, differs: bool) -> None:
    import keras

    from barbotage_models.conversion.tflite import to_float
    from barbotage_models.training.network import build_network
    from barbotage_models.training.shape import NetworkShape

    keras.utils.set_random_seed(0)
    shape = NetworkShape(planes=planes)
    untrained = build_network(shape).get_weights()
    runner = TfliteRunner(to_float([w * 3 if w.ndim == 4 else w for w in untrained], shape))
    frame, before = np.random.default_rng(0).integers(0, 256, (2, 256, 256), dtype=np.uint8)
    alone, same, followed = (runner.run(frame, previous).classes for previous in (None, frame, before))
    assert np.array_equal(alone, same)
    assert np.array_equal(alone, followed) is not differs
