"""What may change after a session is closed: whether a person keeps it, and when it was copied to the archive."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import replace_atomically

FLAGS_NAME = "flags.json"


@dataclass(frozen=True, slots=True)
class Flags:
    """``marked``: a person wants it kept. ``synced_utc_ns``: when it was copied whole to the archive, None if never."""

    marked: bool = False
    synced_utc_ns: int | None = None


def read_flags(directory: Path) -> Flags:
    """The session's flags; those of a new session when there is no file. Raises SessionError when the file is malformed."""
    path = directory / FLAGS_NAME
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Flags()
    except (OSError, ValueError) as error:
        raise SessionError(
            f"{path}: unreadable flags ({error}); delete the file to keep the session as unmarked and unsynced"
        ) from error
    marked, synced = (document.get("marked"), document.get("synced_utc_ns")) if isinstance(document, dict) else (None, None)
    if not isinstance(marked, bool) or not (synced is None or (isinstance(synced, int) and not isinstance(synced, bool))):
        raise SessionError(f"{path}: needs a true or false 'marked' and a whole number or null 'synced_utc_ns'")
    return Flags(marked=marked, synced_utc_ns=synced)


def mark(directory: Path, marked: bool) -> None:
    """Keeps the session from being removed, or allows it again. Raises SessionError, OSError."""
    _write(directory, replace(read_flags(directory), marked=marked))


def set_synced(directory: Path, utc_ns: int | None) -> None:
    """Notes when the session was copied whole to the archive, or None that it was not. Raises SessionError, OSError."""
    _write(directory, replace(read_flags(directory), synced_utc_ns=utc_ns))


def _write(directory: Path, flags: Flags) -> None:
    replace_atomically(directory / FLAGS_NAME, json.dumps(asdict(flags)).encode() + b"\n")
