"""What the device knew of each recorded frame: its detections and guidance, frame by frame."""

from typing import Any

from barbotage_device.errors import InvalidInputError
from barbotage_device.session.reader import SessionReader
from barbotage_host.review.frames import FrameIndex

MOST_FRAMES = 300
TOPICS = {"detections": "/detections", "guidance": "/guidance"}


def overlay(reader: SessionReader, index: FrameIndex, first: int, count: int) -> list[dict[str, Any]]:
    """One row for each frame from ``first`` on, at most ``count``; both values are None for a frame that was not processed live.

    A row holds only what was said of that very frame (told by the sequence). Raises InvalidInputError out of range.
    """
    frames = frame_range(len(index), first, count, MOST_FRAMES)
    rows: dict[int, dict[str, Any]] = {frame: {"frame": frame, "detections": None, "guidance": None} for frame in frames}
    start_ns, end_ns = int(index.capture_ns[frames[0]]), int(index.capture_ns[frames[-1]]) + 1
    for key, topic in TOPICS.items():
        for message in reader.messages(topic, start_ns, end_ns):
            if message.value.get("stale", False):
                continue
            frame = index.of_record(message.value)
            if frame in rows:
                rows[frame][key] = message.value
    return list(rows.values())


def frame_range(frames: int, first: int, count: int, most: int) -> range:
    """The frames asked for, cut at the last one. Raises InvalidInputError when none of them exists or too many are wanted."""
    if not 0 <= first < frames:
        raise InvalidInputError(f"frame {first} does not exist; this session has frames 0 to {frames - 1}")
    if not 1 <= count <= most:
        raise InvalidInputError(f"{count} frames at once; ask for 1 to {most}")
    return range(first, min(frames, first + count))
