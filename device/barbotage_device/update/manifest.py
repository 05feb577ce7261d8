"""The manifest of a bundle: what it is, what it needs, which files it has with which digests. No I/O."""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from barbotage_device.update.errors import UpdateError

SCHEMA = "barbotage.bundle"
SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"
SIGNATURE_NAME = "manifest.json.minisig"
SUFFIX = ".barbotage"
MAX_MANIFEST_BYTES = 256 * 1024
MAX_FILES = 16
"""A model with its card, or one wheel, needs two."""
MAX_PAYLOAD_BYTES = 128 << 20
"""100 times the bundled model; 20 times the wheel."""
SECURITY_VERSION_MAX = 2**31
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,119}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Kind(StrEnum):
    """What a bundle replaces."""

    MODEL = "model"
    SOFTWARE = "software"


@dataclass(frozen=True, slots=True)
class PayloadFile:
    """A file of a bundle."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BundleManifest:
    """A manifest that was checked for form. ``requires`` is what the device must have (``requirements.py``)."""

    kind: Kind
    name: str
    version: str
    security_version: int
    """Never decreases: a device refuses what is lower than the highest that it ever activated."""
    requires: dict[str, Any]
    files: tuple[PayloadFile, ...]

    @property
    def title(self) -> str:
        """Kind, name and version in words."""
        return f"{self.kind} {self.name} {self.version}"

    @property
    def trusted_comment(self) -> str:
        """What the signature's trusted comment must say."""
        return f"barbotage {self.title} security-version {self.security_version}"

    def encode(self) -> bytes:
        """The bytes of ``manifest.json``."""
        document = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "kind": str(self.kind),
            "name": self.name,
            "version": self.version,
            "security_version": self.security_version,
            "requires": self.requires,
            "files": [{"name": each.name, "bytes": each.bytes, "sha256": each.sha256} for each in self.files],
        }
        return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=False).encode() + b"\n"


def is_plain_name(name: object) -> bool:
    """Whether this is the name of a file and nothing else: no folder, no hidden file, at most 120 characters."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def parse_manifest(data: bytes) -> BundleManifest:
    """The manifest in the bytes of ``manifest.json``. Raises UpdateError naming what is wrong."""
    try:
        document = json.loads(data)
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise UpdateError("the manifest is not that of a Barbotage bundle")
        if document.get("schema_version") != SCHEMA_VERSION:
            raise UpdateError(
                f"the bundle has format {document.get('schema_version')!r:.20}, this software reads {SCHEMA_VERSION}; update the older end"
            )
        return BundleManifest(
            kind=_kind(document["kind"]),
            name=_plain(document["name"], "name"),
            version=_plain(document["version"], "version"),
            security_version=_whole(document["security_version"], "security_version", SECURITY_VERSION_MAX),
            requires=_map(document["requires"]),
            files=_files(document["files"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UpdateError(f"the manifest of the bundle cannot be read: {error!r:.200}") from error


def _kind(value: object) -> Kind:
    if value not in tuple(Kind):
        raise UpdateError(f"a bundle of kind {value!r:.40} is not known here; update this end")
    return Kind(str(value))


def _plain(value: object, key: str) -> str:
    if not is_plain_name(value):
        raise UpdateError(f"{key} of the bundle is {value!r:.60}; letters, digits and . _ + - are allowed")
    return str(value)


def _whole(value: object, key: str, highest: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= highest:
        raise UpdateError(f"{key} in the manifest is {value!r:.40}, must be a whole number from 0 to {highest}")
    return value


def _map(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UpdateError("'requires' in the manifest is not an object")
    return value


def _files(value: object) -> tuple[PayloadFile, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_FILES:
        raise UpdateError(f"a bundle has 1 to {MAX_FILES} files beside its manifest")
    files = tuple(_file(each) for each in value)
    names = [each.name for each in files]
    if len(set(names)) != len(names) or {MANIFEST_NAME, SIGNATURE_NAME} & set(names):
        raise UpdateError("the manifest names a file twice, or itself")
    if sum(each.bytes for each in files) > MAX_PAYLOAD_BYTES:
        raise UpdateError(f"the files of the bundle have more than {MAX_PAYLOAD_BYTES >> 20} MiB together")
    return files


def _file(value: Any) -> PayloadFile:
    sha256 = value["sha256"]
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise UpdateError(f"the digest of {value['name']!r:.60} in the manifest is not a SHA-256")
    return PayloadFile(_plain(value["name"], "a file"), _whole(value["bytes"], "bytes", MAX_PAYLOAD_BYTES), sha256)
