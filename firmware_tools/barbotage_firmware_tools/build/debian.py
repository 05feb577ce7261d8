"""Fetches pinned Debian packages from the archive that this machine already uses, through a private apt tree, and unpacks them.

Nothing of the machine's own apt is changed, and no archive is named here: the address and the keys are those of the machine's own sources.
"""

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.errors import NotFoundError, RefusedError
from barbotage_firmware_tools.build.running import run_step
from barbotage_firmware_tools.errors import BuildError

SUITE = "trixie"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_APT = Path("/etc/apt")


@dataclass(frozen=True, slots=True)
class Pinned:
    """A package at an exact version. ``file`` is what is unpacked, ``sha256`` what it must be."""

    name: str
    version: str
    file: str
    sha256: str
    is_source: bool


MICROPYTHON = Pinned(
    "micropython",
    "1.25.0+ds-1",
    "micropython_1.25.0+ds.orig.tar.xz",
    "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea",
    is_source=True,
)
MBEDTLS = Pinned(
    "mbedtls",
    "3.6.6-0.1~deb13u1",
    "mbedtls_3.6.6.orig.tar.bz2",
    "8fb65fae8dcae5840f793c0a334860a411f884cc537ea290ce1c52bb64ca007a",
    is_source=True,
)
PICO_SDK = Pinned(
    "pico-sdk-source",
    "2.1.1-1",
    "pico-sdk-source_2.1.1-1_all.deb",
    "507a3ca37636641bc90239d7c04dc9dc28c5008087a8162102ea94d2273153d3",
    is_source=False,
)
TINYUSB = Pinned(
    "tinyusb-source",
    "0.18.0+dfsg-1",
    "tinyusb-source_0.18.0+dfsg-1_all.deb",
    "01ce2c645df68f14a8a7dcfc8fb355713152543757955820479a87949a61154e",
    is_source=False,
)
ALL = (MICROPYTHON, MBEDTLS, PICO_SDK, TINYUSB)


def fetch(packages: tuple[Pinned, ...], folder: Path) -> None:
    """Puts the files of ``packages`` into ``folder``, verified. Raises NotFoundError, BuildError, RefusedError (wrong content)."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [package for package in packages if not (folder / package.file).is_file()]
    if missing:
        options = _private_tree(folder / "apt")
        log, environment = folder / "apt.log", dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        run_step(["apt-get", *options, "update"], folder, environment, log)
        for package in missing:
            pinned = f"{package.name}={package.version}"
            verb = ["source", "--download-only"] if package.is_source else ["download"]
            run_step(["apt-get", *options, *verb, pinned], folder, environment, log)
    for package in packages:
        _verify(folder / package.file, package)


def unpack(package: Pinned, folder: Path, target: Path) -> None:
    """Unpacks a fetched package: sources as their tree, .deb files as their file system."""
    log = folder / "unpack.log"
    target.mkdir(parents=True, exist_ok=True)
    file = str(folder / package.file)
    command = (
        ["tar", "-xf", file, "-C", str(target), "--strip-components=1"]
        if package.is_source
        else ["dpkg", "-x", file, str(target)]
    )
    run_step(command, folder, os.environ, log)


def _verify(file: Path, package: Pinned) -> None:
    if not file.is_file():
        raise BuildError(f"{package.name} {package.version}: apt did not leave {file.name} in {file.parent}")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != package.sha256:
        file.unlink()
        raise RefusedError(f"{file.name}: SHA-256 is {found}, not {package.sha256}; the file was deleted, try again")


def _private_tree(root: Path) -> list[str]:
    if shutil.which("apt-get") is None:
        raise NotFoundError("apt-get is not here; the image is built from Debian's source packages, on Debian 12 or newer")
    for part in ("state/lists/partial", "cache/archives/partial"):
        (root / part).mkdir(parents=True, exist_ok=True)
    (root / "status").touch()
    sources = root / f"{SUITE}.sources"
    sources.write_text(_sources(_APT), encoding="utf-8")
    settings = {
        "Dir::State": root / "state",
        "Dir::State::status": root / "status",
        "Dir::Cache": root / "cache",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
        "Acquire::Languages": "none",
    }
    return [part for key, value in settings.items() if str(value) for part in ("-o", f"{key}={value}")]


def _sources(apt: Path) -> str:
    address, keys = machine_archive(apt)
    lines = ["Types: deb deb-src", f"URIs: {address}", f"Suites: {SUITE}", "Components: main"]
    return "\n".join([*lines, f"Signed-By: {keys}" if keys else "", ""])


def machine_archive(apt: Path) -> tuple[str, str]:
    """Address and keyring of the Debian archive in the machine's apt configuration. Raises NotFoundError."""
    for file in sorted((apt / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", file.read_text(encoding="utf-8")):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.+)$", stanza, flags=re.MULTILINE))
            if "main" in fields.get("Components", "").split() and _is_debian(fields.get("URIs", ""), fields.get("Suites", "")):
                return fields["URIs"].split()[0], fields.get("Signed-By", _default_keys())
    for file in (apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))):
        for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else []:
            match = re.match(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<address>\S+)\s+(?P<suite>\S+)\s+.*\bmain\b", line)
            if match and _is_debian(match["address"], match["suite"]):
                signed = re.search(r"signed-by=(\S+)", match["options"] or "")
                return match["address"], signed[1] if signed else _default_keys()
    raise NotFoundError(f"{apt}: no Debian archive is configured; the image is built from Debian's source packages")


def _is_debian(address: str, suites: str) -> bool:
    """The main archive, not security, updates, backports or somebody else's."""
    plain = [suite for suite in suites.split() if re.fullmatch(r"[a-z]+", suite)]
    return bool(plain) and address.split()[0].rstrip("/").endswith("/debian")


def _default_keys() -> str:
    return str(_KEYRING) if _KEYRING.is_file() else ""
