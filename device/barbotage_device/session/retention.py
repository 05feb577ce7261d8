"""Room for a new session: removes the oldest sessions that are synced and unmarked, never another, or refuses before anything begins."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.errors import RefusedError
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import is_claimed, sync_directory
from barbotage_device.session.flags import read_flags
from barbotage_device.session.manifest import read_manifest

REMOVING_PREFIX = ".removing-"
BYTES_PER_GB = 1e9


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """``budget_bytes``: what all sessions together may take; ``keep_free_bytes``: what stays free on the disk."""

    budget_bytes: int
    keep_free_bytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A session on the disk. ``reason``: why it may not be removed, None when it may; ``started_utc_ns`` orders them by age."""

    path: Path
    bytes: int
    started_utc_ns: int
    reason: str | None


def holdings(root: Path) -> list[Kept]:
    """Every session under ``root``, oldest first, with what it takes and whether it may be removed."""
    return sorted((_kept(path) for path in find_sessions(root)), key=lambda kept: (kept.started_utc_ns, kept.path.name))


def make_room(
    root: Path, settings: RetentionSettings, needed_bytes: int, disk_free: Callable[[], int] | None = None
) -> list[Path]:
    """Removes as few sessions as make room for ``needed_bytes`` more, and returns them.

    ``disk_free`` gives the free bytes of the disk. Raises RefusedError, having removed nothing, when there is not enough that may be removed.
    """
    free = disk_free or (lambda: shutil.disk_usage(root).free)
    _finish_removals(root)
    kept = holdings(root)
    excess = max(
        sum(each.bytes for each in kept) + needed_bytes - settings.budget_bytes, settings.keep_free_bytes + needed_bytes - free()
    )
    chosen: list[Kept] = []
    for each in kept:
        if excess <= sum(one.bytes for one in chosen):
            break
        if each.reason is None:
            chosen.append(each)
    if excess > sum(one.bytes for one in chosen):
        raise RefusedError(_refusal(root, settings, needed_bytes, free(), kept))
    for each in chosen:
        _remove(each.path)
    return [each.path for each in chosen]


def _kept(path: Path) -> Kept:
    size = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    try:
        manifest, flags = read_manifest(path), read_flags(path)
    except SessionError:
        return Kept(path, size, 0, "unreadable")
    if is_claimed(path):
        reason: str | None = "being recorded"
    elif manifest.state == "recording":
        reason = "to be recovered"
    elif flags.marked:
        reason = "marked"
    else:
        reason = "not synced" if flags.synced_utc_ns is None else None
    return Kept(path, size, manifest.header.started_utc_ns, reason)


def _refusal(root: Path, settings: RetentionSettings, needed_bytes: int, free_bytes: int, kept: list[Kept]) -> str:
    reasons = sorted({each.reason for each in kept if each.reason})
    held = ", ".join(
        f"{len(group)} {reason} ({_gb(sum(each.bytes for each in group))})"
        for reason in reasons
        if (group := [each for each in kept if each.reason == reason])
    )
    return (
        f"{root}: no room to record: needs {_gb(needed_bytes)}; the budget is {_gb(settings.budget_bytes)}, {_gb(free_bytes)} of the disk are free "
        f"and {_gb(settings.keep_free_bytes)} stay free; sessions that may not be removed: {held or 'none'}; "
        "sync or unmark sessions, or raise the budget"
    )


def _gb(count: int) -> str:
    return f"{count / BYTES_PER_GB:.2f} GB"


def _remove(path: Path) -> None:
    """Takes the session out of sight in one step, so that a cut in the middle leaves no half of it."""
    doomed = path.with_name(REMOVING_PREFIX + path.name)
    path.rename(doomed)
    sync_directory(path.parent)
    shutil.rmtree(doomed)


def _finish_removals(root: Path) -> None:
    for pattern in (f"{REMOVING_PREFIX}*", f"*/{REMOVING_PREFIX}*"):
        for leftover in root.glob(pattern):
            shutil.rmtree(leftover)
