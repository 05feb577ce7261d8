"""MicroPython's unix port, for tests of the firmware's logic: the same sources as the image's, without TLS, FFI and databases."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from barbotage_firmware_tools.build import debian
from barbotage_firmware_tools.build.caching import key_of, one_builder, tool_version
from barbotage_firmware_tools.build.mpy import mpy_cross
from barbotage_firmware_tools.build.running import run_step
from barbotage_firmware_tools.places import Places

_RECIPE = "1"
_MANIFEST = 'include("$(MPY_DIR)/extmod/asyncio")\n'
_SWITCHES = ("MICROPY_PY_SSL=0", "MICROPY_SSL_MBEDTLS=0", "MICROPY_PY_BTREE=0", "MICROPY_PY_FFI=0")


def build_unix_port(places: Places, say: Callable[[str], None]) -> Path:
    """The ``micropython`` program, from the cache or built now (half a minute). Raises NotFoundError, BuildError."""
    program = unix_port_path(places)
    with one_builder(places.cache):
        if not program.is_file():
            _build(program, places, say)
    return program


def _build(program: Path, places: Places, say: Callable[[str], None]) -> None:
    folder = program.parent
    shutil.rmtree(folder, ignore_errors=True)
    say("building MicroPython's unix port")
    packages = places.cache / "packages"
    debian.fetch((debian.MICROPYTHON,), packages)
    sources = folder / "sources"
    debian.unpack(debian.MICROPYTHON, packages, sources)
    (sources / "lib" / "micropython-lib").mkdir(exist_ok=True)
    (sources / "lib" / "micropython-lib" / "README.md").touch()
    manifest = folder / "manifest.py"
    manifest.write_text(_MANIFEST, encoding="utf-8")
    compiler = mpy_cross()
    jobs = f"-j{os.cpu_count() or 1}"
    named = [
        f"BUILD={folder / 'build'}",
        f"FROZEN_MANIFEST={manifest}",
        f"MICROPY_MPYCROSS={compiler}",
        f"MICROPY_MPYCROSS_DEPENDENCY={compiler}",
    ]
    command = ["make", "-C", str(sources / "ports" / "unix"), jobs, "VARIANT=standard", *named, *_SWITCHES]
    run_step(command, folder, os.environ, folder / "build.log")
    (folder / "build" / "micropython").replace(program)
    shutil.rmtree(folder / "build", ignore_errors=True)


def unix_port_path(places: Places) -> Path:
    """Where the program is, or would be."""
    key = key_of([_RECIPE, debian.MICROPYTHON.sha256, tool_version("gcc", "build-essential")])
    return places.cache / "unix" / key / "micropython"
