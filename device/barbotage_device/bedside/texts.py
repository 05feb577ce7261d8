"""The words of the bedside screen in French and English, and numbers in the language's form."""

import gettext
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from barbotage_device.bedside.procedure_signs import Said
from barbotage_device.errors import NotFoundError

DOMAIN = "barbotage"
NARROW_SPACE = "\u202f"
"""Between a number and its unit, and before the French colon; drawn as a thin gap (the font has no glyph for it)."""
MINUS = "\u2212"


class Language(StrEnum):
    """A language of the screen."""

    EN = "en"
    FR = "fr"


DECIMAL_MARK = {Language.EN: ".", Language.FR: ","}


class _Absent(gettext.NullTranslations):
    """Answers nothing, so that a key without words is told from words equal to their key."""

    def gettext(self, message: str) -> str:
        """No words."""
        del message
        return ""


class Texts:
    """The catalogue of one language. Call it with a key (and values for its ``{names}``) to get the words."""

    def __init__(self, language: Language) -> None:
        self.language = language
        catalogue = files("barbotage_device.bedside").joinpath("locale", language.value, "LC_MESSAGES", f"{DOMAIN}.mo")
        with catalogue.open("rb") as stream:
            self._translations = gettext.GNUTranslations(stream)
        self._translations.add_fallback(_Absent())
        self._mark = DECIMAL_MARK[language]

    def __call__(self, key: str, **values: object) -> str:
        """The words for ``key``. Raises NotFoundError for a key that the catalogue does not hold."""
        words = self._translations.gettext(key)
        if not words:
            raise NotFoundError(
                f"no {self.language.value} text for {key!r}; add it to both catalogues under bedside/locale and compile them"
            )
        return words.format(**values) if values else words

    def has(self, key: str) -> bool:
        """Whether the catalogue holds ``key``."""
        return self._translations.gettext(key) != ""

    def said(self, said: Said) -> str:
        """The words of ``said``; values that are keys in their words. A key without words stands for itself: a picture must not fail on it."""
        values = {name: self(value) if value and self.has(value) else value for name, value in said.values.items()}
        try:
            return self(said.key, **values) if self.has(said.key) else said.key
        except (KeyError, IndexError):
            return self(said.key)

    def number(self, value: float, decimals: int = 1) -> str:
        """A number with the language's decimal mark and a true minus sign; minus zero is zero."""
        digits = f"{abs(value):.{decimals}f}"
        negative = value < 0 and any(c not in "0." for c in digits)
        return (MINUS if negative else "") + digits.replace(".", self._mark)

    def format_mm(self, value_mm: float) -> str:
        """A length with one decimal and its unit: "3,4 mm" (narrow no-break space)."""
        return f"{self.number(value_mm)}{NARROW_SPACE}mm"

    def format_size_mm(self, longest_mm: float, perpendicular_mm: float) -> str:
        """Longest by perpendicular extent: "12,4 × 6,1 mm"."""
        return f"{self.number(longest_mm)}{NARROW_SPACE}×{NARROW_SPACE}{self.number(perpendicular_mm)}{NARROW_SPACE}mm"

    def format_deg(self, angle_deg: float) -> str:
        """An angle in whole degrees: "34°"."""
        return f"{self.number(angle_deg, 0)}°"

    def format_ms(self, duration_ms: float) -> str:
        """A duration in whole milliseconds: "38 ms"."""
        return f"{self.number(duration_ms, 0)}{NARROW_SPACE}ms"


@lru_cache(maxsize=len(Language))
def texts_in(language: Language) -> Texts:
    """The catalogue of a language, read once."""
    return Texts(language)
