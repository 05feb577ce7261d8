"""Where the host keeps its key, the devices it knows, and the archive."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """``state``: key and known devices; ``archive``: the sessions."""

    state: Path
    archive: Path


def default_home(environ: Mapping[str, str], state: Path | None = None, archive: Path | None = None) -> Home:
    """The user's folders (XDG base directories), or those that were named."""
    base = Path(environ.get("HOME") or "~").expanduser()
    data = Path(environ.get("XDG_DATA_HOME") or base / ".local" / "share")
    return Home(
        state=state or Path(environ.get("XDG_STATE_HOME") or base / ".local" / "state") / "barbotage-host",
        archive=archive or Path(environ.get("BARBOTAGE_ARCHIVE") or data / "barbotage" / "archive"),
    )
