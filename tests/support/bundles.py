"""Bundles, keys and wheels for tests of updates: whole ones, and ones with a chosen fault."""

import base64
import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from barbotage_device.update.disk import Disk
from barbotage_device.update.manifest import BundleManifest, Kind
from barbotage_device.update.minisign import SecretKey
from barbotage_device.update.store import UpdateStore
from barbotage_device.update.trust import TrustedKeys
from barbotage_host.update.packing import model_bundle, software_bundle, write_bundle
from barbotage_models.bundle import bundled_model
from barbotage_models.contract.card import card_path

KEY = SecretKey(b"test-key", hashlib.sha256(b"a key for tests only").digest())
FOREIGN_KEY = SecretKey(b"foreign!", hashlib.sha256(b"another key for tests only").digest())
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("models/barbotage_models", "device/barbotage_device")


def make_store(state: Path, disk: Disk | None = None) -> tuple[UpdateStore, TrustedKeys]:
    """The store of a device that trusts KEY."""
    keys = TrustedKeys(state)
    keys.add(KEY.public)
    return UpdateStore(state, disk), keys


def make_model(folder: Path, version: str, content: bytes | None = None, **card: object) -> Path:
    """A model file with a card that agrees with it; only the runtime can tell that ``content`` is no model."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "small.tflite"
    data = f"not a network {version}".encode() if content is None else content
    document = json.loads(card_path(bundled_model()).read_text(encoding="utf-8"))
    path.write_bytes(data)
    document |= {"name": "small", "version": version, "sha256": hashlib.sha256(data).hexdigest(), **card}
    card_path(path).write_text(json.dumps(document), encoding="utf-8")
    return path


def make_model_bundle(
    folder: Path,
    version: str = "1.0",
    security_version: int = 1,
    key: SecretKey | None = KEY,
    content: bytes | None = None,
    change: Callable[[BundleManifest], BundleManifest] = lambda manifest: manifest,
) -> Path:
    """A model bundle; ``change`` spoils the manifest before it is signed."""
    manifest, payload = model_bundle(make_model(folder / f"model-{version}", version, content), None, security_version)
    path = folder / f"small-{version}.barbotage"
    write_bundle(path, change(manifest), payload, key)
    return path


def make_wheel(folder: Path, version: str, files: Mapping[str, str | bytes], requires: tuple[str, ...] = ()) -> Path:
    """A pure wheel of this project with these files."""
    info = f"barbotage-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.4\nName: barbotage\nVersion: {version}\nRequires-Python: >=3.11"]
    metadata += [f"Requires-Dist: {each}" for each in requires]
    members = {name: each.encode() if isinstance(each, str) else each for name, each in files.items()}
    members[f"{info}/METADATA"] = "\n".join(metadata).encode() + b"\n\nwords\n"
    members[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    members[f"{info}/RECORD"] = record_of(members, info)
    path = folder / f"barbotage-{version}-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def record_of(members: Mapping[str, bytes], info: str) -> bytes:
    """The RECORD of a wheel with these members."""
    lines = []
    for name, data in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}")
    return "\n".join([*lines, f"{info}/RECORD,,"]).encode() + b"\n"


def make_software_bundle(
    folder: Path,
    version: str = "9.0",
    security_version: int = 1,
    files: Mapping[str, str | bytes] | None = None,
    requires: tuple[str, ...] = (),
    key: SecretKey | None = KEY,
) -> Path:
    """A software bundle of a few files."""
    content = files or {
        "barbotage_device/__init__.py": f'"""{version}"""\n',
        "barbotage_device/cli.py": f"VERSION = '{version}'\n",
    }
    return pack_wheel(make_wheel(folder, version, content, requires), security_version, key)


def make_real_wheel(folder: Path, version: str) -> Path:
    """This software as a wheel of another version."""
    files: dict[str, str | bytes] = {}
    for package in PACKAGES:
        root = ROOT / package
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                files[f"{root.name}/{path.relative_to(root).as_posix()}"] = path.read_bytes()
    return make_wheel(
        folder, version, files, ("numpy>=1.26,<3", "cryptography>=45; extra == 'device'", "absent; extra == 'host'")
    )


def pack_wheel(wheel: Path, security_version: int = 1, key: SecretKey | None = KEY) -> Path:
    """The bundle of a wheel, beside it."""
    manifest, payload = software_bundle(wheel, None, security_version)
    path = wheel.with_name(f"barbotage-{manifest.version}.barbotage")
    write_bundle(path, manifest, payload, key)
    return path


def rewrite(path: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> Path:
    """A bundle whose members were changed after it was signed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in change(members).items():
            archive.writestr(name, data)
    return path


class Judge:
    """Stands at Trials: passes everything but what ``verdicts`` names, and remembers what it was asked."""

    def __init__(self, **verdicts: str) -> None:
        self.verdicts = verdicts
        self.asked: list[str] = []

    def model(self, file: Path) -> str | None:
        """As in Trials."""
        self.asked.append(f"model {file.parent.name}")
        return self.verdicts.get("model")

    def software(self, folder: Path, version: str, model: Path | None) -> str | None:  # noqa: ARG002
        """As in Trials."""
        self.asked.append(f"software {version} with {'no update' if model is None else model.parent.name}")
        return self.verdicts.get("software")


class PowerCut(BaseException):
    """The power is gone: nothing after this happens."""


class FailingDisk(Disk):
    """Stops in the middle of its ``last`` operation; ``count`` says how many there were."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.count = 0

    def _due(self) -> bool:
        if self.count >= self.last:
            raise PowerCut
        self.count += 1
        return self.count == self.last

    def make_folder(self, path: Path) -> None:
        """As in Disk."""
        if self._due():
            raise PowerCut
        super().make_folder(path)

    def write(self, path: Path, data: bytes) -> None:
        """As in Disk; half of it when the power goes."""
        if self._due():
            super().write(path, data[: len(data) // 2])
            raise PowerCut
        super().write(path, data)

    def rename(self, old: Path, new: Path) -> None:
        """As in Disk; done or not done when the power goes, by turns."""
        due = self._due()
        if not due or self.last % 2:
            super().rename(old, new)
        if due:
            raise PowerCut

    def sync_folder(self, path: Path) -> None:
        """As in Disk."""
        if self._due():
            raise PowerCut
        super().sync_folder(path)

    def remove(self, path: Path) -> None:
        """As in Disk; half of the files when the power goes."""
        if self._due():
            for each in sorted(path.rglob("*"))[::2]:
                if each.is_file():
                    each.unlink()
            raise PowerCut
        super().remove(path)


def copy_state(state: Path, to: Path) -> Path:
    """A device's state folder once more."""
    shutil.copytree(state, to)
    return to


def with_kind(kind: Kind) -> Callable[[BundleManifest], BundleManifest]:
    """Changes the kind of a manifest."""
    return lambda manifest: replace(manifest, kind=kind)
