"""The sessions of a folder, as the link serves them."""

import hashlib
import os
import shutil
from pathlib import Path

from barbotage_device.link.errors import CallError, Code
from barbotage_device.link.serving import Document, FileInfo, OpenFile, SessionInfo
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import is_claimed, read_at, sync_directory
from barbotage_device.session.flags import mark, read_flags, set_synced
from barbotage_device.session.ids import is_ulid
from barbotage_device.session.manifest import MANIFEST_NAME, Manifest, read_manifest
from barbotage_device.session.retention import REMOVING_PREFIX

WORTH = ("telemetry", "keyframes", "proxy", "video")
"""After the manifest: what a reviewer needs first is fetched first."""


class StoredFile:
    """A closed segment on the disk; it never changes again."""

    def __init__(self, path: Path, sha256: str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size_bytes = os.fstat(self._descriptor).st_size
        self.sha256 = sha256

    def read_at(self, offset: int, length: int) -> bytes:
        """As in ByteSource."""
        return read_at(self._descriptor, length, offset)

    def close(self) -> None:
        """As in OpenFile."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class SessionFolder:
    """The sessions under ``root``. Those that are damaged or being recorded are listed but not served."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def sessions(self) -> list[SessionInfo]:
        """As in SessionStore."""
        return sorted((_info(path) for path in find_sessions(self._root)), key=lambda info: info.id)

    def files(self, session: str) -> list[FileInfo]:
        """As in SessionStore."""
        path, manifest = self._whole(session)
        data = (path / MANIFEST_NAME).read_bytes()
        found = [FileInfo(MANIFEST_NAME, "manifest", len(data), hashlib.sha256(data).hexdigest())]
        segments = sorted(manifest.segments, key=lambda segment: (WORTH.index(segment.kind), segment.name))
        return found + [FileInfo(each.name, each.kind, each.bytes, each.sha256) for each in segments]

    def open(self, session: str, name: str) -> OpenFile:
        """As in SessionStore."""
        path, manifest = self._whole(session)
        if name == MANIFEST_NAME:
            return Document((path / MANIFEST_NAME).read_bytes())
        segment = next((each for each in manifest.segments if each.name == name), None)
        if segment is None:
            raise CallError(Code.NOT_FOUND, f"session {session} has no file '{name[:80]}'")
        file = StoredFile(path / segment.name, segment.sha256)
        if file.size_bytes != segment.bytes:
            file.close()
            raise CallError(
                Code.INPUT_OUTPUT,
                f"{segment.name} of session {session} has {file.size_bytes} bytes, its manifest says {segment.bytes}",
            )
        return file

    def mark(self, session: str, marked: bool) -> None:
        """As in SessionStore."""
        mark(self._find(session), marked)

    def set_synced(self, session: str, utc_ns: int) -> None:
        """As in SessionStore."""
        set_synced(self._whole(session)[0], utc_ns)

    def delete(self, session: str, manifest_sha256: str, force: bool) -> None:
        """As in SessionStore."""
        path, _ = self._whole(session)
        if hashlib.sha256((path / MANIFEST_NAME).read_bytes()).hexdigest() != manifest_sha256:
            raise CallError(
                Code.REVISION_CONFLICT, f"session {session} on the device is not the one that the host has; sync it again"
            )
        flags = read_flags(path)
        if flags.marked:
            raise CallError(Code.FORBIDDEN, f"session {session} is marked to be kept; take the mark away first")
        if flags.synced_utc_ns is None and not force:
            raise CallError(Code.FORBIDDEN, f"session {session} has not been synced")
        doomed = path.with_name(REMOVING_PREFIX + path.name)
        path.rename(doomed)  # out of sight in one step: a cut leaves no half of it
        sync_directory(path.parent)
        shutil.rmtree(doomed)

    def _find(self, session: str) -> Path:
        if is_ulid(session):
            for path in find_sessions(self._root):
                if path.name == session:
                    return path
        raise CallError(Code.NOT_FOUND, f"there is no session '{session[:40]}'")

    def _whole(self, session: str) -> tuple[Path, Manifest]:
        path = self._find(session)
        try:
            manifest = read_manifest(path)
        except SessionError as error:
            raise CallError(Code.INPUT_OUTPUT, str(error)) from error
        if is_claimed(path):
            raise CallError(Code.BUSY, f"session {session} is being recorded or recovered")
        if manifest.state == "recording":
            raise CallError(Code.INPUT_OUTPUT, f"session {session} was cut and must be recovered on the device first")
        return path, manifest


def _info(path: Path) -> SessionInfo:
    try:
        manifest, flags = read_manifest(path), read_flags(path)
    except SessionError:
        return SessionInfo(path.name, 0, None, 0, "damaged", False, None)
    recorded, claimed = manifest.state == "recording", is_claimed(path)
    state = (
        ("being recorded" if claimed else "to be recovered") if recorded else ("being finished" if claimed else manifest.state)
    )
    return SessionInfo(
        id=path.name,
        started_utc_ns=manifest.header.started_utc_ns,
        duration_s=manifest.summary.duration_s if manifest.summary else None,
        bytes=sum(each.bytes for each in manifest.segments),
        state=state,
        marked=flags.marked,
        synced_utc_ns=flags.synced_utc_ns,
    )
