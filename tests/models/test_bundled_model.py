import numpy as np
import pytest

from barbotage_models.bundle import NUMBER_FORMATS, bundled_model
from barbotage_models.contract.card import load_card
from barbotage_models.errors import InvalidInputError
from barbotage_models.evaluation.runner import TfliteRunner


@pytest.mark.parametrize("number_format", NUMBER_FORMATS)
def test_the_card_belongs_to_the_model(number_format: str) -> None:
    card = load_card(bundled_model(number_format))
    assert card.number_format == number_format
    assert "No real calcification" in " ".join(card.raw["known_limits"])
    assert card.raw["measured"]["simulated"]["deposit_sensitivity"]["n"] > 0


def test_the_int8_model_holds_integers_only() -> None:
    assert set(TfliteRunner(bundled_model()).tensor_types()) <= {"int8", "int32"}


@pytest.mark.parametrize("number_format", NUMBER_FORMATS)
def test_the_model_answers_by_name_and_sees_nothing_in_black(number_format: str) -> None:
    output = TfliteRunner(bundled_model(number_format)).run(np.zeros((256, 256), dtype=np.uint8))
    assert (output.classes.argmax(axis=-1) == 0).mean() > 0.99
    assert output.tip.max() < 128


def test_other_formats_are_not_bundled() -> None:
    with pytest.raises(InvalidInputError, match="float32"):
        bundled_model("int4")
