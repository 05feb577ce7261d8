"""Reviewed frames as a training set: what reviewers accepted or corrected, in the exchange format that training reads."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2

from barbotage_device.capture.encoding import decode
from barbotage_device.errors import InvalidInputError, NotFoundError, RefusedError
from barbotage_device.session.reader import SessionReader
from barbotage_host.review.agreement import agree, judged_by, place_of
from barbotage_host.review.frames import FrameIndex
from barbotage_host.review.judged import Judged, judged_frames
from barbotage_host.review.measure_report import scale_of
from barbotage_host.review.reviews import InvalidReviewError, Review, checked_reviewer
from barbotage_host.review.sidecars import list_reviews
from barbotage_models.contract.reviewed import (
    FRAMES_NAME,
    ReviewedFrame,
    ReviewedManifest,
    ReviewedSession,
    ReviewedSplit,
    count_known,
    manifest_document,
    split_of_session,
    write_labels,
    write_manifest,
)

Progress = Callable[[int, int], None]
"""Told sessions done and sessions in all."""


@dataclass(frozen=True, slots=True)
class LabelExport:
    """What was exported, and in ``skipped``, in words, what was not."""

    folder: Path
    manifest: ReviewedManifest
    skipped: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"folder": str(self.folder), **manifest_document(self.manifest), "skipped": list(self.skipped)}


def export_labels(
    sessions: Sequence[Path],
    out: Path,
    reviewers: Sequence[str] = (),
    split: ReviewedSplit | None = None,
    progress: Progress | None = None,
) -> LabelExport:
    """Writes every judged frame of the sessions into the new folder ``out``; nothing is left there when it fails.

    With ``reviewers`` only their judgement counts, and of several that of the first named. Without, RefusedError is raised
    where two reviewers disagree about a frame. ``split`` puts all sessions into one set; by default it follows from a
    session's id. Raises RefusedError when ``out`` is not empty or a session is given twice, NotFoundError when no frame is
    judged or a named reviewer has none, InvalidReviewError when a side-car that counts is damaged.
    """
    names = tuple(map(checked_reviewer, reviewers))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RefusedError(f"{out} is not an empty folder; choose another or remove it first")
    temporary = out.with_name(out.name + ".part")
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / FRAMES_NAME).mkdir(parents=True)
    try:
        manifest, skipped = _written(sessions, temporary, names, split, progress)
        temporary.replace(out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return LabelExport(out, manifest, skipped)


def _written(
    sessions: Sequence[Path], folder: Path, names: tuple[str, ...], split: ReviewedSplit | None, progress: Progress | None
) -> tuple[ReviewedManifest, tuple[str, ...]]:
    frames: list[ReviewedFrame] = []
    described: list[ReviewedSession] = []
    skipped: list[str] = []
    for number, path in enumerate(sessions, start=1):
        # A session that nobody reviewed is not even opened: it may wait for its recovery.
        if list_reviews(path):
            with SessionReader.open(path) as reader:
                if any(s.id == reader.manifest.id for s in described):
                    raise RefusedError(f"the session {reader.manifest.id} is given twice ({path}); leave one out")
                found = list(_session_frames(reader, folder, names, skipped))
                if found:
                    described.append(_described(reader, len(found), split))
                frames += found
        if progress is not None:
            progress(number, len(sessions))
    _check_found(frames, names, len(sessions))
    digest = write_labels(folder, frames)
    who = tuple(sorted({frame.reviewer for frame in frames}))
    manifest = ReviewedManifest(tuple(described), who, len(frames), count_known(frames), digest)
    write_manifest(folder, manifest)
    return manifest, tuple(skipped)


def _check_found(frames: Sequence[ReviewedFrame], names: Sequence[str], sessions: int) -> None:
    if not frames:
        whose = f" by {' or '.join(names)}" if names else ""
        raise NotFoundError(
            f"no frame in {sessions} sessions is accepted or corrected{whose}; judge some with 'barbotage review' first"
        )


def _session_frames(reader: SessionReader, folder: Path, names: tuple[str, ...], skipped: list[str]) -> Iterator[ReviewedFrame]:
    index = FrameIndex.of(reader)
    reviews = _counting_reviews(reader, names, skipped)
    everywhere = sorted({frame for review in reviews for frame in judged_frames(review)})
    for frame in everywhere:
        if frame >= len(index):
            skipped.append(f"session {reader.manifest.id} has no frame {frame} (it has {len(index)})")
            continue
        judged = [(r.reviewer, judged_by(reader, index, r, frame)) for r in reviews if frame in judged_frames(r)]
        chosen = _first_named(judged) if names else _agreed(reader, judged)
        if chosen is not None and chosen[1].says_something:
            yield _exported(reader, folder, *chosen)


def _counting_reviews(reader: SessionReader, names: tuple[str, ...], skipped: list[str]) -> list[Review]:
    """The reviews that count, in the order in which they are named, else by name."""
    reviews = []
    for sidecar in list_reviews(reader.path):
        if names and sidecar.reviewer not in names:
            continue
        if sidecar.review is None:
            raise InvalidReviewError(sidecar.problem or f"{sidecar.path} cannot be read")
        if sidecar.review.session != reader.manifest.id:
            skipped.append(f"{sidecar.path} speaks of another session, {sidecar.review.session}")
            continue
        reviews.append(sidecar.review)
    return sorted(reviews, key=lambda r: names.index(r.reviewer)) if names else reviews


def _first_named(judged: Sequence[tuple[str, Judged]]) -> tuple[str, Judged] | None:
    return next(((name, one) for name, one in judged if one.excluded or one.says_something), None)


def _agreed(reader: SessionReader, judged: Sequence[tuple[str, Judged]]) -> tuple[str, Judged] | None:
    """The judgement that knows most of a frame, when nobody disagrees."""
    place = place_of(reader, judged[0][1].frame)
    for position, (name, one) in enumerate(judged):
        for other_name, other in judged[position + 1 :]:
            differs = agree(one, other, place).differs
            if differs:
                raise RefusedError(
                    f"{name} and {other_name} disagree about frame {one.frame} of session {reader.manifest.id} "
                    f"({', '.join(differs)}); say with --reviewer whose judgement counts (of several, the first named)"
                )
    return max(judged, key=lambda item: item[1].known, default=None)


def _exported(reader: SessionReader, folder: Path, reviewer: str, judged: Judged) -> ReviewedFrame:
    """Writes the frame's picture and gives its label."""
    recorded = reader.frame(judged.frame)
    identity = reader.manifest.id
    pixels = decode(recorded.data, f"session {identity}, frame {judged.frame}")
    file = f"{FRAMES_NAME}/{identity}-{recorded.sequence:06d}.png"
    done, data = cv2.imencode(".png", pixels)
    if not done:
        raise InvalidInputError(f"frame {judged.frame} of session {identity} cannot be written as PNG")
    (folder / file).write_bytes(data.tobytes())
    return ReviewedFrame(
        file=file,
        session=identity,
        frame=judged.frame,
        sequence=recorded.sequence,
        reviewer=reviewer,
        width_px=pixels.shape[1],
        height_px=pixels.shape[0],
        scale=scale_of(reader, judged.frame),
        deposits=judged.deposits,
        deposits_known=judged.deposits_known,
        shaft=judged.shaft,
        needle_known=judged.needle_known,
        tip=judged.tip,
        tip_known=judged.tip_known,
        verdicts=judged.verdicts,
    )


def _described(reader: SessionReader, frames: int, split: ReviewedSplit | None) -> ReviewedSession:
    header = reader.manifest.header
    return ReviewedSession(
        id=reader.manifest.id,
        split=split or split_of_session(reader.manifest.id),
        frames=frames,
        simulated=header.simulated,
        software=header.software.version,
        model=asdict(header.model),
    )
