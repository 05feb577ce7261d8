"""Where the firmware's sources lie and where built things are kept."""

import os
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.errors import NotFoundError

_CACHE_VARIABLE = "BARBOTAGE_POD_CACHE"


@dataclass(frozen=True, slots=True)
class Places:
    """The firmware's sources (``device/pod`` of a checkout) and the cache folder."""

    sources: Path
    cache: Path

    @property
    def table(self) -> Path:
        """The protocol's table."""
        return self.sources / "protocol.json"


def places(cache: Path | None = None) -> Places:
    """The places of this checkout. The cache is ``cache``, $BARBOTAGE_POD_CACHE or ~/.cache/barbotage/pod. Raises NotFoundError."""
    sources = Path(__file__).resolve().parents[2] / "device" / "pod"
    if not (sources / "protocol.json").is_file():
        raise NotFoundError(
            f"{sources}: the firmware's sources are not here; run barbotage-pod from a checkout of the repository"
        )
    return Places(sources, (cache or _default_cache()).resolve())


def _default_cache() -> Path:
    named = os.environ.get(_CACHE_VARIABLE)
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "barbotage" / "pod"
