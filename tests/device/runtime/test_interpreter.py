import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from barbotage_device.errors import InvalidInputError, NotFoundError, RefusedError, UsageError
from barbotage_device.runtime.interpreter import median_run_ns, open_fastest, open_model
from barbotage_device.runtime.runtimes import ModelError
from barbotage_models.bundle import bundled_model
from barbotage_models.contract.card import card_path

Rewrite = Callable[[Callable[[bytes], bytes]], Path]


def noise(seed: int = 3) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    return np.random.default_rng(seed).integers(0, 256, (256, 256), dtype=np.uint8)


def test_output_has_contract_form_and_class_probabilities_that_sum_to_one(model: Path) -> None:
    output = open_model(model, 1).interpreter.run(noise())
    assert output.classes.shape == (64, 64, 4)
    assert output.tip.shape == (64, 64)
    sums = output.classes.astype(int).sum(axis=2)
    assert abs(sums - 256).max() <= 4


def test_same_pixels_give_same_bytes_whatever_ran_before(model: Path) -> None:
    interpreter = open_model(model, 1).interpreter
    first = interpreter.run(noise(1))
    kept = first.classes.copy()
    interpreter.run(noise(2))
    assert np.array_equal(first.classes, kept), "an earlier output must not change when the next frame runs"
    assert np.array_equal(interpreter.run(noise(1)).classes, kept)


def test_threads_do_not_change_the_int8_result(model: Path) -> None:
    one, two = (open_model(model, threads).interpreter.run(noise()) for threads in (1, 2))
    assert np.array_equal(one.classes, two.classes)
    assert np.array_equal(one.tip, two.tip)


def test_int8_and_float_models_see_the_same() -> None:
    small, large = (open_model(bundled_model(number), 1).interpreter.run(noise()) for number in ("int8", "float32"))
    agreement = (small.classes.argmax(axis=2) == large.classes.argmax(axis=2)).mean()
    assert agreement >= 0.95, "float input must be scaled like the int8 input"


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((256, 255), dtype=np.uint8), "(256, 255)"),
        (np.zeros((1, 256, 256, 1), dtype=np.uint8), "(1, 256, 256, 1)"),
        (np.zeros((256, 256), dtype=np.float32), "float32"),
    ],
)
def test_other_arrays_are_refused(model: Path, pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", words: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        open_model(model, 1).interpreter.run(pixels)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content[: len(content) // 2], "cannot be loaded"),
        (lambda _: b"", "cannot be loaded"),
        (lambda _: b"this is no model" * 100, "cannot be loaded"),
        (lambda content: content.replace(b"classes", b"klasses"), "no tensor named 'classes'"),
        (lambda content: content.replace(b"frame", b"image"), "no tensor named 'frame'"),
    ],
    ids=["truncated", "empty", "text", "output renamed", "input renamed"],
)
def test_a_file_that_is_not_our_model_is_said_in_one_clear_line(
    rewritten: Rewrite, change: Callable[[bytes], bytes], words: str
) -> None:
    with pytest.raises(ModelError) as caught:
        open_model(rewritten(change), 1)
    assert words in str(caught.value)
    assert "copy.tflite" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_changed_model_is_refused_before_it_reaches_the_runtime(model: Path, tmp_path: Path) -> None:
    copy = tmp_path / model.name
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    shutil.copy(card_path(model), card_path(copy))
    with pytest.raises(RefusedError, match="does not match its card"):
        open_model(copy, 1)


def test_a_model_for_another_geometry_is_refused(model: Path, tmp_path: Path) -> None:
    copy = tmp_path / model.name
    shutil.copy(model, copy)
    document = json.loads(card_path(model).read_text(encoding="utf-8"))
    document["input"]["mm_per_px"] = 0.3
    card_path(copy).write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(RefusedError, match=r"0\.3"):
        open_model(copy, 1)


def test_a_missing_model_and_a_missing_card_are_not_found(model: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no model at"):
        open_model(tmp_path / "none.tflite", 1)
    lonely = tmp_path / "lonely.tflite"
    shutil.copy(model, lonely)
    with pytest.raises(NotFoundError, match="has no card"):
        open_model(lonely, 1)


@pytest.mark.parametrize("threads", [0, -1, 1000])
def test_threads_out_of_bounds_are_a_usage_error(model: Path, threads: int) -> None:
    with pytest.raises(UsageError, match=str(threads)):
        open_model(model, threads)


def test_loading_writes_nothing_on_the_terminal(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    open_model(model, 1)
    assert capfd.readouterr() == ("", "")


def test_litert_takes_the_first_model_without_timing(model: Path) -> None:
    def no_clock() -> int:
        raise AssertionError("nothing is timed on LiteRT")

    loaded = open_fastest((model, bundled_model("float32")), 1, no_clock)
    assert loaded.interpreter.number_format == loaded.card.number_format
    assert loaded.card.sha256 == open_model(model, 1).card.sha256


def test_median_is_robust_against_one_slow_run(model: Path) -> None:
    ticks = iter([0, 10, 100, 110, 200, 9_000, 10_000, 10_012, 20_000, 20_008])
    assert median_run_ns(open_model(model, 1).interpreter, lambda: next(ticks), runs=5) == 10
