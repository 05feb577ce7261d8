"""Which computer this is, and which software runs on it: as sessions and the link say it."""

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from barbotage_device.session.manifest import UNKNOWN, Device, Software

ID_LENGTH = 16


def device_identity(etc: Path = Path("/etc"), proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> Device:
    """Which computer it is: a digest of its machine id (never the id itself, nor its name in the network) and its model."""
    machine = _text(etc / "machine-id")
    made = hashlib.sha256(f"barbotage {machine}".encode()).hexdigest()[:ID_LENGTH] if machine else UNKNOWN
    model = _text(proc / "device-tree" / "model") or _text(sys / "class" / "dmi" / "id" / "product_name") or platform.machine()
    return Device(made, model or UNKNOWN)


def software() -> Software:
    """The version of this software, "unknown" when it runs without being installed, and the digest of what runs."""
    try:
        installed = version("barbotage")
    except PackageNotFoundError:
        installed = UNKNOWN
    return Software(installed, source_sha256())


@cache
def source_sha256(packages: tuple[str, ...] = ("barbotage_device", "barbotage_models")) -> str:
    """SHA-256 over the names and contents of the Python files of ``packages``, in order of name: the same for the same sources anywhere."""
    digest = hashlib.sha256()
    for package in packages:
        root = Path(str(files(package)))
        for file in sorted(root.rglob("*.py")):
            digest.update(f"{package}/{file.relative_to(root).as_posix()}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return ""
