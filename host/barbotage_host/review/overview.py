"""What the list shows of each session, and what the player needs before its first frame: no records are read but events."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from barbotage_device.errors import BarbotageError
from barbotage_device.session.events import Event, chain_problem
from barbotage_device.session.flags import read_flags
from barbotage_device.session.manifest import Manifest, manifest_document
from barbotage_device.session.reader import SessionReader
from barbotage_host.review.continued import Find
from barbotage_host.review.frames import FrameIndex
from barbotage_host.review.library import Entry, Opened
from barbotage_host.review.procedure_record import Told, procedure_document, state_rows
from barbotage_host.review.series import FRAMES_AXIS, POD_AXIS, series_of
from barbotage_host.review.sidecars import FOLDER, SUFFIX


def row(entry: Entry) -> dict[str, Any]:
    """One line of the list. What a damaged session cannot say is None."""
    record: dict[str, Any] = {
        "id": entry.identity,
        "path": str(entry.path),
        "problem": entry.problem,
        "recoverable": entry.recoverable,
        "marked": _marked(entry),
        "reviewers": _reviewers(entry),
    }
    return record | _told(entry.manifest)


def details(opened: Opened, identity: str, find: Find) -> dict[str, Any]:
    """Everything of a session that the player needs at once. ``chain`` says whether the events are as they were recorded.

    ``find`` gives the sessions that this one goes on from.
    """
    reader, index = opened.reader, opened.index
    events = reader.events()
    header = reader.manifest.header
    broken = chain_problem(header.id, events, header.started_capture_ns, reader.manifest.events)
    specs = series_of(reader)
    told = Told(reader, index, events)
    return manifest_document(reader.manifest) | {
        "id": identity,
        "path": str(opened.path),
        "frame_count": len(index),
        "rate_hz": index.rate_hz(),
        "duration_s": index.seconds(int(index.capture_ns[-1])) if len(index) else 0.0,
        "geometry": geometry(reader, index),
        "events": [event_row(event, index) for event in events],
        "phases": state_rows(told),
        "procedure": procedure_document(told, find),
        "prompts": prompts(events, index),
        "axes": {FRAMES_AXIS: len(index), POD_AXIS: any(spec.axis == POD_AXIS for spec in specs)},
        "series": [spec.record() for spec in specs],
        "chain": {"intact": broken is None, "problem": broken},
        "damage": [str(each) for each in reader.damage],
    }


def event_row(event: Event, index: FrameIndex) -> dict[str, Any]:
    """An event with its second and its frame."""
    return {
        "index": event.index,
        "t_s": round(index.seconds(event.at_ns), 6),
        "frame": index.at_time(event.at_ns),
        "kind": event.kind,
        "by": event.by,
        "value": event.value,
    }


def prompts(events: Sequence[Event], index: FrameIndex) -> list[dict[str, Any]]:
    """The prompts in the order in which they rose, shown and held back."""
    return [
        {
            "kind": event.value.get("kind"),
            "priority": event.value.get("priority"),
            "shown": bool(event.value.get("shown")),
            "frame": index.at_time(event.at_ns),
            "t_s": round(index.seconds(event.at_ns), 6),
        }
        for event in events
        if event.kind == "prompt"
    ]


def geometry(reader: SessionReader, index: FrameIndex) -> list[dict[str, Any]]:
    """From which frame on the recorded picture has which size and scale."""
    return [
        {
            "from_frame": 0 if number == 0 else index.from_sequence(each.sequence),
            "width_px": each.width_px,
            "height_px": each.height_px,
            "scale_mm_per_px": each.scale_mm_per_px,
        }
        for number, each in enumerate(reader.geometries)
    ]


def _told(manifest: Manifest | None) -> dict[str, Any]:
    header = manifest.header if manifest is not None else None
    summary = manifest.summary if manifest is not None else None
    return {
        "state": manifest.state if manifest is not None else None,
        "started_utc_ns": header.started_utc_ns if header is not None else None,
        "side": header.side if header is not None else None,
        "simulated": header.simulated if header is not None else None,
        "link": header.link if header is not None else None,
        "source": header.source if header is not None else None,
        "duration_s": summary.duration_s if summary is not None else None,
        "frames": summary.frames if summary is not None else None,
        "phase_reached": summary.phase_reached if summary is not None else None,
        "deposit_before": asdict(summary.deposit_before) if summary is not None and summary.deposit_before is not None else None,
        "deposit_after": asdict(summary.deposit_after) if summary is not None and summary.deposit_after is not None else None,
        "prompts": summary.prompts if summary is not None else {},
    }


def _marked(entry: Entry) -> bool:
    try:
        return read_flags(entry.path).marked
    except BarbotageError:
        return False


def _reviewers(entry: Entry) -> list[str]:
    """From the names of the files alone: a list of many sessions reads none of them."""
    folder = entry.path / FOLDER
    if not folder.is_dir():
        return []
    return sorted(path.stem for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith("."))
