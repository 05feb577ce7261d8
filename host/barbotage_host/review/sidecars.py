"""Where reviews are kept: one JSON file per reviewer in a session's folder ``review``, replaced whole and never lost to a second writer."""

import fcntl
import json
import os
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from barbotage_device.errors import NotFoundError, RefusedError
from barbotage_device.session.files import replace_atomically
from barbotage_host.review.reviews import InvalidReviewError, Review, checked_reviewer, document, parse_review

FOLDER = "review"
SUFFIX = ".json"
SIDECAR_MAX_BYTES = 32_000_000
"""Ten times a thoroughly corrected 10-minute session; a larger file is not read into memory."""


class StaleRevisionError(RefusedError):
    """Somebody stored another revision in between; ``revision`` is the present one."""

    def __init__(self, message: str, revision: int) -> None:
        super().__init__(message)
        self.revision = revision


@dataclass(frozen=True, slots=True)
class Sidecar:
    """One reviewer's file: its review, or the words that say why it cannot be read. A damaged file is left as it is."""

    reviewer: str
    path: Path
    review: Review | None
    problem: str | None


def list_reviews(session: Path) -> list[Sidecar]:
    """Every reviewer's file of a session directory, sorted by name; empty when nobody has reviewed it."""
    folder = session / FOLDER
    if not folder.is_dir():
        return []
    return [_read(path) for path in sorted(folder.iterdir()) if path.suffix == SUFFIX and not path.name.startswith(".")]


def load(session: Path, reviewer: str) -> Review | None:
    """One reviewer's review; None when there is none yet. Raises InvalidReviewError when the name or the file is no good."""
    path = _path(session, reviewer)
    if not path.is_file():
        return None
    sidecar = _read(path)
    if sidecar.review is None:
        raise InvalidReviewError(sidecar.problem or f"{path} cannot be read")
    return sidecar.review


def save(session: Path, review: Review, expected_revision: int, utc_ns: Callable[[], int] = time.time_ns) -> Review:
    """Stores a review when the file still has ``expected_revision`` (0: no file yet); gives it with its new revision and time.

    Raises StaleRevisionError when the file has another revision, InvalidReviewError when the present file is damaged (it is
    kept) or the name differs from another reviewer's in upper and lower case only, NotFoundError when the session is gone.
    """
    path = _path(session, review.reviewer)
    if not session.is_dir():
        raise NotFoundError(f"the session {session} is gone; the review was not stored")
    path.parent.mkdir(exist_ok=True)
    with _only_writer(path.parent):
        _check_alone(path)
        present = load(session, review.reviewer)
        revision = 0 if present is None else present.revision
        if revision != expected_revision:
            raise StaleRevisionError(
                f"the review of {review.reviewer} was stored elsewhere in between (revision {revision}, expected "
                f"{expected_revision}); load it again",
                revision,
            )
        stored = replace(review, revision=revision + 1, updated_utc_ns=utc_ns())
        replace_atomically(
            path, json.dumps(document(stored), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        )
    return stored


def _path(session: Path, reviewer: str) -> Path:
    return session / FOLDER / (checked_reviewer(reviewer) + SUFFIX)


def _read(path: Path) -> Sidecar:
    try:
        review = _parsed(path)
    except (OSError, ValueError, RecursionError, InvalidReviewError) as error:
        problem = f"the review {path} cannot be used: {error}; it is kept as it is: repair it or move it away"
        return Sidecar(path.stem, path, None, problem)
    return Sidecar(review.reviewer, path, review, None)


def _parsed(path: Path) -> Review:
    if path.stat().st_size > SIDECAR_MAX_BYTES:
        raise InvalidReviewError(f"it has more than {SIDECAR_MAX_BYTES} bytes")
    review = parse_review(json.loads(path.read_text(encoding="utf-8")))
    if unicodedata.normalize("NFC", path.stem) != review.reviewer:
        raise InvalidReviewError(f"it says that its reviewer is {review.reviewer!r}")
    return review


def _check_alone(path: Path) -> None:
    """Two names that differ only in case are one file on some systems, and one person everywhere."""
    for other in path.parent.iterdir():
        if other.name != path.name and other.name.casefold() == path.name.casefold():
            raise InvalidReviewError(f"there is already a reviewer {other.stem!r}; write the name {path.stem!r} the same way")


@contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    """Holds the folder's lock: threads and other processes that store at the same moment wait."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
