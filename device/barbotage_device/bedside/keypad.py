"""The keypads: which keys each shows, and what a key does to what was typed so far. Pure values; a keyboard types the same signs."""

import math
from dataclasses import dataclass, replace

from barbotage_device.bedside.procedure_signs import BACKSPACE, DIGITS, ENTER, SHIFT, Layer, Typing
from barbotage_device.bedside.texts import DECIMAL_MARK, MINUS, Language

MOST_TYPED = 200
"""Characters: as many as a typed text of a record may have."""
MOST_DIGITS = 12
"""Characters of a number: more is a key that stuck."""
NUMBER_COLUMNS, TEXT_COLUMNS = 3, 5
SPACE = " "
SIGN = "-"
_ACCENTED = "éèêàçô"
_LETTERS = "abcdefghijklmnopqrstuvwxyz" + _ACCENTED
_SIGNS = "1234567890-.,/+()%:;’°ïëùûâî&=#*"


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed so far, and the layer of the keypad."""

    text: str = ""
    layer: Layer = Layer.LOWER


def rows(typing: Typing, layer: Layer, language: Language) -> tuple[tuple[str, ...], ...]:
    """The keys of a keypad, row by row from the top: characters, BACKSPACE, SHIFT. ENTER and DIGITS have their place beside it (``targets``)."""
    if typing is Typing.NUMBER:
        return (*(tuple(row) for row in ("789", "456", "123")), (SIGN, "0", DECIMAL_MARK[language]), (BACKSPACE,))
    letters = {Layer.LOWER: _LETTERS, Layer.UPPER: _LETTERS.upper(), Layer.DIGITS: _SIGNS}[layer]
    keys = [*letters, SHIFT, SPACE, BACKSPACE]
    return tuple(tuple(keys[begin : begin + TEXT_COLUMNS]) for begin in range(0, len(keys), TEXT_COLUMNS))


def pressed(typed: Typed, sign: str, typing: Typing) -> Typed:
    """What is typed after a sign: a character of the keypad, BACKSPACE, SHIFT or DIGITS. What does not fit, and ENTER, change nothing."""
    if sign == BACKSPACE:
        return replace(typed, text=typed.text[:-1])
    if sign in (SHIFT, DIGITS):
        wanted = Layer.UPPER if sign == SHIFT else Layer.DIGITS
        return replace(typed, layer=Layer.LOWER if typed.layer is wanted else wanted)
    if sign == ENTER or len(sign) != 1 or not sign.isprintable():
        return typed
    if typing is Typing.NUMBER:
        return replace(typed, text=_number_after(typed.text, sign))
    layer = Layer.LOWER if typed.layer is Layer.UPPER else typed.layer
    return Typed((typed.text + sign)[:MOST_TYPED], layer)


def _number_after(text: str, sign: str) -> str:
    """A number after a sign; the minus turns the number's sign wherever it is pressed, a second decimal mark is ignored."""
    if sign in (SIGN, MINUS):
        return text[1:] if text.startswith(SIGN) else SIGN + text
    marks = set(DECIMAL_MARK.values())
    if sign in marks and (marks & set(text)):
        return text
    if not (sign in marks or (sign.isascii() and sign.isdigit())):
        return text
    return (text + sign)[:MOST_DIGITS]


def number_of(text: str) -> float | None:
    """The number typed, with comma or point; None when it is none yet."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) and not set(text) & set("eE_ ") else None
