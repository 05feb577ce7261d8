"""Whether a session is as it was closed: the digests of its segments and the chain of its events."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.errors import NotFoundError
from barbotage_device.session.catalogue import is_session
from barbotage_device.session.errors import SessionError
from barbotage_device.session.events import chain_problem
from barbotage_device.session.findings import segment_files
from barbotage_device.session.manifest import Manifest, read_manifest
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.rewriting import file_sha256

Progress = Callable[[int, int], None]
"""Bytes done and bytes in all."""


@dataclass(frozen=True, slots=True)
class Verification:
    """``problems`` in words, none when ``intact``; a break of the event chain names the first event that breaks it."""

    intact: bool
    problems: tuple[str, ...]


def verify(path: Path, progress: Progress | None = None) -> Verification:
    """Checks every byte against the manifest and every event against the one before it. Raises NotFoundError."""
    if not is_session(path):
        raise NotFoundError(f"{path}: no session there; give the folder that holds session.json")
    try:
        manifest = read_manifest(path)
    except SessionError as error:
        return Verification(intact=False, problems=(str(error),))
    problems = _segment_problems(path, manifest, progress or (lambda _done, _all: None))
    chain = event_problem(path)
    if chain is not None:
        problems.append(chain)
    return Verification(intact=not problems, problems=tuple(problems))


def event_problem(path: Path) -> str | None:
    """The first event that breaks the chain, in words, or why that cannot be told; None when it holds. Reads the events only."""
    try:
        with SessionReader.open(path) as reader:
            header = reader.manifest.header
            return chain_problem(header.id, reader.events(), header.started_capture_ns, reader.manifest.events)
    except SessionError as error:
        return str(error)


def _segment_problems(path: Path, manifest: Manifest, progress: Progress) -> list[str]:
    problems = [
        f"{name}: is not in the manifest"
        for name, _ in segment_files(path)
        if name not in {each.name for each in manifest.segments}
    ]
    total, done = sum(segment.bytes for segment in manifest.segments), 0
    for segment in manifest.segments:
        file = path / segment.name
        if not file.is_file():
            problems.append(f"{segment.name}: is missing")
        elif file.stat().st_size != segment.bytes:
            problems.append(f"{segment.name}: has {file.stat().st_size} bytes, the manifest says {segment.bytes}")
        elif file_sha256(file) != segment.sha256:
            problems.append(f"{segment.name}: its content was changed after it was closed")
        done += segment.bytes
        progress(done, total)
    return problems
