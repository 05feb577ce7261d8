"""What ``barbotage review --compare`` does and says: the present model against the record, as a table."""

import os
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.console import EXIT_DONE, EXIT_FAILED, Console, worst
from barbotage_device.errors import BarbotageError
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.models import choose_model
from barbotage_device.runtime.replay import Difference
from barbotage_device.session.reader import SessionReader
from barbotage_host.review.commands import sessions_at
from barbotage_host.review.rerun import Outcome, run_again

SHOWN_LINES = 20
"""Of the differences, in words; --json gives all that are kept."""
VALUE_CHARACTERS = 48


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """Which sessions, against which model (None: the bundled one)."""

    path: Path
    model: Path | None
    as_json: bool
    fail_on_difference: bool


def compare_sessions(request: CompareRequest, console: Console) -> int:
    """Compares every session; one table (or one object) each. The others go on when one cannot be opened."""
    sessions = sessions_at(request.path)
    model = choose_model(request.model, max(1, (os.cpu_count() or 1) - 1))
    return worst([_each(session, model, request, console) for session in sessions])


def _each(session: Path, model: LoadedModel, request: CompareRequest, console: Console) -> int:
    try:
        with SessionReader.open(session) as reader:
            found = run_again(reader, model, lambda done, total: console.progress(f"{session.name}: frame {done} of {total}"))
    except BarbotageError as error:
        console.error(str(error))
        if request.as_json:
            console.result_json({"path": str(session), "error": str(error)})
        return error.exit_code
    if request.as_json:
        console.result_json({"path": str(session), **found.document()})
    else:
        for line in table(session, found):
            console.result(line)
    return EXIT_FAILED if found.different and request.fail_on_difference else EXIT_DONE


def table(session: Path, found: Outcome) -> list[str]:
    """In words: counts, what differs in how many frames, and the first differences."""
    lines = [
        f"{session}",
        f"  recorded by   {found.recorded_model}" + ("" if found.lossless else ", frames stored as JPEG"),
        f"  run again by  {found.model}",
        f"  frames {found.frames}, compared {found.compared}, identical {found.compared - found.different}, different {found.different}",
    ]
    if found.different and not found.lossless:
        lines.append("  (the live run saw the frames before JPEG: small differences are expected)")
    lines += _changes(found)
    lines += [f"  {count:7d} frames differ in {kind}" for kind, count in sorted(found.by_kind.items(), key=lambda pair: -pair[1])]
    if found.listed:
        lines.append(f"  {'frame':>7}  {'what':40}  recorded -> run again")
        lines += [_line(one) for one in found.listed[:SHOWN_LINES]]
    if len(found.listed) > SHOWN_LINES:
        lines.append("          and more; --json lists them")
    return lines


def _changes(found: Outcome) -> list[str]:
    """What the operator would have been told otherwise, before the many small differences."""
    lines = [f"  frames that differ: {_ranges(found.frames_different)}"] if found.frames_different else []
    if found.tip_apart is not None:
        apart = found.tip_apart
        lines.append(
            f"  tips apart: median {apart['median']} {apart['unit']}, p95 {apart['p95']}, worst {apart['worst']} "
            f"({apart['frames']} frames)"
        )
    if found.frames_changed:
        counts = ", ".join(f"{kind} {count}" for kind, count in found.changed.items())
        lines.append(f"  told otherwise in {len(found.frames_changed)} frames ({counts}): {_ranges(found.frames_changed)}")
    return lines


def _line(one: Difference) -> str:
    return f"  {one.frame:7d}  {one.what:40}  {_short(one.recorded)} -> {_short(one.again)}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= VALUE_CHARACTERS else text[: VALUE_CHARACTERS - 1] + "…"


def _ranges(frames: tuple[int, ...]) -> str:
    """``0-4, 7, 9-12``."""
    runs: list[list[int]] = []
    for frame in frames:
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    words = [str(start) if start == end else f"{start}-{end}" for start, end in runs[:SHOWN_LINES]]
    return ", ".join(words) + (", …" if len(runs) > SHOWN_LINES else "")
