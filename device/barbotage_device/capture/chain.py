"""Several recorded files played one after the other as one source."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from barbotage_device.capture.frame import Delivery, Frame, Source
from barbotage_device.capture.settings import notes_of


class ChainedSource:
    """Files in the given order as one recording: numbers and times run on, each file's path stays in ``Frame.source``.

    EVERY_FRAME. ``period_ns`` lies between the last frame of a file and the first of the next. A file that cannot be used
    ends the whole with its error.
    """

    delivery = Delivery.EVERY_FRAME

    def __init__(
        self, name: str, paths: tuple[Path, ...], open_one: Callable[[Path], Source], period_ns: int, notes: tuple[str, ...] = ()
    ) -> None:
        self._name = name
        self._paths = paths
        self._open_one = open_one
        self._period_ns = period_ns
        self._notes = list(notes)

    @property
    def name(self) -> str:
        """The folder."""
        return self._name

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes of the folder and of the files read so far."""
        return tuple(self._notes)

    def frames(self) -> Iterator[Frame]:
        """The frames of all files in order. Raises what a file raises."""
        sequence = 0
        begin_ns = 0
        for path in self._paths:
            source = self._open_one(path)
            last_ns = -self._period_ns
            try:
                for frame in source.frames():
                    last_ns = frame.capture_ns
                    yield replace(frame, capture_ns=begin_ns + frame.capture_ns, sequence=sequence)
                    sequence += 1
            finally:
                source.close()
            begin_ns += last_ns + self._period_ns
            self._notes.extend(note for note in notes_of(source) if note not in self._notes)

    def close(self) -> None:
        """Each file is closed as soon as it is read."""
