"""The key frames of a session: the recorded pictures at its events and now and then between, unchanged, for a first look over a slow link."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from barbotage_device.runtime.recording.derived import Progress, add_derived, silent
from barbotage_device.session.errors import SessionError
from barbotage_device.session.events import Event
from barbotage_device.session.images import image_message
from barbotage_device.session.manifest import Segment
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.segment_writer import SegmentWriter
from barbotage_device.session.topics import KEYFRAMES, plan_of

KEYFRAMES_NAME = "keyframes-0000.mcap"
LOOKED_FOR = ("patient-event", "bookmark", "target-accepted", "needle-in-target", "measurement", "phase")
"""Kinds of events that a reviewer goes to first: their frames are kept before any other."""
COUNTED = ("prompt", "lavage-cycle")
"""Kinds that come often; a prompt only when it was shown."""
ROUND_NS = 500_000_000
"""A frame so long before and after an event shows what led to it and what came of it."""
EVERY_NS = 10_000_000_000
"""Between events the course of the procedure is kept in such steps."""
MOST_OF_VIDEO = 0.03
"""An eighth of the small video, which takes a quarter of what was recorded (docs/session.md): a minute's wait becomes seconds."""
FEWEST = 20
"""Kept however short the session is: enough for one look at each phase."""

Int64Array = npt.NDArray[np.int64]


def make_keyframes(path: Path, progress: Progress = silent) -> Segment | None:
    """Makes keyframes-0000.mcap of the session at ``path`` and enters it in the manifest; None when the session has no frame.

    ``progress`` hears of the frames written and their number. One already there is replaced. Frames that cannot be read are left out.
    Raises NotFoundError; SessionError when the session must be recovered first or the disk fails.
    """
    return add_derived(path, KEYFRAMES_NAME, "the key frames", lambda reader, partial: _write(reader, partial, progress))


def choose(capture_ns: Int64Array, frame_bytes: Int64Array, events: Sequence[Event]) -> list[int]:
    """The indexes of the key frames, ascending, of a session whose frames have these times and lengths.

    At most MOST_OF_VIDEO of the bytes of all frames, or FEWEST frames. What is worth most is taken first; where there is room for a part
    of one worth only, the part is spread over the session.
    """
    budget_bytes = MOST_OF_VIDEO * float(frame_bytes.sum())
    taken: dict[int, None] = {}
    used_bytes = 0
    for rank in _ranks(capture_ns, events):
        for index in _spread(rank):
            size_bytes = int(frame_bytes[index])
            if index not in taken and (len(taken) < FEWEST or used_bytes + size_bytes <= budget_bytes):
                taken[index] = None
                used_bytes += size_bytes
    for index in _spread(list(range(len(capture_ns)))):
        if len(taken) >= FEWEST:
            break
        taken[index] = None
    return sorted(taken)


def _ranks(capture_ns: Int64Array, events: Sequence[Event]) -> Iterator[list[int]]:
    """Indexes of frames by worth, the greatest first."""
    first_ns, last_ns = int(capture_ns[0]), int(capture_ns[-1])
    yield [0, len(capture_ns) - 1]
    looked_for = [event.at_ns for event in events if event.kind in LOOKED_FOR]
    yield _nearest(capture_ns, looked_for)
    yield _nearest(capture_ns, range(first_ns, last_ns + 1, EVERY_NS))
    counted = [event.at_ns for event in events if event.kind in COUNTED and event.value.get("shown") is not False]
    yield _nearest(capture_ns, counted)
    for times in (looked_for, counted):
        yield _nearest(capture_ns, [at_ns + shift for at_ns in times for shift in (-ROUND_NS, ROUND_NS)])


def _nearest(capture_ns: Int64Array, times_ns: Sequence[int]) -> list[int]:
    """The frames nearest in time, each once, ascending."""
    times = np.asarray(times_ns, np.int64)
    after = np.clip(np.searchsorted(capture_ns, times), 1, max(1, len(capture_ns) - 1))
    before = after - 1
    after = np.minimum(after, len(capture_ns) - 1)
    nearer = np.where(np.abs(capture_ns[before] - times) <= np.abs(capture_ns[after] - times), before, after)
    return sorted({int(index) for index in nearer})


def _spread(indexes: list[int]) -> list[int]:
    """The same in an order of which every beginning is spread over the whole: halves, quarters, eighths."""
    ordered: dict[int, None] = {}
    step = 1 << max(0, len(indexes) - 1).bit_length()
    while step:
        ordered |= dict.fromkeys(indexes[::step])
        step //= 2
    return list(ordered)


def _write(reader: SessionReader, partial: Path, progress: Progress) -> Segment:
    header, chosen = reader.manifest.header, choose(reader.capture_ns, reader.frame_bytes, reader.events())
    writer = SegmentWriter(partial, plan_of("keyframes"), header)
    try:
        for number, index in enumerate(chosen):
            with suppress(SessionError):
                frame = reader.frame(index)
                message = image_message(frame.data, frame.image_format, header.log_time_ns(frame.capture_ns))
                writer.write(KEYFRAMES, frame.capture_ns, message, frame.sequence)
            progress(number + 1, len(chosen))
        return writer.finish()
    finally:
        if writer.is_open:
            writer.abandon()
