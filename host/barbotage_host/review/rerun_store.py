"""A re-run on disk: one line of JSON per frame and where each begins, so that any frame is read at once and none is kept in memory."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from barbotage_device.errors import NotFoundError
from barbotage_host.review.overlay import MOST_FRAMES, frame_range

ROWS_NAME = "overlay.jsonl"
OFFSETS_NAME = "offsets.npy"
DIFFERENCES_NAME = "differences.json"


class RerunWriter:
    """Writes what the present model sees of each frame, in rising order of frames; frames left out were not processed."""

    def __init__(self, folder: Path, frames: int) -> None:
        self._folder = folder
        self._rows = (folder / ROWS_NAME).open("wb")
        self._offsets = np.full(frames, -1, dtype=np.int64)

    def __enter__(self) -> "RerunWriter":
        return self

    def add(self, frame: int, detections: dict[str, Any], guidance: dict[str, Any]) -> None:
        """One frame."""
        self._offsets[frame] = self._rows.tell()
        line = json.dumps({"frame": frame, "detections": detections, "guidance": guidance}, allow_nan=False)
        self._rows.write(line.encode() + b"\n")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._rows.close()
        if error is None:
            np.save(self._folder / OFFSETS_NAME, self._offsets)


def write_differences(folder: Path, document: dict[str, Any]) -> None:
    """The list of differences; written last, its presence says that the re-run is complete."""
    (folder / DIFFERENCES_NAME).write_text(json.dumps(document, allow_nan=False), encoding="utf-8")


def read_differences(folder: Path | None) -> bytes:
    """The JSON of the differences. Raises NotFoundError before a re-run has ended."""
    return (_complete(folder) / DIFFERENCES_NAME).read_bytes()


def read_overlay(folder: Path | None, first: int, count: int) -> list[dict[str, Any]]:
    """Rows as those of the recorded overlay. Raises NotFoundError before a re-run has ended, InvalidInputError out of range."""
    place = _complete(folder)
    offsets = np.load(place / OFFSETS_NAME, mmap_mode="r")
    frames = frame_range(len(offsets), first, count, MOST_FRAMES)
    found = {row["frame"]: row for row in _rows(place, [int(offsets[frame]) for frame in frames if offsets[frame] >= 0])}
    return [found.get(frame, {"frame": frame, "detections": None, "guidance": None}) for frame in frames]


def _rows(folder: Path, offsets: Iterable[int]) -> Iterable[dict[str, Any]]:
    with (folder / ROWS_NAME).open("rb") as stream:
        for offset in offsets:
            stream.seek(offset, os.SEEK_SET)
            row: dict[str, Any] = json.loads(stream.readline())
            yield row


def _complete(folder: Path | None) -> Path:
    if folder is None or not (folder / DIFFERENCES_NAME).is_file():
        raise NotFoundError("this session was not run again in this launch; start it first")
    return folder
