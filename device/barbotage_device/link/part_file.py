"""A file on its way: its bytes beside a journal of which ones are there. It gets its name when its digest is right."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from barbotage_device.link.intervals import Intervals
from barbotage_device.session.files import replace_atomically, sync_directory

JOURNAL_EVERY_S = 0.5
HASH_PIECE_BYTES = 1 << 20


class PartFile:
    """``<name>.part`` and ``<name>.part.json`` in ``folder``, taken up again when they belong to the same file. ``clock_s`` is monotonic."""

    def __init__(self, folder: Path, name: str, size_bytes: int, sha256: str, clock_s: Callable[[], float]) -> None:
        """Raises OSError."""
        self.name = name
        self._final = folder / name
        self._part = folder / f"{name}.part"
        self._journal = folder / f"{name}.part.json"
        self._size_bytes = size_bytes
        self._sha256 = sha256
        self._clock_s = clock_s
        self._descriptor = os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        present = self._present()
        self.missing = Intervals([(0, size_bytes)])
        for start, end in present:
            self.missing.remove(start, end)
        self._written_s = clock_s()
        self._interval_s = JOURNAL_EVERY_S

    @property
    def resumed_bytes(self) -> int:
        """What was there already."""
        return self._size_bytes - self.missing.total

    def write_at(self, offset: int, data: bytes) -> None:
        """Keeps a piece. Raises OSError, after which what was journalled is still good."""
        left = memoryview(data)
        while left:
            count = os.pwrite(self._descriptor, left, offset)
            left, offset = left[count:], offset + count

    def checkpoint(self, force: bool = False) -> None:
        """Journals now and then what is there, after it has reached the disk. A slow disk is not asked more than a tenth of the time."""
        started_s = self._clock_s()
        if not force and started_s - self._written_s < self._interval_s:
            return
        os.fdatasync(self._descriptor)
        document = {"bytes": self._size_bytes, "sha256": self._sha256, "missing": [list(each) for each in self.missing]}
        replace_atomically(self._journal, json.dumps(document).encode())
        self._written_s = self._clock_s()
        self._interval_s = max(JOURNAL_EVERY_S, 10 * (self._written_s - started_s))

    def verified(self) -> bool:
        """Whether all bytes are there and right."""
        if self.missing or os.fstat(self._descriptor).st_size != self._size_bytes:
            return False
        return self.digest(0, self._size_bytes) == self._sha256

    def digest(self, offset: int, length: int) -> str:
        """SHA-256 of a piece, hexadecimal."""
        digest = hashlib.sha256()
        end = offset + length
        while offset < end:
            piece = os.pread(self._descriptor, min(HASH_PIECE_BYTES, end - offset), offset)
            if not piece:
                break
            digest.update(piece)
            offset += len(piece)
        return digest.hexdigest()

    def finish(self) -> None:
        """Gives the verified file its name; what was there under that name is replaced in one step."""
        os.fsync(self._descriptor)
        self.close()
        self._part.replace(self._final)
        for leftover in (self._journal, self._journal.with_name(self._journal.name + ".tmp")):
            leftover.unlink(missing_ok=True)  # the second is of a journal that a full disk did not let be written
        sync_directory(self._final.parent)

    def close(self) -> None:
        """Leaves it to be taken up again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _present(self) -> list[tuple[int, int]]:
        """The ranges that the journal vouches for, none when it is of another file or damaged."""
        try:
            document = json.loads(self._journal.read_bytes())
            same = (document["bytes"], document["sha256"]) == (self._size_bytes, self._sha256)
            missing = Intervals((int(start), int(end)) for start, end in document["missing"])
        except (OSError, ValueError, KeyError, TypeError):
            same, missing = False, Intervals()
        if not same or os.fstat(self._descriptor).st_size > self._size_bytes:
            os.ftruncate(self._descriptor, 0)
            os.ftruncate(self._descriptor, self._size_bytes)
            return []
        os.ftruncate(self._descriptor, self._size_bytes)
        present = Intervals([(0, self._size_bytes)])
        for start, end in missing:
            present.remove(start, end)
        return list(present)
