"""The wheel of a software bundle: what it says of itself, and its files, checked one by one. Pure Python of this project only. No disk."""

import base64
import csv
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_string
from pathlib import PurePosixPath

from barbotage_device.update.bundle import ENCRYPTED, KNOWN_COMPRESSION
from barbotage_device.update.errors import UpdateError

DISTRIBUTION = "barbotage"
PURE_TAG = "py3-none-any"
MAX_FILES = 5000
MAX_TEXT_BYTES = 4 << 20
MAX_UNPACKED_BYTES = 256 << 20
"""20 times what the software has with its models, fonts and texts."""
COMPILED_SUFFIXES = (".so", ".pyd", ".dll", ".dylib", ".pth", ".egg-link")
"""Compiled code, and files that change where Python looks for code."""
_DIST_INFO = re.compile(rf"{DISTRIBUTION}-[A-Za-z0-9.+_!]+\.dist-info")
SYMLINK, TYPE_MASK = 0o120000, 0o170000


@dataclass(frozen=True, slots=True)
class WheelFacts:
    """What the METADATA of a wheel says."""

    version: str
    requires_python: str
    requires: tuple[str, ...]


def read_facts(data: bytes) -> WheelFacts:
    """The facts of the wheel in ``data``. Raises UpdateError when it is not a pure wheel of this project."""
    with _opened(data) as archive:
        info = _dist_info(archive)
        tags = message_from_string(_text(archive, f"{info}/WHEEL"))
        if tags.get("Root-Is-Purelib", "").strip().lower() != "true" or tags.get_all("Tag") != [PURE_TAG]:
            raise UpdateError(f"the wheel holds compiled code or is of another Python; only {PURE_TAG} can be a bundle")
        metadata = message_from_string(_text(archive, f"{info}/METADATA"))
        version = (metadata.get("Version") or "").strip()
        if metadata.get("Name") != DISTRIBUTION or info != f"{DISTRIBUTION}-{version}.dist-info":
            raise UpdateError(f"the wheel is of {metadata.get('Name')!r:.60} {version[:40]}, not of {DISTRIBUTION}")
        requires = tuple(metadata.get_all("Requires-Dist") or ())
        return WheelFacts(version, (metadata.get("Requires-Python") or "").strip(), requires)


def read_files(data: bytes) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Every file of the wheel with its bytes, each proved by the wheel's RECORD. Raises UpdateError."""
    with _opened(data) as archive:
        record_name = f"{_dist_info(archive)}/RECORD"
        record = _record(_text(archive, record_name))
        left = MAX_UNPACKED_BYTES
        for member in archive.infolist():
            if member.is_dir():
                continue
            left -= member.file_size
            if left < 0:
                raise UpdateError(f"the wheel has more than {MAX_UNPACKED_BYTES >> 20} MiB unpacked")
            content = archive.read(member)
            if member.filename != record_name and record.get(member.filename) != _record_digest(content):
                raise UpdateError(f"{member.filename} in the wheel does not have the digest of its RECORD")
            yield PurePosixPath(member.filename), content


@contextmanager
def _opened(data: bytes) -> Iterator[zipfile.ZipFile]:
    """The wheel as an open zip whose members are all acceptable; damage found later is told in the same words."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_members(archive)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, KeyError, UnicodeError, RuntimeError) as error:
        raise UpdateError(f"the wheel in the bundle is damaged: {error}") from error


def _check_members(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if len(members) > MAX_FILES:
        raise UpdateError(f"the wheel has {len(members)} files; at most {MAX_FILES} are allowed")
    names = [each.filename for each in members]
    if len({name.casefold().rstrip("/") for name in names}) != len(names):
        raise UpdateError("the wheel has two files of the same name")
    for each in members:
        if not _is_acceptable(each):
            raise UpdateError(f"the wheel has a member {each.filename!r:.80} that does not belong there")


def _is_acceptable(member: zipfile.ZipInfo) -> bool:
    parts = member.filename.rstrip("/").split("/")
    if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
        return False
    if not (parts[0].startswith(f"{DISTRIBUTION}_") or _DIST_INFO.fullmatch(parts[0])):
        return False
    if (member.external_attr >> 16) & TYPE_MASK == SYMLINK or member.filename.lower().endswith(COMPILED_SUFFIXES):
        return False
    return not member.flag_bits & ENCRYPTED and member.compress_type in KNOWN_COMPRESSION


def _dist_info(archive: zipfile.ZipFile) -> str:
    found = {name.split("/")[0] for name in archive.namelist()}
    folders = sorted(name for name in found if _DIST_INFO.fullmatch(name))
    if len(folders) != 1:
        raise UpdateError(f"the file in the bundle is not a wheel of {DISTRIBUTION}")
    return folders[0]


def _text(archive: zipfile.ZipFile, name: str) -> str:
    if archive.getinfo(name).file_size > MAX_TEXT_BYTES:
        raise UpdateError(f"{name} in the wheel is too long")
    return archive.read(name).decode()


def _record(text: str) -> dict[str, str]:
    return {row[0]: row[1] for row in csv.reader(io.StringIO(text)) if len(row) >= 2}


def _record_digest(content: bytes) -> str:
    """As RECORD writes it (PEP 376, 427)."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
