"""Writing that survives a cut: atomic replacement, whole writes, and the lock of a session in progress."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RESERVE_NAME = ".reserve"


def write_whole(descriptor: int, data: bytes | memoryview) -> None:
    """Writes every byte. Raises OSError."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def read_at(descriptor: int, length: int, offset: int) -> bytes:
    """``length`` bytes from ``offset``, fewer only at the end of the file; leaves the file's position alone, so threads may share it."""
    parts: list[bytes] = []
    while length > 0:
        part = os.pread(descriptor, length, offset)
        if not part:
            break
        parts.append(part)
        length -= len(part)
        offset += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def sync_directory(directory: Path) -> None:
    """Makes names created, renamed or removed in ``directory`` last over a power cut. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Puts ``data`` under ``path``: after a cut there is the old file or the new one, never a mixture. Raises OSError.

    ``mode`` is what the file permits, less what the process's umask forbids.
    """
    draft = path.with_name(path.name + ".tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        if mode & 0o077 == 0:
            os.fchmod(descriptor, mode)  # a draft left by a cut may permit more
        write_whole(descriptor, data)
        os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    sync_directory(path.parent)


class Reserve:
    """Room on the disk held back from everybody, to be given free when there is no other left."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        """Takes the room. Raises OSError when there is not so much."""
        self._path = path
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.posix_fallocate(descriptor, 0, size_bytes)
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Gives the room free; may be called more than once."""
        self._path.unlink(missing_ok=True)


class SessionLock:
    """The claim on a session's directory; the kernel drops it when the process ends, however it ends."""

    def __init__(self, directory: Path) -> None:
        """Claims ``directory``. Raises BlockingIOError while another process or recorder holds it, OSError otherwise."""
        self._descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise

    def release(self) -> None:
        """Gives the directory free; may be called more than once."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


@contextmanager
def claimed(directory: Path) -> Iterator[None]:
    """Holds the session's lock for a while. Raises BlockingIOError while it is being recorded or recovered."""
    lock = SessionLock(directory)
    try:
        yield
    finally:
        lock.release()


def is_claimed(directory: Path) -> bool:
    """Whether a living process records or recovers this session now."""
    try:
        SessionLock(directory).release()
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
    return False
