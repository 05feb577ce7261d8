"""The commands ``sessions …``: list, verify, recover, mark, prune, make small videos."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from barbotage_device.console import EXIT_DONE, EXIT_FAILED, Console, worst
from barbotage_device.errors import BarbotageError, NotFoundError
from barbotage_device.runtime.progress import Progress
from barbotage_device.session.audit import verify
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import is_claimed
from barbotage_device.session.flags import mark, read_flags
from barbotage_device.session.manifest import DERIVED, Manifest, Segment, read_manifest
from barbotage_device.session.recovery import needs_recovery, recover
from barbotage_device.session.retention import RetentionSettings, make_room

NS_PER_S = 1e9
BYTES_PER_MB = 1e6
Record = dict[str, Any]


def list_sessions(root: Path, console: Console, as_json: bool) -> int:
    """One line, or JSON object, a session, oldest first. Raises NotFoundError when there is nothing at the path."""
    for path in _sessions(root):
        record = _listed(path)
        if as_json:
            console.result_json(record)
        else:
            console.result(_line(record))
    return EXIT_DONE


def verify_sessions(root: Path, console: Console, as_json: bool) -> int:
    """Whether each session is as it was closed; 1 when one is not, with the event or segment that breaks it."""

    def one(path: Path) -> int:
        found = verify(path, Progress(f"verifying {path.name}", console.note))
        if as_json:
            console.result_json({"path": str(path), "intact": found.intact, "problems": list(found.problems)})
        elif found.intact:
            console.result(f"{path}: intact")
        for problem in () if as_json else found.problems:
            console.result(f"{path}: {problem}")
        return EXIT_DONE if found.intact else EXIT_FAILED

    return _each(root, one, console)


def recover_sessions(root: Path, console: Console, as_json: bool) -> int:
    """Makes every session whole that a cut or damage has left otherwise; what is lost is said."""

    def one(path: Path) -> int:
        report = recover(path, Progress(f"recovering {path.name}", console.note))
        frames = 0 if report.manifest.summary is None else report.manifest.summary.frames
        if as_json:
            console.result_json(
                {"path": str(path), "changed": report.changed, "frames": frames, "lost": list(report.lost)}
                | {"rewritten": list(report.rewritten)}
            )
        elif not report.changed:
            console.result(f"{path}: whole, nothing to do")
        else:
            console.result(f"{path}: recovered, {frames} frames")
        for words in () if as_json else report.lost:
            console.result(f"  {words}")
        return EXIT_DONE

    return _each(root, one, console)


def mark_sessions(root: Path, marked: bool, console: Console) -> int:
    """Keeps the session from being removed, or allows it again."""

    def one(path: Path) -> int:
        try:
            mark(path, marked)
        except OSError as error:
            raise SessionError(f"{path}: cannot be marked ({error.strerror})") from error
        console.result(f"{path}: {'marked, it will be kept' if marked else 'not marked'}")
        return EXIT_DONE

    return _each(root, one, console)


def prune_sessions(root: Path, settings: RetentionSettings, console: Console, as_json: bool) -> int:
    """Removes the oldest synced, unmarked sessions until the budget holds. Raises RefusedError when it cannot."""
    _sessions(root)
    removed = make_room(root, settings, needed_bytes=0)
    if as_json:
        console.result_json({"removed": [str(path) for path in removed]})
        return EXIT_DONE
    for path in removed:
        console.result(f"{path}: removed")
    if not removed:
        console.result("nothing to remove: the sessions are within the budget")
    return EXIT_DONE


def make_proxies(root: Path, console: Console, as_json: bool) -> int:
    """Makes key frames and the small H.264 video of the session, or of each in a folder that lacks one of them."""
    # Only here: PyAV costs 30 MB.
    from barbotage_device.runtime.recording.keyframes import make_keyframes
    from barbotage_device.runtime.recording.proxy import make_proxy

    alone = _sessions(root) == [root]

    def one(path: Path) -> int:
        manifest = read_manifest(path)
        if not alone and all(manifest.of_kind(kind) for kind in DERIVED):
            console.note(f"{path}: has key frames and a small video already")
            return EXIT_DONE
        keyframes = make_keyframes(path)
        segment = make_proxy(path, Progress(f"small video of {path.name}", console.note))
        if as_json:
            console.result_json({"path": str(path), "proxy": _document(segment), "keyframes": _document(keyframes)})
        else:
            size = "no frame, no video"
            if segment is not None and keyframes is not None:
                size = f"{keyframes.messages} key frames, small video of {segment.bytes / BYTES_PER_MB:.1f} MB"
            console.result(f"{path}: {size}")
        return EXIT_DONE

    return _each(root, one, console)


def _document(segment: Segment | None) -> Record | None:
    return None if segment is None else asdict(segment)


def _sessions(root: Path) -> list[Path]:
    if not root.exists():
        raise NotFoundError(f"no folder at {root}; check the path")
    found = find_sessions(root)
    if not found:
        raise NotFoundError(f"{root}: no session there; give a session's folder or one that holds sessions")
    return found


def _each(root: Path, one: Callable[[Path], int], console: Console) -> int:
    """The exit code over all sessions: one that fails does not keep the others from their turn."""
    codes: list[int] = []
    for path in _sessions(root):
        try:
            codes.append(one(path))
        except BarbotageError as error:
            console.error(str(error))
            codes.append(error.exit_code)
    return worst(codes)


def _listed(path: Path) -> Record:
    """What the list says of a session; ``problem`` says in words why it cannot be read, or null."""
    size_bytes = sum(file.stat().st_size for file in path.glob("*") if file.is_file())
    base: Record = {"path": str(path), "bytes": size_bytes}
    try:
        manifest, flags = read_manifest(path), read_flags(path)
    except SessionError as error:
        return base | {"id": path.name, "state": "unreadable", "problem": str(error)}
    summary = manifest.summary
    return base | {
        "id": manifest.id,
        "state": manifest.state,
        "started_utc_ns": manifest.header.started_utc_ns,
        "source": manifest.header.source,
        "simulated": manifest.header.simulated,
        "side": manifest.header.side,
        "duration_s": None if summary is None else summary.duration_s,
        "frames": None if summary is None else summary.frames,
        "phase_reached": None if summary is None else summary.phase_reached,
        "marked": flags.marked,
        "synced_utc_ns": flags.synced_utc_ns,
        "proxy": bool(manifest.of_kind("proxy")),
        "keyframes": bool(manifest.of_kind("keyframes")),
        "problem": _problem(path, manifest),
    }


def _problem(path: Path, manifest: Manifest) -> str | None:
    if manifest.state == "recording" and is_claimed(path):
        return "is being recorded"
    return f"run 'barbotage-device sessions recover {path}'" if needs_recovery(path) else None


def _line(record: Record) -> str:
    parts = [record["id"], record["state"]]
    if "started_utc_ns" in record:
        started = datetime.fromtimestamp(record["started_utc_ns"] / NS_PER_S, tz=UTC)
        parts.append(started.strftime("%Y-%m-%d %H:%M UTC"))
    if record.get("duration_s") is not None:
        parts.append(f"{record['duration_s']:.0f} s, {record['frames']} frames")
    parts.append(f"{record['bytes'] / BYTES_PER_MB:.1f} MB")
    parts += [str(record[key]) for key in ("side", "phase_reached") if record.get(key)]
    parts += [word for key, word in (("marked", "marked"), ("synced_utc_ns", "synced")) if record.get(key)]
    if record["problem"] is not None:
        parts.append(record["problem"])
    return "  ".join(parts)
