"""What the network says in one form, and a card that is believed only when it fits."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from barbotage_models.contract.card import Calibration, card_path, contract_fields, load_card, parse_card
from barbotage_models.contract.output import STRIDE_PX, decode, tip_peak
from barbotage_models.errors import CardError, InvalidInputError, NotFoundError


def maps(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The same probabilities (multiples of 1/256) in each number format."""
    rng = np.random.default_rng(1)
    classes, tip = rng.integers(0, 256, (1, 64, 64, 4)), rng.integers(0, 256, (1, 64, 64, 1))
    if kind == "float32":
        return (classes / 256).astype(np.float32), (tip / 256).astype(np.float32)
    shift = 128 if kind == "int8" else 0
    return (classes - shift).astype(kind), (tip - shift).astype(kind)


def test_every_number_format_decodes_to_the_same_output() -> None:
    decoded = [decode(*maps(kind)) for kind in ("int8", "uint8", "float32")]
    for one in decoded[1:]:
        assert np.array_equal(one.classes, decoded[0].classes)
        assert np.array_equal(one.tip, decoded[0].tip)


def test_certainty_does_not_wrap_around() -> None:
    full = decode(np.ones((1, 64, 64, 4), dtype=np.float32), np.zeros((1, 64, 64, 1), dtype=np.float32))
    assert full.classes.min() == 255
    assert full.tip.max() == 0


@pytest.mark.parametrize(
    ("classes", "tip"), [((1, 64, 64, 5), (1, 64, 64, 1)), ((64, 64, 4), (64, 64, 1)), ((1, 32, 32, 4), (1, 32, 32, 1))]
)
def test_another_shape_is_refused(classes: tuple[int, ...], tip: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInputError, match="expected"):
        decode(np.zeros(classes, dtype=np.int8), np.zeros(tip, dtype=np.int8))


@pytest.mark.parametrize(("x", "y"), [(20.0, 30.0), (20.4, 30.3), (20.5, 29.6), (1.0, 1.0), (62.0, 40.0)])
def test_the_tip_is_found_below_a_cell(x: float, y: float) -> None:
    columns, rows = np.meshgrid(np.arange(64), np.arange(64))
    tip = np.rint(240 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 1.2**2))).astype(np.uint8)
    peak = tip_peak(tip)
    expected = (x * STRIDE_PX + 1.5, y * STRIDE_PX + 1.5)
    assert (peak.position.x_px, peak.position.y_px) == pytest.approx(expected, abs=0.3 * STRIDE_PX)
    assert peak.height == pytest.approx(240 / 256, abs=0.15)


def test_an_empty_tip_map_has_no_height() -> None:
    assert tip_peak(np.zeros((64, 64), dtype=np.uint8)).height == 0.0


def test_calibration_is_monotone_and_one_to_one_when_neutral() -> None:
    neutral, steep = Calibration(1.0, 0.0), Calibration(2.0, -1.0)
    scores = np.linspace(0.0, 1.0, 21)
    assert [neutral.probability(s) for s in scores[1:-1]] == pytest.approx(list(scores[1:-1]))
    values = [steep.probability(s) for s in scores]
    assert values == sorted(values)
    assert 0.0 <= values[0] < values[-1] <= 1.0


def document(**changes: Any) -> dict[str, Any]:
    neutral = {"slope": 1.0, "offset": 0.0}
    base = contract_fields() | {
        "name": "test",
        "version": "1",
        "sha256": hashlib.sha256(b"model").hexdigest(),
        "number_format": "int8",
        "thresholds": {
            "deposit_pixel": 0.5,
            "deposit_shown": 0.5,
            "bone_pixel": 0.5,
            "needle_pixel": 0.5,
            "needle_shown": 0.5,
            "tip_shown": 0.5,
        },
        "calibration": {"deposit": neutral, "needle": neutral, "tip": neutral},
    }
    return base | changes


def installed(folder: Path, card: dict[str, Any] | None, content: bytes = b"model") -> Path:
    model = folder / "m.tflite"
    model.write_bytes(content)
    if card is not None:
        card_path(model).write_text(json.dumps(card), encoding="utf-8")
    return model


def test_a_matching_card_is_loaded_whole(tmp_path: Path) -> None:
    card = load_card(installed(tmp_path, document(limits=["none known"])))
    assert card.thresholds.tip_shown == 0.5
    assert card.raw["limits"] == ["none known"]


def test_a_model_that_was_changed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="does not match its card"):
        load_card(installed(tmp_path, document(), b"modeL"))


def test_missing_model_or_card_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no model at"):
        load_card(tmp_path / "absent.tflite")
    with pytest.raises(NotFoundError, match="has no card"):
        load_card(installed(tmp_path, None))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"input": {"name": "frame", "size_px": 320, "mm_per_px": 0.15}}, "input is"),
        ({"output": {"size_px": 64, "classes": ["background", "deposit"]}}, "output is"),
        ({"schema_version": 99}, "schema_version is 99"),
        ({"thresholds": {"tip_shown": 0.5}}, "not a model card"),
        ({"calibration": {}}, "not a model card"),
        ({"thresholds": "high"}, "not a model card"),
    ],
)
def test_a_card_for_something_else_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CardError) as refused:
        parse_card(json.dumps(document(**changes)), "m.card.json")
    assert words in str(refused.value)
    assert "m.card.json" in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "{}"])
def test_a_damaged_card_is_refused(text: str) -> None:
    with pytest.raises(CardError):
        parse_card(text, "m.card.json")
