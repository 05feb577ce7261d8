"""What to fetch, in which order, and how long it will take. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass

from barbotage_host.sync.remote import RemoteSession, SessionFile

WORTH = ("manifest", "telemetry", "keyframes", "proxy", "video")


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


def make_plan(
    sessions: Sequence[tuple[RemoteSession, Sequence[SessionFile]]],
    archived: frozenset[str],
    wanted: frozenset[str] = frozenset(),
) -> Plan:
    """The plan for ``sessions``; ``archived`` are there already; ``wanted`` limits it to these, empty means all.

    The newest session's telemetry comes first: that is what somebody waits for.
    """
    skipped: list[tuple[str, str]] = []
    fetches: list[tuple[int, int, int, Fetch]] = []
    for age, (session, files) in enumerate(sorted(sessions, key=lambda pair: pair[0].id, reverse=True)):
        if wanted and session.id not in wanted:
            continue
        if session.id in archived:
            skipped.append((session.id, "in the archive"))
        elif not session.complete:
            skipped.append((session.id, session.state))
        else:
            fetches += [(_rank(file.kind), age, index, Fetch(session.id, file)) for index, file in enumerate(files)]
    fetches.sort(key=lambda each: each[:3])
    return Plan(tuple(each[3] for each in fetches), tuple(skipped))


def time_left_s(missing_bytes: int, rate_bytes_per_s: float) -> float | None:
    """Seconds at the present rate; None while it is not known."""
    return missing_bytes / rate_bytes_per_s if rate_bytes_per_s > 0 else None


def _rank(kind: str) -> int:
    return WORTH.index(kind) if kind in WORTH else len(WORTH)
