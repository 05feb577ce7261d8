"""Making a session whole after a pulled plug, a full disk or a damaged card. May be interrupted and run again at any point."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from barbotage_device.errors import NotFoundError, RefusedError
from barbotage_device.session.catalogue import is_session
from barbotage_device.session.errors import SessionError
from barbotage_device.session.events import chain_problem, first_previous
from barbotage_device.session.files import RESERVE_NAME, claimed, is_claimed
from barbotage_device.session.findings import GAP_WORDS, guessed_header, header_in, segment_files, telemetry_of
from barbotage_device.session.manifest import (
    DERIVED,
    Drops,
    EventsDigest,
    Header,
    Manifest,
    Recovery,
    Segment,
    SegmentKind,
    read_manifest,
    write_manifest,
)
from barbotage_device.session.rewriting import DRAFT_SUFFIX, adopt, file_sha256, repair
from barbotage_device.session.summary import summarise

CUT_OFF = "the recording was cut off; at most its last second is missing"

Progress = Callable[[int, int], None]
"""Bytes done and bytes in all."""


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """``changed``: whether anything had to be done; ``lost`` in words; ``rewritten``: names of the segments made anew."""

    manifest: Manifest
    changed: bool
    lost: tuple[str, ...]
    rewritten: tuple[str, ...]


def needs_recovery(path: Path) -> bool:
    """Whether the session must be recovered before it can be read: a quick look at manifest, names and sizes; False while it is being recorded."""
    if not is_session(path) or is_claimed(path):
        return False
    try:
        manifest = read_manifest(path)
    except SessionError:
        return True
    sizes = {segment.name: segment.bytes for segment in manifest.segments}
    return manifest.state == "recording" or sizes != {name: (path / name).stat().st_size for name, _ in segment_files(path)}


def recover(path: Path, progress: Progress | None = None) -> RecoveryReport:
    """Makes the session whole: a manifest and segments that open, with everything that can still be read.

    Sound segments stay byte for byte. Does nothing to a session that is whole. Raises NotFoundError, RefusedError while it is being
    recorded, SessionError when the disk does not let it be written.
    """
    if not is_session(path):
        raise NotFoundError(f"{path}: no session there; give the folder that holds session.json or telemetry-0000.mcap")
    with _claim(path):
        try:
            return _Recovery(path, progress or (lambda _done, _all: None)).run()
        except OSError as error:
            raise SessionError(
                f"{path}: cannot be recovered ({error}); make room or copy it to another disk, then recover it again"
            ) from error


@contextmanager
def _claim(path: Path) -> Iterator[None]:
    try:
        with claimed(path):
            yield
    except BlockingIOError as error:
        raise RefusedError(f"{path}: is being recorded or recovered now; wait until that has ended") from error


class _Recovery:
    """One run over one session."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self._path = path
        self._progress = progress
        self._rewritten: list[str] = []
        for leftover in (*path.glob(f".*{DRAFT_SUFFIX}"), *path.glob("*.tmp"), path / RESERVE_NAME):
            leftover.unlink(missing_ok=True)
        self._files = segment_files(path)
        try:
            self._before: Manifest | None = read_manifest(path)
        except SessionError:
            self._before = None
        self._lost = list(self._before.recovery.lost) if self._before and self._before.recovery else []
        self._header = self._find_header()

    def run(self) -> RecoveryReport:
        before = self._before
        if before is not None and before.state == "recording" and before.recovery is None:
            self._lose(CUT_OFF)
        known = {segment.name: segment for segment in before.segments} if before else {}
        segments = self._segments(known)
        if (
            before
            and before.state != "recording"
            and before.header == self._header
            and {each.name: each for each in segments} == known
        ):
            return RecoveryReport(before, changed=False, lost=(), rewritten=())
        manifest = self._manifest(segments)
        write_manifest(self._path, manifest)
        return RecoveryReport(manifest, changed=True, lost=tuple(self._lost), rewritten=tuple(self._rewritten))

    def _lose(self, words: str) -> None:
        if words not in self._lost:
            self._lost.append(words)

    def _find_header(self) -> Header:
        """From the segments, whose checksums vouch for it; else from the manifest; else what can be guessed."""
        found = header_in(self._path, self._files)
        if self._before is None:
            self._lose("session.json was missing or unreadable; it was made again")
        if found is not None:
            return found
        if self._before is not None:
            return self._before.header
        self._lose("the header was lost: device, software, model, source, side and scale are unknown")
        return guessed_header(self._path, self._files)

    def _segments(self, known: dict[str, Segment]) -> list[Segment]:
        """The segments, each made sound first."""
        sizes = {name: (self._path / name).stat().st_size for name, _ in self._files}
        for name in known.keys() - sizes.keys():
            self._lose(f"{name}: the file is missing")
        segments: list[Segment] = []
        done = 0
        for name, kind in self._files:
            segment = known.get(name)
            if segment is None or segment.bytes != sizes[name] or file_sha256(self._path / name) != segment.sha256:
                segment = self._repaired(name, kind, segments)
            segments.append(segment)
            done += sizes[name]
            self._progress(done, sum(sizes.values()))
        return segments

    def _repaired(self, name: str, kind: SegmentKind, before: list[Segment]) -> Segment:
        fixed = repair(self._path / name, kind, self._header)
        for words in fixed.lost:
            self._lose(words)
        if fixed.draft is not None:
            self._rewritten.append(name)
            if self._before is None:
                self._lose(CUT_OFF)
            self._note_progress(before)
            adopt(fixed, self._path / name)
        return fixed.segment

    def _note_progress(self, segments: list[Segment]) -> None:
        """Says what is lost before the damaged file goes, so that it is still known when recovery itself is cut off."""
        known = self._before or Manifest(self._header, "recording", (), EventsDigest(0, first_previous(self._header.id)))
        write_manifest(
            self._path,
            replace(
                known, header=self._header, state="recording", segments=tuple(segments), recovery=Recovery(tuple(self._lost), 0)
            ),
        )

    def _manifest(self, segments: list[Segment]) -> Manifest:
        header = self._header
        events, gaps = telemetry_of(self._path, segments)
        self._lost = [words for words in self._lost if not words.endswith(GAP_WORDS)] + gaps
        problem = chain_problem(header.id, events, header.started_capture_ns)
        if problem is not None:
            self._lose(f"the events: {problem}")
        times = [segment.last_ns for segment in segments if segment.last_ns is not None and segment.kind not in DERIVED]
        ended_ns = max(times, default=header.started_capture_ns)
        frames = sum(segment.messages for segment in segments if segment.kind == "video")
        return Manifest(
            header=header,
            state="recovered",
            segments=tuple(segments),
            events=EventsDigest(len(events), events[-1].digest if events else first_previous(header.id)),
            drops=self._before.drops if self._before else Drops(),
            ended_capture_ns=ended_ns,
            summary=summarise(events, frames, ended_ns - header.started_capture_ns),
            recovery=Recovery(tuple(self._lost), sum(segment.messages for segment in segments if segment.kind not in DERIVED)),
        )
