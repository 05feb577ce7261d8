"""The exchange format of reviewed frames: a folder of original frames and labels that the review page exports and training reads.

A folder holds ``reviewed.json`` (the manifest, written last), ``labels.jsonl`` (one frame a line) and ``frames/*.png`` (8-bit grey,
the recorded region as it was, nothing drawn on it). Coordinates are pixels of the PNG. What a reviewer did not judge is
*unknown*, which is not the same as absent.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from barbotage_models.contract.geometry import PointPx, Scale
from barbotage_models.errors import InvalidInputError, NotFoundError

SCHEMA = "barbotage.reviewed"
SCHEMA_VERSION = 1
MANIFEST_NAME = "reviewed.json"
LABELS_NAME = "labels.jsonl"
FRAMES_NAME = "frames"
LICENCE = "not licensed for redistribution unless the owner of the recordings says so"
OUTLINE_POINTS_MIN = 3
TEST_PERCENT = 10
VALIDATION_PERCENT = 10
"""Of the sessions; the shares that simulated data has (10 % test, 8 % validation)."""


class ReviewedSplit(StrEnum):
    """The set of a session; the values are those of simulated data."""

    TRAIN = "train"
    VALIDATION = "val"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class ShaftPx:
    """The seen part of a shaft, in pixels."""

    entry: PointPx
    end: PointPx


@dataclass(frozen=True, slots=True)
class ReviewedFrame:
    """One frame and what a reviewer says that it shows.

    ``deposits_known`` False: there may be deposits that are not outlined (those outlined are right). ``shaft`` None with
    ``needle_known``: no needle is to be seen; ``tip`` None with ``tip_known``: the tip is not to be seen. ``file`` is relative
    to the folder; ``verdicts`` says for each object how the reviewer came to it: accepted, rejected or corrected.
    """

    file: str
    session: str
    frame: int
    sequence: int
    reviewer: str
    width_px: int
    height_px: int
    scale: Scale | None
    deposits: tuple[tuple[PointPx, ...], ...] = ()
    deposits_known: bool = False
    shaft: ShaftPx | None = None
    needle_known: bool = False
    tip: PointPx | None = None
    tip_known: bool = False
    verdicts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReviewedSession:
    """Where frames come from. Sets are split by session: frames of one procedure are too alike to lie in two sets."""

    id: str
    split: ReviewedSplit
    frames: int
    simulated: bool
    software: str
    model: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReviewedManifest:
    """What a folder holds. ``labels_sha256`` is of ``labels.jsonl``."""

    sessions: tuple[ReviewedSession, ...]
    reviewers: tuple[str, ...]
    frames: int
    known: Mapping[str, int]
    """How many frames say something of deposits (all of them), needle and tip."""
    labels_sha256: str
    licence: str = LICENCE


def split_of_session(session: str) -> ReviewedSplit:
    """The set of a session, from its id alone: a session stays in its set whatever else is exported with it."""
    percent = int.from_bytes(hashlib.sha256(session.encode()).digest()[:8], "big") % 100
    if percent < TEST_PERCENT:
        return ReviewedSplit.TEST
    return ReviewedSplit.VALIDATION if percent < TEST_PERCENT + VALIDATION_PERCENT else ReviewedSplit.TRAIN


def count_known(frames: Iterable[ReviewedFrame]) -> dict[str, int]:
    """How many frames say something of each object."""
    counts = {"deposits": 0, "needle": 0, "tip": 0}
    for frame in frames:
        counts["deposits"] += frame.deposits_known
        counts["needle"] += frame.needle_known
        counts["tip"] += frame.tip_known
    return counts


def is_reviewed(folder: Path) -> bool:
    """Whether a folder holds reviewed frames."""
    return (folder / MANIFEST_NAME).is_file()


def write_labels(folder: Path, frames: Iterable[ReviewedFrame]) -> str:
    """Writes ``labels.jsonl`` and gives its SHA-256."""
    content = "".join(json.dumps(_frame_document(f), ensure_ascii=False, allow_nan=False) + "\n" for f in frames).encode()
    (folder / LABELS_NAME).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def write_manifest(folder: Path, manifest: ReviewedManifest) -> None:
    """Writes the manifest, atomically and last: a folder that has it is complete."""
    temporary = folder / (MANIFEST_NAME + ".part")
    temporary.write_text(json.dumps(manifest_document(manifest), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    temporary.replace(folder / MANIFEST_NAME)


def manifest_document(manifest: ReviewedManifest) -> dict[str, Any]:
    """The manifest as a JSON value."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "licence": manifest.licence,
        "frames": manifest.frames,
        "known": dict(manifest.known),
        "reviewers": list(manifest.reviewers),
        "labels_sha256": manifest.labels_sha256,
        "sessions": [
            {
                "id": s.id,
                "split": s.split.value,
                "frames": s.frames,
                "simulated": s.simulated,
                "software": s.software,
                "model": dict(s.model),
            }
            for s in manifest.sessions
        ],
    }


def read_manifest(folder: Path) -> ReviewedManifest:
    """The manifest of a folder. Raises NotFoundError, or InvalidInputError when it is something else or another version."""
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise NotFoundError(f"no {MANIFEST_NAME} in {folder}; export one with 'barbotage export labels'")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if (raw["schema"], raw["schema_version"]) != (SCHEMA, SCHEMA_VERSION):
            raise InvalidInputError(
                f"{path} has schema {raw['schema']!r} version {raw['schema_version']!r}; this software reads {SCHEMA!r} "
                f"version {SCHEMA_VERSION}"
            )
        return ReviewedManifest(
            sessions=tuple(_session(s) for s in raw["sessions"]),
            reviewers=tuple(str(r) for r in raw["reviewers"]),
            frames=int(raw["frames"]),
            known={str(k): int(v) for k, v in raw["known"].items()},
            labels_sha256=str(raw["labels_sha256"]),
            licence=str(raw["licence"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError(f"{path} is not a manifest of reviewed frames: {error!r}; export them again") from error


def read_frames(folder: Path) -> list[ReviewedFrame]:
    """Every labelled frame of a folder, in order.

    Raises NotFoundError without labels, InvalidInputError when they are damaged, changed since the export, or lead out of the folder.
    """
    manifest = read_manifest(folder)
    path = folder / LABELS_NAME
    if not path.is_file():
        raise NotFoundError(f"{path} is missing; export the labels again")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != manifest.labels_sha256:
        raise InvalidInputError(
            f"{path} is not the file that {MANIFEST_NAME} describes (SHA-256 differs); export the labels again"
        )
    frames = []
    for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), start=1):
        try:
            frames.append(_frame(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError, InvalidInputError) as error:
            raise InvalidInputError(
                f"{path}, line {number}, is not a reviewed frame: {error}; export the labels again"
            ) from error
    return frames


def _session(raw: Mapping[str, Any]) -> ReviewedSession:
    return ReviewedSession(
        id=str(raw["id"]),
        split=ReviewedSplit(raw["split"]),
        frames=int(raw["frames"]),
        simulated=bool(raw["simulated"]),
        software=str(raw["software"]),
        model=dict(raw["model"]),
    )


def _frame_document(frame: ReviewedFrame) -> dict[str, Any]:
    shaft = frame.shaft
    return {
        "file": frame.file,
        "session": frame.session,
        "frame": frame.frame,
        "sequence": frame.sequence,
        "reviewer": frame.reviewer,
        "size_px": [frame.width_px, frame.height_px],
        "scale_mm_per_px": None if frame.scale is None else [frame.scale.x_mm_per_px, frame.scale.z_mm_per_px],
        "known": {"deposits": frame.deposits_known, "needle": frame.needle_known, "tip": frame.tip_known},
        "deposits": [[_pair(p) for p in outline] for outline in frame.deposits],
        "shaft": None if shaft is None else {"entry_px": _pair(shaft.entry), "end_px": _pair(shaft.end)},
        "tip_px": None if frame.tip is None else _pair(frame.tip),
        "verdicts": dict(frame.verdicts),
    }


def _frame(raw: Mapping[str, Any]) -> ReviewedFrame:
    file = PurePosixPath(str(raw["file"]))
    if file.is_absolute() or ".." in file.parts:
        raise InvalidInputError(f"the file {str(file)!r} lies outside the folder")
    scale, shaft, tip, known = raw["scale_mm_per_px"], raw["shaft"], raw["tip_px"], raw["known"]
    width_px, height_px = (int(v) for v in raw["size_px"])
    return ReviewedFrame(
        file=str(file),
        session=str(raw["session"]),
        frame=int(raw["frame"]),
        sequence=int(raw["sequence"]),
        reviewer=str(raw["reviewer"]),
        width_px=width_px,
        height_px=height_px,
        scale=None if scale is None else Scale(float(scale[0]), float(scale[1])),
        deposits=tuple(_outline(outline) for outline in raw["deposits"]),
        deposits_known=bool(known["deposits"]),
        shaft=None if shaft is None else ShaftPx(_point(shaft["entry_px"]), _point(shaft["end_px"])),
        needle_known=bool(known["needle"]),
        tip=None if tip is None else _point(tip),
        tip_known=bool(known["tip"]),
        verdicts={str(k): str(v) for k, v in raw["verdicts"].items()},
    )


def _outline(raw: Any) -> tuple[PointPx, ...]:
    if len(raw) < OUTLINE_POINTS_MIN:
        raise InvalidInputError(f"an outline has {len(raw)} points; it needs at least {OUTLINE_POINTS_MIN}")
    return tuple(_point(p) for p in raw)


def _point(raw: Any) -> PointPx:
    x_px, y_px = (float(v) for v in raw)
    if not (math.isfinite(x_px) and math.isfinite(y_px)):
        raise InvalidInputError(f"{raw!r} is not a point")
    return PointPx(x_px, y_px)


def _pair(point: PointPx) -> list[float]:
    return [point.x_px, point.y_px]
