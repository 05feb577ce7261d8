"""The UF2 image: MicroPython for the RP2040 with the firmware frozen in, built from Debian's source packages."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from barbotage_device.errors import NotFoundError
from barbotage_device.session.files import replace_atomically
from barbotage_firmware_tools.build import debian
from barbotage_firmware_tools.build.caching import key_of, one_builder, tool_version
from barbotage_firmware_tools.build.mpy import mpy_cross
from barbotage_firmware_tools.build.running import run_step
from barbotage_firmware_tools.build.sources import copy_tree_if_changed, read_firmware, stage
from barbotage_firmware_tools.build.uf2 import pack_uf2
from barbotage_firmware_tools.places import Places

BOARD = "BARBOTAGE_POD"
TOOLS = (
    ("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib"),
    ("cmake", "cmake"),
    ("ninja", "ninja-build"),
    ("g++", "build-essential"),
)
"""What the build needs, and the Debian packages that have it."""
_RECIPE = "3"
"""Part of the cache's key: another number when the steps below change what comes out."""
_EPOCH = "1704067200"
"""The date that goes into the image (2024-01-01), so that the same sources give the same bytes on any day."""


def cached_image(places: Places) -> Path | None:
    """The image of these sources, when it has been built. Raises NotFoundError without compilers: their version is part of its name."""
    image = _image_path(places)
    return image if image.is_file() else None


def build_image(places: Places, say: Callable[[str], None]) -> Path:
    """The UF2 image of these sources, from the cache or built now (a minute, with a download of 15 MB the first time).

    Raises NotFoundError when a compiler is missing, BuildError when a step fails.
    """
    image = _image_path(places)
    with one_builder(places.cache):
        if not image.is_file():
            _build(image, places, say)
    return image


def _build(image: Path, places: Places, say: Callable[[str], None]) -> None:
    base = places.cache / "rp2" / _base_key(places)
    if not (base / "ready").is_file():
        _prepare(places, base, say)
    say("compiling the image")
    stage(read_firmware(places.sources), base / "firmware")
    copy_tree_if_changed(places.sources / "boards", base / "firmware" / "boards")
    run_step(["cmake", "--build", str(base / "build")], base, _environment(), base / "build.log")
    image.parent.mkdir(parents=True, exist_ok=True)
    replace_atomically(image, pack_uf2((base / "build" / "firmware.bin").read_bytes()))


def _prepare(places: Places, base: Path, say: Callable[[str], None]) -> None:
    """Unpacks the sources and configures the build in ``base``, from nothing."""
    shutil.rmtree(base, ignore_errors=True)
    say("fetching MicroPython, the Pico SDK, TinyUSB and Mbed TLS (Debian source packages)")
    packages = places.cache / "packages"
    debian.fetch(debian.ALL, packages)
    folders = {package: base / package.name for package in debian.ALL}
    for package, folder in folders.items():
        debian.unpack(package, packages, folder)
    micropython = folders[debian.MICROPYTHON]
    _link(micropython / "lib" / "mbedtls", folders[debian.MBEDTLS])
    _link(micropython / "lib" / "tinyusb", folders[debian.TINYUSB] / "usr" / "src" / "tinyusb")
    # CMake only looks whether the submodule is there; our manifest requires nothing of it.
    (micropython / "lib" / "micropython-lib").mkdir(exist_ok=True)
    (micropython / "lib" / "micropython-lib" / "README.md").touch()
    stage(read_firmware(places.sources), base / "firmware")
    copy_tree_if_changed(places.sources / "boards", base / "firmware" / "boards")
    _configure(base, micropython, folders[debian.PICO_SDK] / "usr" / "src" / "pico-sdk")
    (base / "ready").touch()


def _configure(base: Path, micropython: Path, sdk: Path) -> None:
    board = base / "firmware" / "boards" / BOARD
    options = {
        "PICO_SDK_PATH_OVERRIDE": sdk,
        "PICO_NO_PICOTOOL": 1,
        "MICROPY_BOARD": BOARD,
        "MICROPY_BOARD_DIR": board,
        "MICROPY_FROZEN_MANIFEST": board / "manifest.py",
    }
    defines = [f"-D{key}={value}" for key, value in options.items()]
    command = ["cmake", "-G", "Ninja", "-S", str(micropython / "ports" / "rp2"), "-B", str(base / "build"), *defines]
    # By the environment: CMake then adds to the processor's flags of the SDK instead of replacing them.
    prefix = f"-ffile-prefix-map={base}=."
    environment = {**_environment(), "CFLAGS": prefix, "CXXFLAGS": prefix, "ASMFLAGS": prefix}
    run_step(command, base, environment, base / "build.log")


def _environment() -> dict[str, str]:
    # GIT_CEILING_DIRECTORIES and GIT_DIR: no repository around the cache may name the version.
    return dict(os.environ, MICROPY_MPYCROSS=str(mpy_cross()), SOURCE_DATE_EPOCH=_EPOCH, GIT_DIR="/nonexistent")


def _link(link: Path, target: Path) -> None:
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _base_key(places: Places) -> str:
    pins = [f"{package.name} {package.version} {package.sha256}" for package in debian.ALL]
    missing = [packages for command, packages in TOOLS if shutil.which(command) is None]
    if missing:
        raise NotFoundError(f"the image cannot be compiled here; sudo apt install {' '.join(missing)}")
    versions = [tool_version(command, packages) for command, packages in TOOLS]
    return key_of([_RECIPE, *pins, *versions, places.sources / "boards"])


def _image_path(places: Places) -> Path:
    key = key_of([_base_key(places), read_firmware(places.sources).sha256])
    return places.cache / "images" / f"barbotage-pod-{key}.uf2"
