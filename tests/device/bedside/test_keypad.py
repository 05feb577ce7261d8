"""What a keypad shows and types."""

import pytest

from barbotage_device.bedside.keypad import MOST_DIGITS, MOST_TYPED, Typed, number_of, pressed, rows
from barbotage_device.bedside.procedure_signs import BACKSPACE, DIGITS, ENTER, SHIFT, Layer, Typing
from barbotage_device.bedside.text import Weight, has_glyph
from barbotage_device.bedside.texts import Language


def typed(signs: list[str] | str, typing: Typing) -> Typed:
    now = Typed()
    for sign in signs:
        now = pressed(now, sign, typing)
    return now


@pytest.mark.parametrize(
    ("signs", "text"),
    [
        ("12,5", "12,5"),
        ("1.2,5", "1.25"),
        ("4-2", "-42"),
        ("4-2-", "42"),
        ("\u22127", "-7"),
        ("1x é2", "12"),
        (["1", "2", BACKSPACE, ENTER, "3"], "13"),
        ([BACKSPACE], ""),
        ("9" * 40, "9" * MOST_DIGITS),
    ],
)
def test_a_number_is_typed_sign_by_sign_and_takes_nothing_else(signs: list[str] | str, text: str) -> None:
    assert typed(signs, Typing.NUMBER).text == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("12,5", 12.5), ("-3", -3.0), ("0.5", 0.5), (",5", 0.5), ("", None), ("-", None), (",", None), ("1e3", None), ("nan", None)],
)
def test_a_number_is_read_with_comma_or_point(text: str, value: float | None) -> None:
    assert number_of(text) == value


def test_shift_holds_for_one_letter_and_digits_until_turned_back() -> None:
    assert typed([SHIFT, "L", "i"], Typing.TEXT) == Typed("Li", Layer.LOWER)
    assert typed([DIGITS, "1", "2"], Typing.TEXT) == Typed("12", Layer.DIGITS)
    assert typed([DIGITS, "1", DIGITS, "a"], Typing.TEXT) == Typed("1a", Layer.LOWER)
    assert typed([SHIFT, SHIFT], Typing.TEXT).layer is Layer.LOWER


def test_a_text_takes_one_line_of_bounded_length() -> None:
    assert typed(["a", "\n", "\t", ENTER, " ", "b"], Typing.TEXT).text == "a b"
    assert len(typed("a" * 300, Typing.TEXT).text) == MOST_TYPED


@pytest.mark.parametrize("language", list(Language))
def test_the_decimal_key_is_that_of_the_language(language: Language) -> None:
    keys = {key for row in rows(Typing.NUMBER, Layer.LOWER, language) for key in row}
    assert set("0123456789-") <= keys
    assert ("," in keys, "." in keys) == (language is Language.FR, language is Language.EN)


@pytest.mark.parametrize("layer", list(Layer))
def test_every_key_of_a_layer_is_drawable_different_and_types_itself(layer: Layer) -> None:
    keys = [key for row in rows(Typing.TEXT, layer, Language.FR) for key in row]
    assert len(keys) == len(set(keys))
    assert {SHIFT, BACKSPACE, " "} <= set(keys)
    for key in set(keys) - {SHIFT, BACKSPACE}:
        assert has_glyph(Weight.BOLD, key), key
        assert pressed(Typed("", layer), key, Typing.TEXT).text == key


def test_letters_digits_and_french_accents_can_all_be_typed() -> None:
    every = {key for layer in Layer for row in rows(Typing.TEXT, layer, Language.FR) for key in row}
    assert set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZéèêàçôÉÈÊÀÇÔ0123456789-’., ") <= every
