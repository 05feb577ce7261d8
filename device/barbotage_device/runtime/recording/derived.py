"""Segments made from a closed session: its claim while they are made, and their way into the folder and the manifest."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from barbotage_device.errors import NotFoundError
from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import SessionLock, sync_directory
from barbotage_device.session.manifest import Segment, add_segment
from barbotage_device.session.reader import SessionReader

Progress = Callable[[int, int], None]
"""Parts done and parts in all."""


def add_derived(path: Path, name: str, what: str, write: Callable[[SessionReader, Path], Segment]) -> Segment | None:
    """Has ``write`` make the segment ``name`` of the session at ``path`` in a file out of sight, then enters it; None without a frame.

    One already there is replaced. ``what`` names it in errors. Raises NotFoundError; SessionError when the session must be recovered first or
    the disk fails.
    """
    with _claimed(path), SessionReader.open(path) as reader:
        if reader.frame_count == 0:
            return None
        partial = path / f".{name}.partial"
        with suppress(FileNotFoundError):
            partial.unlink()
        try:
            segment = write(reader, partial)
            partial.replace(path / name)
            sync_directory(path)
            segment = replace(segment, name=name)
            add_segment(path, segment)
        except OSError as error:
            raise SessionError(f"{path}: {what} cannot be written ({error.strerror or error})") from error
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
    return segment


def silent(done: int, total: int) -> None:
    """Progress when nobody wants to know."""


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    """Nobody else writes to or removes the session meanwhile."""
    if not path.is_dir():
        raise NotFoundError(f"{path}: no session there; give the folder that holds session.json")
    try:
        lock = SessionLock(path)
    except OSError as error:
        raise SessionError(f"{path}: is being recorded, recovered or removed; try again when that has ended") from error
    try:
        yield
    finally:
        lock.release()
