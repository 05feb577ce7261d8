"""What to fetch, in which order, and how long it will take. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from barbotage_device.session.manifest import DERIVED
from barbotage_host.sync.archive import Archived
from barbotage_host.sync.remote import RemoteSession, SessionFile

WORTH = ("manifest", "telemetry", "keyframes", "proxy", "video")
MANIFEST = "manifest"
HAVE = "in the archive"
NOT_YET = (HAVE, "being recorded", "being finished")
"""Reasons to leave a session out that are no problem: it is there, or will be had later."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """A file to be fetched."""

    session: str
    file: SessionFile


@dataclass(frozen=True, slots=True)
class Plan:
    """The files in the order of worth over all sessions, and the sessions that are left out with the reason."""

    fetches: tuple[Fetch, ...]
    skipped: tuple[tuple[str, str], ...]

    @property
    def total_bytes(self) -> int:
        """All of it."""
        return sum(each.file.bytes for each in self.fetches)

    def bytes_by_kind(self) -> dict[str, int]:
        """How much of each worth, the most valuable first."""
        kinds = sorted({each.file.kind for each in self.fetches}, key=_rank)
        return {kind: sum(each.file.bytes for each in self.fetches if each.file.kind == kind) for kind in kinds}


def to_be_listed(session: RemoteSession, held: Archived | None) -> bool:
    """Whether the files of a session must be asked for: it can be had, and it is not in the archive as it is on the device."""
    return session.complete and (held is None or not (held.damaged or held.bytes == session.bytes))


def make_plan(
    sessions: Sequence[tuple[RemoteSession, Sequence[SessionFile]]],
    archived: Mapping[str, Archived],
    wanted: frozenset[str] = frozenset(),
    failed: Mapping[str, str] | None = None,
) -> Plan:
    """The plan for ``sessions``; ``archived`` are there; ``wanted`` limits it to these, empty means all; ``failed`` cannot be had, and why.

    The newest session's telemetry comes first: that is what somebody waits for. Of a session in the archive to which the device has added
    since (its small video), the rest is fetched; one whose recorded part is another is left alone.
    """
    skipped: list[tuple[str, str]] = []
    fetches: list[tuple[int, int, int, Fetch]] = []
    for age, (session, files) in enumerate(sorted(sessions, key=lambda pair: pair[0].id, reverse=True)):
        if wanted and session.id not in wanted:
            continue
        held = archived.get(session.id)
        reason = (failed or {}).get(session.id) or _reason_to_skip(session, held, files)
        if reason is not None:
            skipped.append((session.id, reason))
            continue
        have = {(name, digest) for name, _, digest in held.digests} if held else set()
        fetches += [
            (_rank(file.kind), age, index, Fetch(session.id, file))
            for index, file in enumerate(files)
            if (file.name, file.sha256) not in have
        ]
    fetches.sort(key=lambda each: each[:3])
    return Plan(tuple(each[3] for each in fetches), tuple(skipped))


def time_left_s(missing_bytes: int, rate_bytes_per_s: float) -> float | None:
    """Seconds at the present rate; None while it is not known."""
    return missing_bytes / rate_bytes_per_s if rate_bytes_per_s > 0 else None


def arrivals_s(left_bytes: Mapping[str, int], rate_bytes_per_s: float) -> dict[str, float | None]:
    """In how many seconds each kind will be there whole, in the order of worth: the kinds before it come first. None before a rate is known."""
    before_bytes = 0
    found: dict[str, float | None] = {}
    for kind in sorted(left_bytes, key=_rank):
        before_bytes += left_bytes[kind]
        if left_bytes[kind]:
            found[kind] = time_left_s(before_bytes, rate_bytes_per_s)
    return found


def _reason_to_skip(session: RemoteSession, held: Archived | None, files: Sequence[SessionFile]) -> str | None:
    if held is not None and held.damaged:
        return "its manifest in the archive is damaged; see 'barbotage archive verify'"
    if held is not None and held.bytes == session.bytes:
        return HAVE
    if not session.complete:
        return session.state if held is None else HAVE
    if held is not None:
        recorded = {(name, digest) for name, kind, digest in held.digests if kind not in DERIVED}
        if recorded != {(file.name, file.sha256) for file in files if file.kind not in (*DERIVED, MANIFEST)}:
            return "its recording on the device is not the one in the archive, which was left as it is"
    return None


def _rank(kind: str) -> int:
    return WORTH.index(kind) if kind in WORTH else len(WORTH)
