"""What tests of the probe pod need: built things, where this machine has them."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from barbotage_device.errors import BarbotageError
from barbotage_firmware_tools.build.image import cached_image
from barbotage_firmware_tools.build.unixport import unix_port_path
from barbotage_firmware_tools.places import Places

POD_COMMAND = (
    sys.executable,
    "-c",
    "import sys; from barbotage_firmware_tools.cli import run_command_line as run; sys.exit(run(sys.argv[1:]))",
)
"""barbotage-pod, by the interpreter that runs the tests."""
HOW = "note: tests of the probe pod left out: its firmware is not built here; make test-pod builds it (Debian) and runs them"


def built_unix_port(places: Places) -> Path | None:
    """MicroPython's unix port, when it has been built."""
    return _found(lambda: unix_port_path(places))


def built_image(places: Places) -> Path | None:
    """The image of these sources, when it has been built and there is an emulator to run it."""
    return _found(lambda: cached_image(places)) if find_spec("rp2040py") else None


def missing(places: Places) -> frozenset[str]:
    """Which of ``unix_port`` and ``image`` this machine lacks."""
    looks = {"unix_port": built_unix_port, "image": built_image}
    return frozenset(name for name, look in looks.items() if look(places) is None)


def _found(look: Callable[[], Path | None]) -> Path | None:
    try:
        path = look()
    except BarbotageError:
        return None
    return path if path is not None and path.is_file() else None
