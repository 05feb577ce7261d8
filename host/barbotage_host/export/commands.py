"""What the commands ``barbotage export …`` do and say."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.bedside.texts import Language
from barbotage_device.capture.session_source import recorded_frame
from barbotage_device.console import EXIT_DONE, Console
from barbotage_device.errors import NotFoundError, UsageError
from barbotage_device.session.reader import SessionReader
from barbotage_host.export.procedure import COLUMNS as PROCEDURE_COLUMNS
from barbotage_host.export.procedure import procedure_of, procedure_rows
from barbotage_host.review.commands import one_session, sessions_at
from barbotage_host.review.frames import FrameIndex
from barbotage_host.review.labels import export_labels
from barbotage_host.review.measure_report import COLUMNS, measures_rows
from barbotage_host.review.pictures import overlay_png, png
from barbotage_host.review.series import frame_curves, pod_curve
from barbotage_host.review.tables import csv_text, jsonl_text, rows
from barbotage_host.review.video import VideoRequest, write_video
from barbotage_models.contract.reviewed import ReviewedSplit

FORMS = {"csv": csv_text, "jsonl": jsonl_text}


@dataclass(frozen=True, slots=True)
class FrameExport:
    """Which frame goes where, and how."""

    session: Path
    frame: int
    out: Path
    overlay: bool
    language: str
    as_json: bool


@dataclass(frozen=True, slots=True)
class VideoExport:
    """Which frames (``first`` to before ``end``) go into which file, and how."""

    session: Path
    out: Path
    first: int
    end: int | None
    with_overlay: bool
    language: str
    as_json: bool


@dataclass(frozen=True, slots=True)
class LabelsRequest:
    """Whose judgements go where."""

    path: Path
    out: Path
    reviewers: tuple[str, ...]
    split: str | None
    as_json: bool


def export_frame(request: FrameExport, console: Console) -> int:
    """Writes a PNG. Raises InvalidInputError for a frame that does not exist or has no overlay."""
    language = _language(request.language)
    _check_folder(request.out)
    with SessionReader.open(one_session(request.session)) as reader:
        if request.overlay:
            content = overlay_png(reader, FrameIndex.of(reader), request.frame, language)
        else:
            content = png(recorded_frame(reader, request.frame).pixels)
    _replace(request.out, content)
    _say(console, request.as_json, request.out, {"frame": request.frame, "overlay": request.overlay})
    return EXIT_DONE


def export_video(request: VideoExport, console: Console) -> int:
    """Writes an MP4, with progress."""
    wanted = VideoRequest(request.out, request.first, request.end, request.with_overlay, _language(request.language))
    _check_folder(request.out)
    with SessionReader.open(one_session(request.session)) as reader:
        made = write_video(reader, wanted, lambda done, total: console.progress(f"frame {done} of {total}"))
    _say(console, request.as_json, request.out, made)
    return EXIT_DONE


def export_series(session: Path, form: str, out: Path | None, console: Console) -> int:
    """Writes the table of curves to a file or stdout."""
    if form not in FORMS:
        raise UsageError(f"--format {form!r} is not known; use {' or '.join(FORMS)}")
    with SessionReader.open(one_session(session)) as reader:
        index = FrameIndex.of(reader)
        _write_text(FORMS[form](rows(index, frame_curves(reader, index), pod_curve(reader, index))), out, console)
    return EXIT_DONE


def export_measures(path: Path, reviewers: Sequence[str], out: Path | None, console: Console, *, as_json: bool) -> int:
    """Writes the measures of one or many sessions to a file or stdout."""
    _write_text(_measures(sessions_at(path), reviewers, as_json), out, console)
    return EXIT_DONE


def export_procedures(path: Path, out: Path | None, console: Console, *, as_json: bool) -> int:
    """Writes the procedures of one or many sessions to a file or stdout."""
    _write_text(_procedures(sessions_at(path), as_json), out, console)
    return EXIT_DONE


def export_label_folder(request: LabelsRequest, console: Console) -> int:
    """Writes a training set; says what was left out and why."""
    splits = [split.value for split in ReviewedSplit]
    if request.split is not None and request.split not in splits:
        raise UsageError(f"--split {request.split!r} is not known; use {', '.join(splits)}")
    split = None if request.split is None else ReviewedSplit(request.split)
    made = export_labels(
        sessions_at(request.path),
        request.out,
        request.reviewers,
        split,
        lambda done, total: console.progress(f"session {done} of {total}"),
    )
    for skipped in made.skipped:
        console.warning(skipped)
    if request.as_json:
        console.result_json(made.document())
    else:
        console.result(f"{made.folder}: {made.manifest.frames} frames of {len(made.manifest.sessions)} sessions")
    return EXIT_DONE


def _measures(sessions: Iterable[Path], reviewers: Sequence[str], as_json: bool) -> Iterable[str]:
    if not as_json:
        yield _csv_line(COLUMNS)
    for session in sessions:
        with SessionReader.open(session) as reader:
            for row in measures_rows(reader, reviewers):
                yield json.dumps(row, allow_nan=False) + "\n" if as_json else _csv_line([row[name] for name in COLUMNS])


def _procedures(sessions: Iterable[Path], as_json: bool) -> Iterable[str]:
    if not as_json:
        yield _csv_line(PROCEDURE_COLUMNS)
    for session in sessions:
        document = procedure_of(session)
        if as_json:
            yield json.dumps(document, allow_nan=False, ensure_ascii=False) + "\n"
        else:
            yield "".join(_csv_line([row[name] for name in PROCEDURE_COLUMNS]) for row in procedure_rows(document))


def _csv_line(values: Iterable[object]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerow(values)
    return stream.getvalue()


def _write_text(parts: Iterable[str], out: Path | None, console: Console) -> None:
    if out is None:
        for part in parts:
            if part:
                console.result(part.removesuffix("\n"))
        return
    _check_folder(out)
    partial = _partial(out)
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(parts)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    console.note(f"wrote {out}")


def _replace(out: Path, content: bytes) -> None:
    partial = _partial(out)
    try:
        partial.write_bytes(content)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _partial(out: Path) -> Path:
    return out.with_name(f".{out.name}.partial")


def _check_folder(out: Path) -> None:
    if not out.parent.is_dir():
        raise NotFoundError(f"there is no folder {out.parent} to write {out.name} into; make it first")
    if out.is_dir():
        raise UsageError(f"--out {out} is a folder; name a file")


def _say(console: Console, as_json: bool, out: Path, facts: dict[str, object]) -> None:
    if as_json:
        console.result_json({"path": str(out), **facts})
    else:
        console.result(f"wrote {out}" + "".join(f", {name.replace('_', ' ')} {value}" for name, value in facts.items()))


def _language(text: str) -> Language:
    try:
        return Language(text)
    except ValueError as error:
        raise UsageError(f"--language {text!r} is not known; use {' or '.join(Language)}") from error
