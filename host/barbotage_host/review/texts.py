"""The words of the review page: one gettext catalogue for Python and for the browser."""

import struct
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from barbotage_device.bedside.texts import DOMAIN as BEDSIDE_DOMAIN
from barbotage_device.bedside.texts import Language
from barbotage_device.errors import BarbotageError, NotFoundError

DOMAIN = "barbotage_host"
BEDSIDE_PREFIX = "bedside-"
"""Before the keys of the bedside screen's catalogue: prompts read in the review as they read at the bedside."""
MAGIC = 0x950412DE
"""First word of a compiled catalogue (GNU gettext manual, "The Format of GNU MO Files")."""
HEADER = struct.Struct("<7I")
ENTRY = struct.Struct("<2I")

Words = str | list[str]
"""Words for a key; a list holds the plural forms in the order of the catalogue's rule."""


@lru_cache(maxsize=len(Language))
def catalogue(language: Language) -> dict[str, Words]:
    """Every key of the page and its words, those of the bedside screen under ``bedside-``. Raises NotFoundError without a catalogue."""
    bedside = _read("barbotage_device.bedside", BEDSIDE_DOMAIN, language)
    own = _read("barbotage_host", DOMAIN, language)
    return {f"{BEDSIDE_PREFIX}{key}": words for key, words in bedside.items()} | own


def language_of(text: str) -> Language:
    """The language named ``text``. Raises NotFoundError for another."""
    try:
        return Language(text)
    except ValueError as error:
        raise NotFoundError(f"no language {text!r}; use {' or '.join(Language)}") from error


def read_compiled(content: bytes) -> dict[str, Words]:
    """The keys and words of a compiled gettext catalogue in UTF-8, without its header. Raises BarbotageError when it is damaged."""
    try:
        magic, _, count, keys_at, words_at, _, _ = HEADER.unpack_from(content)
        if magic != MAGIC:
            raise BarbotageError("a catalogue of texts is not a little-endian .mo file; compile it again with pybabel compile")
        pairs = [(_piece(content, keys_at, index), _piece(content, words_at, index)) for index in range(count)]
    except (struct.error, UnicodeDecodeError) as error:
        raise BarbotageError("a catalogue of texts is damaged; compile it again with pybabel compile") from error
    # An entry with plural forms has its key and the plural key apart by a NUL, and so have its forms.
    return {
        key.partition("\0")[0]: words.split("\0") if "\0" in key else words
        for key, words in pairs
        if key  # the empty key holds the header
    }


def _piece(content: bytes, table_at: int, index: int) -> str:
    length, start = ENTRY.unpack_from(content, table_at + ENTRY.size * index)
    return content[start : start + length].decode("utf-8")


def _read(package: str, domain: str, language: Language) -> dict[str, Words]:
    path: Traversable = files(package).joinpath("locale", language.value, "LC_MESSAGES", f"{domain}.mo")
    if not path.is_file():
        raise NotFoundError(f"no texts in {language.value} ({domain}.mo is missing); install barbotage again")
    return read_compiled(path.read_bytes())
