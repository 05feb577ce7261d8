"""How the loop takes frames from a source: the next one, or nothing in time, or the end."""

from collections.abc import Iterator
from typing import Protocol

from barbotage_device.capture.frame import Delivery, Frame, Source
from barbotage_device.capture.live import Listener, LiveSource, SourceEnded
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

    def __init__(self, source: Source, listener: Listener | None = None) -> None:
        self._source = source
        self._listener = listener
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
        if self._listener is not None:
            self._listener(frame)
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
    """The newest frame of a live source, waited for at most a given time: the loop must notice in time that none comes.

    The thread that reads the source is LiveSource's. ``listener`` hears of every captured frame on that thread, also of those
    that the loop misses. Errors of the source reach the loop after the last frame.
    """

    live = True

    def __init__(self, source: Source, watch: SourceWatch | None = None, listener: Listener | None = None) -> None:
        self._source = source if isinstance(source, LiveSource) else LiveSource(source)
        self._watch = watch or SourceWatch()
        if listener is not None:
            self._source.listen(listener)

    @property
    def dropped(self) -> int:
        """Frames captured so far that the loop did not get, by their numbers; a frame still waiting is not dropped."""
        return self._source.dropped

    @property
    def lost(self) -> str | None:
        """Why no frames come although more are expected; None while they come."""
        return self._watch.lost

    def next(self, timeout_s: float) -> Frame | None:
        """The newest frame; None when none came in time. Raises FeedEnded or the source's error."""
        try:
            return self._source.take(timeout_s)
        except SourceEnded:
            raise FeedEnded from None

    def close(self) -> None:
        """Ends the thread and closes the source; a device that hangs in its driver is left behind on a daemon thread."""
        self._source.close()


def feed_of(source: Source, watch: SourceWatch | None = None, listener: Listener | None = None) -> Feed:
    """The feed that suits the source's delivery; ``listener`` hears of every frame before the loop gets it."""
    if source.delivery is Delivery.NEWEST_ONLY:
        return LiveFeed(source, watch, listener)
    return ReplayFeed(source, listener)
