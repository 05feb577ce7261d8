"""The two catalogues: complete, compiled, drawable; and numbers in the language's form."""

import ast
import gettext
import re
from importlib.resources import files

import pytest

from barbotage_device.bedside.text import Weight, has_glyph
from barbotage_device.bedside.texts import Language, Texts
from barbotage_device.errors import NotFoundError
from barbotage_device.guidance.aim import Turn
from barbotage_device.guidance.prompt import PromptKind
from barbotage_models.contract.taxonomy import ShadowType

LOCALE = files("barbotage_device.bedside") / "locale"
_ENTRY = re.compile(r'^msgid (".*")\nmsgstr (".*"(?:\n".*")*)$', re.MULTILINE)


class Nothing(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        del message
        return ""


def source(language: Language) -> dict[str, str]:
    """The entries of the .po file, without its header."""
    text = (LOCALE / language.value / "LC_MESSAGES" / "barbotage.po").read_text(encoding="utf-8")
    entries = _ENTRY.findall(text)
    assert len(entries) == text.count("msgid ")
    table = {ast.literal_eval(key): "".join(ast.literal_eval(part) for part in words.split("\n")) for key, words in entries}
    assert "charset=UTF-8" in table.pop("")
    return table


def compiled(language: Language) -> dict[str, str]:
    with (LOCALE / language.value / "LC_MESSAGES" / "barbotage.mo").open("rb") as stream:
        catalogue = gettext.GNUTranslations(stream)
    catalogue.add_fallback(Nothing())
    return {key: catalogue.gettext(key) for key in source(language)}


@pytest.mark.parametrize("language", list(Language))
def test_the_compiled_catalogue_is_that_of_the_source(language: Language) -> None:
    assert compiled(language) == source(language)


def test_both_languages_hold_the_same_keys_and_values_to_fill_in() -> None:
    english, french = source(Language.EN), source(Language.FR)
    assert english.keys() == french.keys()
    for key, words in english.items():
        assert words, key
        assert french[key], key
        assert set(re.findall(r"{\w+}", words)) == set(re.findall(r"{\w+}", french[key])), key


@pytest.mark.parametrize("language", list(Language))
def test_every_prompt_turn_and_shadow_has_words(language: Language) -> None:
    texts = Texts(language)
    keys = [*PromptKind, *(f"turn-{turn.value}" for turn in Turn), *(f"shadow-{shadow.value}" for shadow in ShadowType)]
    assert all(texts(str(key)) for key in keys)


@pytest.mark.parametrize("weight", list(Weight))
@pytest.mark.parametrize("language", list(Language))
def test_the_font_draws_every_character_of_every_text(weight: Weight, language: Language) -> None:
    words = "".join(source(language)[key] for key in source(language)) + "0123456789.,−×°–…?"
    assert {c for c in words if not has_glyph(weight, c)} == set()


def test_a_missing_glyph_is_noticed() -> None:
    assert not has_glyph(Weight.REGULAR, "漢")


def test_a_key_without_words_is_an_error_that_names_it() -> None:
    with pytest.raises(NotFoundError, match="no-such-key"):
        Texts(Language.FR)("no-such-key")


@pytest.mark.parametrize(
    ("value", "decimals", "french", "english"),
    [(3.4, 1, "3,4", "3.4"), (-2.06, 1, "−2,1", "−2.1"), (-0.04, 1, "0,0", "0.0"), (33.6, 0, "34", "34"), (-0.4, 0, "0", "0")],
)
def test_numbers_have_the_form_of_the_language(value: float, decimals: int, french: str, english: str) -> None:
    assert Texts(Language.FR).number(value, decimals) == french
    assert Texts(Language.EN).number(value, decimals) == english
