"""The file operations of updates. Each is durable when it returns, so that a power cut leaves what came before it, whole."""

import hashlib
import os
import shutil
from pathlib import Path

from barbotage_device.session.files import sync_directory, write_whole

PIECE_BYTES = 1 << 20
COMPILED = "__pycache__"
"""Python writes there when it runs; not part of what was installed."""


class Disk:
    """The computer's disk. Tests put one in its place that stops at a chosen operation. Every method raises OSError."""

    def make_folder(self, path: Path) -> None:
        """A folder and those above it, for the owner alone."""
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        sync_directory(path.parent)

    def write(self, path: Path, data: bytes) -> None:
        """A file with these bytes; its name lasts once its folder was synced."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            write_whole(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Another name in the same folder, in one step."""
        old.replace(new)
        sync_directory(new.parent)

    def sync_folder(self, path: Path) -> None:
        """Makes the names in a folder last."""
        sync_directory(path)

    def remove(self, path: Path) -> None:
        """Removes a file or a folder with all it holds; nothing happens when it is not there."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def replace_file(disk: Disk, path: Path, data: bytes) -> None:
    """Puts ``data`` under ``path``: after a cut there is the old file or the new one."""
    draft = path.with_name(path.name + ".tmp")
    disk.write(draft, data)
    disk.rename(draft, path)


def tree_digest(folder: Path) -> str:
    """SHA-256 over names and contents of the files under ``folder``, what Python compiled left out. Raises OSError."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and COMPILED not in path.parts):
        digest.update(f"{file.relative_to(folder).as_posix()}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while piece := stream.read(PIECE_BYTES):
                digest.update(piece)
    return digest.hexdigest()
