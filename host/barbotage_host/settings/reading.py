"""Settings from words of the command line and from TOML files: dotted keys with values, not yet checked."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from barbotage_device.errors import NotFoundError, UsageError
from barbotage_host.settings.schema import Schema

NONE = "none"
"""Takes an optional section away."""


def read_words(words: Sequence[str], schema: Schema) -> dict[str, object]:
    """What ``KEY=VALUE`` words say, in the type of the key. Raises UsageError for a word that is no such pair or a key given twice."""
    values: dict[str, object] = {}
    for word in words:
        key, separator, text = word.partition("=")
        key = key.strip()
        if not separator or not key:
            raise UsageError(f"'{word[:80]}' is not KEY=VALUE, for example screen.language=en")
        if key in values:
            raise UsageError(f"'{key}' is given twice")
        values[key] = _value(key, text.strip(), schema)
    return values


def read_file(path: Path) -> dict[str, object]:
    """The keys of a TOML file, sections joined by dots. Raises NotFoundError, UsageError naming the file and what is wrong in it."""
    try:
        table = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError as error:
        raise NotFoundError(f"no file at {path}") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error
    return flatten_table(table, path)


def flatten_table(table: Mapping[str, Any], path: Path, prefix: str = "") -> dict[str, object]:
    """The values of nested tables by their dotted keys. Raises UsageError for a key that itself has a dot."""
    flat: dict[str, object] = {}
    for name, value in table.items():
        if "." in name:
            raise UsageError(f"{path}: unknown key '{prefix}\"{name}\"'; leave the quotes away")
        if isinstance(value, dict):
            flat |= flatten_table(value, path, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _value(key: str, text: str, schema: Schema) -> object:
    """The text as a value of the key's type; as it stands where it is none, so that the check says what was wanted."""
    if key in schema.optional and text.casefold() == NONE:
        return None
    kind = schema.entries[key].type if key in schema.entries else "string"
    if kind == "string" and not text.startswith('"'):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text
