"""Making a bundle: the manifest of a model or a wheel, signed, in one zip file that is the same for the same input."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from barbotage_device.errors import NotFoundError, UsageError
from barbotage_device.session.files import sync_directory
from barbotage_device.update.errors import UpdateError
from barbotage_device.update.manifest import (
    MANIFEST_NAME,
    SIGNATURE_NAME,
    BundleManifest,
    Kind,
    PayloadFile,
    is_plain_name,
    parse_manifest,
)
from barbotage_device.update.minisign import SecretKey
from barbotage_device.update.wheel import DISTRIBUTION, read_facts
from barbotage_models.contract.card import card_path, contract_fields, load_card

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can say; the same bundle has the same bytes whenever it is packed."""


def model_bundle(model: Path, version: str | None, security_version: int) -> tuple[BundleManifest, dict[str, bytes]]:
    """Manifest and payload of a model with the card beside it. Raises NotFoundError, CardError, UsageError."""
    card = load_card(model)
    _agree(version, card.version, card_path(model).name)
    payload = {path.name: _read(path) for path in (model, card_path(model))}
    requires = {"contract": contract_fields()}
    return _manifest(Kind.MODEL, card.name, card.version, security_version, requires, payload), payload


def software_bundle(wheel: Path, version: str | None, security_version: int) -> tuple[BundleManifest, dict[str, bytes]]:
    """Manifest and payload of a wheel of this software. Raises NotFoundError, UpdateError, UsageError."""
    data = _read(wheel)
    facts = read_facts(data)
    _agree(version, facts.version, wheel.name)
    requires = {"python": facts.requires_python, "dependencies": list(facts.requires)}
    payload = {wheel.name: data}
    return _manifest(Kind.SOFTWARE, DISTRIBUTION, facts.version, security_version, requires, payload), payload


def write_bundle(path: Path, manifest: BundleManifest, payload: dict[str, bytes], key: SecretKey | None) -> None:
    """Writes the bundle, signed when there is a key. Raises OSError."""
    document = manifest.encode()
    members = {MANIFEST_NAME: document}
    if key is not None:
        members[SIGNATURE_NAME] = key.sign(document, manifest.trusted_comment).encode()
    members |= payload
    draft = path.with_name(path.name + ".tmp")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), data, zipfile.ZIP_DEFLATED)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)


def _manifest(
    kind: Kind, name: str, version: str, security_version: int, requires: Mapping[str, object], payload: dict[str, bytes]
) -> BundleManifest:
    files = tuple(PayloadFile(each, len(data), hashlib.sha256(data).hexdigest()) for each, data in payload.items())
    for each in (name, version, *payload):
        if not is_plain_name(each):
            raise UpdateError(f"'{each[:60]}' cannot be a name in a bundle; letters, digits and . _ + - are allowed")
    made = BundleManifest(kind, name, version, security_version, dict(requires), files)
    return parse_manifest(made.encode())


def _agree(wanted: str | None, found: str, where: str) -> None:
    if wanted is not None and wanted != found:
        raise UsageError(f"--version {wanted} is not the version {found} that {where} says")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"no file at {path}: {error.strerror}") from error
