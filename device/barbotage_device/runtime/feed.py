"""How the loop takes frames from a source: the next one, or nothing in time, or the end."""

import threading
from collections.abc import Iterator
from typing import Protocol

from barbotage_device.capture.frame import Delivery, Frame, Source
from barbotage_device.capture.live import JOIN_TIMEOUT_S
from barbotage_device.capture.reopening import SourceChange, SourceEvent


class FeedEnded(Exception):  # noqa: N818 - not a fault: the source has no more frames
    """The source has come to its end."""


class Feed(Protocol):
    """A source as the loop sees it."""

    @property
    def live(self) -> bool:
        """Whether ``capture_ns`` is the monotonic clock, so that age and latency mean something."""
        ...

    @property
    def dropped(self) -> int:
        """Frames that were captured and never handed out."""
        ...

    @property
    def lost(self) -> str | None:
        """Why no frames come although more are expected; None while they come."""
        ...

    def next(self, timeout_s: float) -> Frame | None:
        """The next frame; None when none came in time. Raises FeedEnded, SourceError, SourceLostError."""
        ...

    def close(self) -> None:
        """Releases the source."""
        ...


class ReplayFeed:
    """Every frame of a source, as fast as the loop takes them."""

    live = False
    dropped = 0

    def __init__(self, source: Source) -> None:
        self._source = source
        self._frames: Iterator[Frame] | None = None

    @property
    def lost(self) -> str | None:
        """None: a recording is there or fails."""
        return None

    def next(self, timeout_s: float) -> Frame | None:  # noqa: ARG002 - a replay waits for nobody
        """The next frame; never None. Raises FeedEnded, SourceError."""
        if self._frames is None:
            self._frames = self._source.frames()
        frame = next(self._frames, None)
        if frame is None:
            raise FeedEnded
        return frame

    def close(self) -> None:
        """Closes the source."""
        self._source.close()


class SourceWatch:
    """Whether a live source is there; hand ``on_event`` to ``open_source``. Written by the capture thread, read by the loop."""

    def __init__(self) -> None:
        self._lost: str | None = None

    @property
    def lost(self) -> str | None:
        """Why no frames come, None while the source is there."""
        return self._lost

    def on_event(self, event: SourceEvent) -> None:
        """Takes a change from the capture thread."""
        self._lost = event.message if event.change is SourceChange.LOST else None


class LiveFeed:
    """The newest frame of a live source, waited for at most a given time.

    A thread of its own reads the source, because a source waits for a frame as long as it takes and the loop must
    notice in time that none comes. What the loop misses is dropped and counted. Errors of the source reach the loop after the last frame.
    """

    live = True

    def __init__(self, source: Source, watch: SourceWatch | None = None) -> None:
        self._source = source
        self._watch = watch or SourceWatch()
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._ended: BaseException | None = None
        self._closed = False
        self._first: int | None = None
        self._last = 0
        self._taken = 0
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """Frames captured so far that the loop did not get, by their numbers; a frame still waiting is not dropped."""
        with self._changed:
            captured = 0 if self._first is None else self._last - self._first + 1
            return captured - self._taken - (self._newest is not None)

    @property
    def lost(self) -> str | None:
        """Why no frames come although more are expected; None while they come."""
        return self._watch.lost

    def next(self, timeout_s: float) -> Frame | None:
        """The newest frame; None when none came in time. Raises FeedEnded or the source's error."""
        self._start()
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._ended is not None, timeout_s)
            frame, self._newest = self._newest, None
            if frame is not None:
                self._taken += 1
                return frame
            if self._ended is not None:
                raise self._ended
            return None

    def close(self) -> None:
        """Ends the thread and closes the source; a device that hangs in its driver is left behind on a daemon thread."""
        with self._changed:
            self._closed = True
        self._source.close()
        if self._thread is not None:
            self._thread.join(JOIN_TIMEOUT_S)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._pump, name=f"feed {self._source.name}", daemon=True)
            self._thread.start()

    def _pump(self) -> None:
        ended: BaseException = FeedEnded()
        try:
            for frame in self._source.frames():
                if not self._put(frame):
                    break
        except BaseException as error:  # noqa: BLE001 - carried to the loop, which raises it
            ended = error
        with self._changed:
            self._ended = ended
            self._changed.notify_all()

    def _put(self, frame: Frame) -> bool:
        with self._changed:
            if self._closed:
                return False
            if self._first is None:
                self._first = frame.sequence
            self._newest, self._last = frame, frame.sequence
            self._changed.notify_all()
            return True


def feed_of(source: Source, watch: SourceWatch | None = None) -> Feed:
    """The feed that suits the source's delivery."""
    return LiveFeed(source, watch) if source.delivery is Delivery.NEWEST_ONLY else ReplayFeed(source)
