"""The firmware's sources as they are built: staged with their hash written in."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.errors import RefusedError

HASH_BYTES = 6
_VERSION_FILE = "pod/version.py"
_ZERO_HASH = 'HASH = b"' + "\\x00" * HASH_BYTES + '"'
TOP_MODULES = ("boot.py", "main.py", "startup.py")


@dataclass(frozen=True, slots=True)
class Firmware:
    """The sources by their path on the pod, and the SHA-256 over all of them (as they are in the repository)."""

    files: dict[str, bytes]
    sha256: str

    @property
    def short_hash(self) -> bytes:
        """What the pod tells in its hello."""
        return bytes.fromhex(self.sha256)[:HASH_BYTES]

    @property
    def version(self) -> str:
        """Version of the firmware."""
        for line in self.files[_VERSION_FILE].decode().splitlines():
            if line.startswith("VERSION = ("):
                return ".".join(part.strip() for part in line[len("VERSION = (") : -1].split(","))
        raise RefusedError(f"{_VERSION_FILE} has no line VERSION = (major, minor, patch)")


def read_firmware(sources: Path) -> Firmware:
    """The firmware's modules under ``device/pod``."""
    paths = [sources / name for name in TOP_MODULES] + sorted((sources / "pod").rglob("*.py"))
    files = {path.relative_to(sources).as_posix(): path.read_bytes() for path in paths}
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return Firmware(files, digest.hexdigest())


def stage(firmware: Firmware, target: Path) -> None:
    """Writes the sources to ``target`` with their hash in ``pod/version.py``. Files that did not change keep their time."""
    wanted = {**firmware.files, _VERSION_FILE: _with_hash(firmware)}
    for stale in set(target.rglob("*.py")) - {target / name for name in wanted}:
        stale.unlink()
    for name, content in wanted.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_bytes() != content:
            path.write_bytes(content)


def copy_tree_if_changed(source: Path, target: Path) -> None:
    """Copies a folder's files, leaving alone those that are the same."""
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_file() and not (copy.is_file() and copy.read_bytes() == path.read_bytes()):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def _with_hash(firmware: Firmware) -> bytes:
    text = firmware.files[_VERSION_FILE].decode()
    if _ZERO_HASH not in text:
        raise RefusedError(f"{_VERSION_FILE} must have the line {_ZERO_HASH}")
    filled = "".join(f"\\x{byte:02x}" for byte in firmware.short_hash)
    return text.replace(_ZERO_HASH, f'HASH = b"{filled}"').encode()
