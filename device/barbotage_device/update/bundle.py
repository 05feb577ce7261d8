"""Reading a bundle file: nothing is trusted before the signature was verified, nothing is unpacked that the manifest does not name."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from barbotage_device.errors import NotFoundError
from barbotage_device.update.errors import SignatureError, UpdateError
from barbotage_device.update.manifest import (
    MANIFEST_NAME,
    MAX_FILES,
    MAX_MANIFEST_BYTES,
    SIGNATURE_NAME,
    BundleManifest,
    PayloadFile,
    is_plain_name,
    parse_manifest,
)
from barbotage_device.update.minisign import PublicKey, Signature, parse_signature

MAX_BUNDLE_BYTES = 64 << 20
MAX_SIGNATURE_BYTES = 4096
PIECE_BYTES = 1 << 18
ENCRYPTED = 0x1
"""Bit 0 of a zip member's flags."""
KNOWN_COMPRESSION = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, UnicodeError, RuntimeError)
"""What zipfile raises for bytes that are no sound zip."""


class Bundle:
    """An open bundle. Its parts are read on demand; ``manifest`` is checked for form, not for its signature."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = _checked_members(archive)
        self.manifest_bytes = self._small(MANIFEST_NAME, MAX_MANIFEST_BYTES)
        self.manifest: BundleManifest = parse_manifest(self.manifest_bytes)
        self._compare_members()

    @property
    def signature(self) -> Signature | None:
        """The signature as it is there, unproved; None when the bundle is not signed. Raises SignatureError."""
        if SIGNATURE_NAME not in self._members:
            return None
        return parse_signature(self.signature_bytes.decode(errors="replace"))

    @property
    def signature_bytes(self) -> bytes:
        """The bytes of the signature's file. Raises SignatureError when there is none."""
        if SIGNATURE_NAME not in self._members:
            raise SignatureError("the bundle is not signed; sign it with 'barbotage update pack --key' or minisign")
        return self._small(SIGNATURE_NAME, MAX_SIGNATURE_BYTES)

    def verify_signature(self, trusted: Mapping[bytes, PublicKey]) -> None:
        """Proves that the manifest was signed with one of the ``trusted`` keys (by their ids). Raises SignatureError."""
        signature = parse_signature(self.signature_bytes.decode(errors="replace"))
        key = trusted.get(signature.key_id)
        if key is None:
            raise SignatureError(
                f"the bundle is signed with key {signature.key_name}, which this device does not trust; "
                "install it at the device with 'barbotage-device update trust FILE.pub'"
            )
        said = signature.verify(self.manifest_bytes, key)
        if said != self.manifest.trusted_comment:
            raise SignatureError(
                f"the signature's trusted comment is '{said[:120]}', for this bundle it must be '{self.manifest.trusted_comment}'"
            )

    def verify_files(self) -> None:
        """Proves that every file is whole and has the digest of the manifest. Raises UpdateError."""
        for file in self.manifest.files:
            for _ in self._pieces(file):
                pass

    def read(self, file: PayloadFile) -> bytes:
        """The bytes of a file, proved by its digest. Raises UpdateError."""
        return b"".join(self._pieces(file))

    def _pieces(self, file: PayloadFile) -> Iterator[bytes]:
        digest, count = hashlib.sha256(), 0
        try:
            with self._archive.open(self._members[file.name]) as stream:
                while piece := stream.read(PIECE_BYTES):
                    count += len(piece)
                    if count > file.bytes:
                        raise UpdateError(f"{file.name} in the bundle is longer than its manifest says")
                    digest.update(piece)
                    yield piece
        except _DAMAGE as error:
            raise _damaged(error) from error
        if count != file.bytes or digest.hexdigest() != file.sha256:
            raise UpdateError(f"{file.name} in the bundle does not have the digest of its manifest: it was changed or damaged")

    def _small(self, name: str, most_bytes: int) -> bytes:
        member = self._members.get(name)
        if member is None:
            raise UpdateError(f"the file is not a Barbotage bundle: it has no {name}")
        if member.file_size > most_bytes:
            raise UpdateError(f"{name} in the bundle has {member.file_size} bytes, at most {most_bytes} are allowed")
        try:
            return self._archive.read(member)
        except _DAMAGE as error:
            raise _damaged(error) from error

    def _compare_members(self) -> None:
        named = {each.name: each.bytes for each in self.manifest.files}
        there = {name: each.file_size for name, each in self._members.items() if name not in (MANIFEST_NAME, SIGNATURE_NAME)}
        if named != there:
            wrong = sorted(name for name in named.keys() | there.keys() if named.get(name) != there.get(name))
            raise UpdateError(f"manifest and content of the bundle differ in {', '.join(wrong)[:200]}")


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """The bundle in ``path``. Raises NotFoundError, UpdateError when it is cut, damaged, too large or not a bundle."""
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise NotFoundError(f"no bundle at {path}: {error.strerror}") from error
    if size_bytes > MAX_BUNDLE_BYTES:
        raise UpdateError(f"{path.name} has {size_bytes >> 20} MiB; a bundle has at most {MAX_BUNDLE_BYTES >> 20} MiB")
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise UpdateError(f"{path.name} is not a bundle, or it was cut: {error}") from error
    with archive:
        yield Bundle(archive)


def _checked_members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members = archive.infolist()
    if len(members) > MAX_FILES + 2:
        raise UpdateError(f"the bundle has {len(members)} members; at most {MAX_FILES + 2} are allowed")
    for each in members:
        if not is_plain_name(each.filename):
            raise UpdateError(f"the bundle has a member {each.filename!r:.80}; only plain file names are allowed")
        if each.flag_bits & ENCRYPTED or each.compress_type not in KNOWN_COMPRESSION:
            raise UpdateError(
                f"{each.filename} in the bundle is encrypted or compressed in an unknown way; use stored or deflated"
            )
    by_name = {each.filename: each for each in members}
    if len(by_name) != len(members):
        raise UpdateError("the bundle has two members of the same name")
    return by_name


def _damaged(error: Exception) -> UpdateError:
    return UpdateError(f"the bundle is damaged: {error}")
