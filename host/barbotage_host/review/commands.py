"""What ``barbotage review``, ``recover`` and ``verify`` do and say."""

from collections.abc import Callable
from pathlib import Path

from barbotage_device.console import EXIT_DONE, EXIT_FAILED, Console, worst
from barbotage_device.errors import BarbotageError, NotFoundError, UsageError
from barbotage_device.session.audit import verify
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.recovery import recover
from barbotage_host.review.serve import ReviewServer, ServeRequest, open_browser

BYTES_PER_MB = 1_000_000

Action = Callable[[Path, Console, bool], int]


def sessions_at(path: Path) -> list[Path]:
    """The sessions at ``path`` or within. Raises NotFoundError when there is none."""
    if not path.exists():
        raise NotFoundError(f"there is nothing at {path}; give a session or a folder that holds sessions")
    found = find_sessions(path)
    if not found:
        raise NotFoundError(f"no session at {path} nor up to two folders below; a session is a folder with a session.json")
    return found


def one_session(path: Path) -> Path:
    """The session at ``path``, or the only one within. Raises NotFoundError without any, UsageError when there are several."""
    found = sessions_at(path)
    if len(found) > 1:
        raise UsageError(f"{path} holds {len(found)} sessions; name one of them, for example {found[-1]}")
    return found[0]


def review_in_browser(request: ServeRequest, console: Console, *, with_browser: bool, as_json: bool) -> int:
    """Serves the page until Ctrl-C; the address goes to stderr (with ``as_json`` to stdout)."""
    server = ReviewServer(request)
    url = server.url

    def ready() -> None:
        if as_json:
            console.result_json({"url": url, "port": server.launch.port})
        console.note(f"review page: {url}")
        console.note("Ctrl-C ends it")
        if with_browser:
            open_browser(url)

    server.run(ready)
    return EXIT_DONE


def recover_sessions(path: Path, console: Console, *, as_json: bool) -> int:
    """Recovers every session; one line (or object) each. The others go on when one cannot be recovered."""
    return worst([_each(session, console, as_json, _recovered) for session in sessions_at(path)])


def verify_sessions(path: Path, console: Console, *, as_json: bool) -> int:
    """Verifies every session; one line (or object) each, and one line for each problem."""
    return worst([_each(session, console, as_json, _verified) for session in sessions_at(path)])


def _recovered(session: Path, console: Console, as_json: bool) -> int:
    report = recover(session, _progress(console, f"recovering {session.name}"))
    if as_json:
        console.result_json(
            {"path": str(session), "changed": report.changed, "lost": list(report.lost), "rewritten": list(report.rewritten)}
        )
        return EXIT_DONE
    summary = report.manifest.summary
    words = "recovered" if report.changed else "is whole, nothing to do"
    frames = f" ({summary.frames} frames, {summary.duration_s:.1f} s)" if summary is not None else ""
    console.result(f"{session}: {words}{frames}")
    for lost in report.lost:
        console.result(f"  {lost}")
    return EXIT_DONE


def _verified(session: Path, console: Console, as_json: bool) -> int:
    outcome = verify(session, _progress(console, f"verifying {session.name}"))
    if as_json:
        console.result_json({"path": str(session), "intact": outcome.intact, "problems": list(outcome.problems)})
    else:
        console.result(f"{session}: {'intact' if outcome.intact else 'NOT as it was closed'}")
        for problem in outcome.problems:
            console.result(f"  {problem}")
    return EXIT_DONE if outcome.intact else EXIT_FAILED


def _each(session: Path, console: Console, as_json: bool, action: Action) -> int:
    try:
        return action(session, console, as_json)
    except BarbotageError as error:
        console.error(str(error))
        if as_json:
            console.result_json({"path": str(session), "error": str(error)})
        return error.exit_code


def _progress(console: Console, text: str) -> Callable[[int, int], None]:
    def told(done_bytes: int, total_bytes: int) -> None:
        console.progress(f"{text}: {done_bytes // BYTES_PER_MB} of {total_bytes // BYTES_PER_MB} MB")

    return told
