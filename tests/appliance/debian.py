"""Debian packages of any architecture, fetched by apt with a state of its own and unpacked; nothing is installed on this computer."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
USR_MERGED = ("bin", "sbin", "lib")
"""Since Debian 12 these are links into usr; the packages alone do not make them."""

REFRESH_EVERY_S = 24 * 3600.0


class MissingError(Exception):
    """Something that this computer lacks; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Archive:
    """One release of Debian for one architecture. What was fetched stays in ``cache``."""

    cache: Path
    release: str
    architecture: str

    @property
    def folder(self) -> Path:
        """Its own place in the cache."""
        return self.cache / f"{self.release}-{self.architecture}"

    def fetch(self, packages: Sequence[str]) -> list[Path]:
        """The .deb files of ``packages`` and of all that they depend on. Raises MissingError."""
        self._refresh()
        self._apt("install", "-qq", "--yes", "--download-only", "--no-install-recommends", *packages)
        return sorted((self.folder / "archives").glob("*.deb"))

    def fetch_alone(self, package: str) -> Path:
        """The .deb file of one package without what it depends on. Raises MissingError."""
        self._refresh()
        # In a folder that holds the file already apt would say nothing.
        found = re.search(r"^'\S+' (\S+\.deb) ", self._apt("download", "--print-uris", package, cwd="etc"), re.MULTILINE)
        if found is None:
            raise MissingError(f"apt cannot say where {package} of {self.release} is")
        if not (self.folder / found[1]).exists():
            self._apt("download", "-qq", package)
        return self.folder / found[1]

    def _refresh(self) -> None:
        """Asks what there is, once a day, and forgets what there is no more."""
        for tool in ("apt-get", "dpkg-deb"):
            if shutil.which(tool) is None:
                raise MissingError(f"{tool} is needed: this check runs on Debian and its kin")
        stamp = self.folder / "refreshed"
        if stamp.exists() and time.time() - stamp.stat().st_mtime < REFRESH_EVERY_S:
            return
        self._configure()
        self._apt("update", "-qq")
        self._apt("autoclean", "-qq")
        stamp.touch()

    def _configure(self) -> None:
        for part in ("lists/partial", "archives/partial", "etc"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        (self.folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {self.release} main\n")
        (self.folder / "apt.conf").write_text(
            f'APT::Architecture "{self.architecture}";\nAPT::Architectures "{self.architecture}";\n'
            f'Dir::State "{self.folder}";\nDir::State::status "{self.folder}/status";\nDir::State::lists "{self.folder}/lists";\n'
            f'Dir::Cache "{self.folder}";\nDir::Cache::archives "{self.folder}/archives";\n'
            f'Dir::Etc::sourcelist "{self.folder}/sources.list";\nDir::Etc::sourceparts "{self.folder}/etc";\n'
            f'Dir::Etc::parts "{self.folder}/etc";\nDir::Etc::preferencesparts "{self.folder}/etc";\n'
            'Acquire::Languages "none";\nAPT::Sandbox::User "root";\nDebug::NoLocking "true";\n'
        )

    def _apt(self, *arguments: str, cwd: str = ".") -> str:
        environ = os.environ | {"APT_CONFIG": str(self.folder / "apt.conf")}
        done = subprocess.run(
            ["apt-get", *arguments], env=environ, cwd=self.folder / cwd, capture_output=True, text=True, check=False
        )
        if done.returncode:
            why = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise MissingError(f"apt-get {arguments[0]} for {self.release}/{self.architecture}: {why[0] if why else 'failed'}")
        return done.stdout


def mirror() -> str:
    """Where this computer's own apt gets Debian's packages from. Raises MissingError."""
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    found = [line.split("|") for line in said.splitlines()]
    uri = next((parts[2] for parts in found if parts[:2] == ["Debian", "Debian"]), None)
    if uri is None:
        raise MissingError("apt knows no Debian archive: run 'sudo apt-get update' (this check runs on Debian)")
    return uri


def unpack(debs: Sequence[Path], root: Path) -> None:
    """Makes a root of packages: their files alone, without their scripts. Raises CalledProcessError."""
    for name in USR_MERGED:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for deb in debs:
        # dpkg-deb itself would put a folder in the place of the links.
        tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", root], input=tar, check=True)
    for name in ("proc", "sys", "dev", "tmp", "etc"):
        (root / name).mkdir(exist_ok=True)
