"""The input of one and of two planes, and the card that says which."""

import json
from typing import Any

import numpy as np
import pytest

from barbotage_models.bundle import bundled_model
from barbotage_models.contract.card import card_path, input_fields, parse_card
from barbotage_models.contract.planes import stacked
from barbotage_models.errors import CardError

RNG = np.random.default_rng(2)
FRAME, BEFORE = RNG.integers(0, 256, (2, 256, 256), dtype=np.uint8)


def card_text(**changes: Any) -> str:
    """The bundled card with a changed ``input``."""
    document = json.loads(card_path(bundled_model()).read_text(encoding="utf-8"))
    document["input"] = input_fields(1) | changes
    return json.dumps(document)


def test_one_plane_is_the_frame_and_two_hold_the_frame_before_second() -> None:
    assert np.array_equal(stacked(FRAME, BEFORE, 1)[0, :, :, 0], FRAME)
    both = stacked(FRAME, BEFORE, 2)
    assert both.shape == (1, 256, 256, 2)
    assert np.array_equal(both[0, :, :, 0], FRAME)
    assert np.array_equal(both[0, :, :, 1], BEFORE)


def test_without_a_frame_before_the_frame_stands_in() -> None:
    assert np.array_equal(stacked(FRAME, None, 2)[0, :, :, 1], FRAME)


def test_a_card_that_does_not_say_takes_one_plane() -> None:
    assert parse_card(card_text(), "c").planes == 1


def test_a_card_of_two_planes_says_how_old_the_frame_before_may_be() -> None:
    card = parse_card(card_text(**input_fields(2)), "c")
    assert (card.planes, card.previous_frame_ms) == (2, 150.0)


@pytest.mark.parametrize("changes", [{"planes": 3}, {"planes": "two"}, {"planes": 2, "previous_frame_ms": -1}, {"more": 1}])
def test_planes_that_nobody_knows_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CardError):
        parse_card(card_text(**changes), "c")
