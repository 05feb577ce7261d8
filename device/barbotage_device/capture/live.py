"""Live delivery: a capture thread with a queue of one, and recorded sources played at their own speed."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from barbotage_device.capture.clock import Clock
from barbotage_device.capture.frame import Delivery, Frame, Source
from barbotage_device.capture.settings import NS_PER_S, notes_of
from barbotage_device.errors import SourceError

JOIN_TIMEOUT_S = 2.0
"""How long ``close`` waits for the thread; a device that hangs in its driver is left behind on a daemon thread."""

Listener = Callable[[Frame], None]


class SourceEnded(Exception):  # noqa: N818 - not a fault
    """The source has no more frames."""


class PacedSource:
    """A recorded source at the speed of its time stamps, once. ``capture_ns`` becomes the monotonic time at which each frame was due.

    EVERY_FRAME still: frames that are due while the reader is busy come at once. Put a LiveSource around it to drop them.
    """

    delivery = Delivery.EVERY_FRAME

    def __init__(self, source: Source, clock: Clock | None = None) -> None:
        self._source = source
        self._clock = clock or Clock()
        self._stop = threading.Event()

    @property
    def name(self) -> str:
        """The recorded source's name."""
        return self._source.name

    @property
    def notes(self) -> tuple[str, ...]:
        """The recorded source's notes."""
        return notes_of(self._source)

    def frames(self) -> Iterator[Frame]:
        """The frames, each when it is due. Raises what the recorded source raises."""
        start_ns: int | None = None
        for frame in self._source.frames():
            if start_ns is None:
                start_ns = self._clock.now_ns() - frame.capture_ns
            due_ns = start_ns + frame.capture_ns
            self._wait_until(due_ns)
            if self._stop.is_set():
                return
            yield replace(frame, capture_ns=due_ns)

    def close(self) -> None:
        """Ends a wait at once and closes the recorded source."""
        self._stop.set()
        self._source.close()

    def _wait_until(self, due_ns: int) -> None:
        wait_s = (due_ns - self._clock.now_ns()) / NS_PER_S
        if wait_s <= 0:
            return
        if self._clock.sleep is None:
            self._stop.wait(wait_s)
        else:
            self._clock.sleep(wait_s)


class LiveSource:
    """Any source read by a thread of its own; the reader gets the newest frame, the ones it missed are dropped and counted.

    NEWEST_ONLY. The thread starts with the first ``take`` or ``frames`` and there is one pass only. When the source ends or fails, the
    last frame is still delivered, then the end or the error. ``listen`` hears of every frame, also of those that the reader misses.
    """

    delivery = Delivery.NEWEST_ONLY

    def __init__(self, source: Source) -> None:
        self._source = source
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._error: BaseException | None = None
        self._ended = False
        self._closed = False
        self._first: int | None = None
        self._last = 0
        self._taken = 0
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        """The inner source's name."""
        return self._source.name

    @property
    def notes(self) -> tuple[str, ...]:
        """The inner source's notes."""
        return notes_of(self._source)

    @property
    def dropped(self) -> int:
        """Frames captured so far that the reader did not get, by their numbers; a frame still waiting is not dropped."""
        with self._changed:
            captured = 0 if self._first is None else self._last - self._first + 1
            return captured - self._taken - (self._newest is not None)

    def listen(self, listener: Listener) -> None:
        """Has ``listener`` hear of every frame on the capture thread, before the reader; it must neither wait nor raise.

        Raises SourceError once frames have been asked for.
        """
        with self._changed:
            if self._thread is not None:
                raise SourceError(f"{self.name}: frames are already being read; nobody can start to listen now")
            self._listener = listener

    def take(self, timeout_s: float | None) -> Frame | None:
        """The newest frame not yet taken, waited for (None: without limit); None when none came in time.

        Raises SourceEnded when the source has ended or was closed, else what the inner source raised.
        """
        with self._changed:
            self._start()
            self._changed.wait_for(lambda: self._newest is not None or self._ended or self._closed, timeout_s)
            if self._closed:
                raise SourceEnded
            frame, self._newest = self._newest, None
            if frame is not None:
                self._taken += 1
            elif self._error is not None:
                raise self._error
            elif self._ended:
                raise SourceEnded
            return frame

    def frames(self) -> Iterator[Frame]:
        """The newest frame each time, waiting for one; ends when the source ends or after ``close``.

        Raises what the inner source raised; SourceError on a second pass.
        """
        if self._thread is not None:
            raise SourceError(f"{self.name}: a live source can be read once; open it again")
        try:
            while True:
                frame = self.take(None)
                if frame is not None:
                    yield frame
        except SourceEnded:
            return

    def close(self) -> None:
        """Ends the reader's wait and the thread, and closes the inner source."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._source.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_TIMEOUT_S)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._capture, name=f"capture {self.name}", daemon=True)
            self._thread.start()

    def _capture(self) -> None:
        error: BaseException | None = None
        try:
            for frame in self._source.frames():
                if not self._deliver(frame):
                    break
        except BaseException as caught:  # noqa: BLE001 - carried to the reader, who raises it
            error = caught
        with self._changed:
            self._error = error
            self._ended = True
            self._changed.notify_all()

    def _deliver(self, frame: Frame) -> bool:
        """Tells the listener and puts the frame in the place of the last one; False when closed."""
        if self._listener is not None and not self._closed:
            self._listener(frame)
        with self._changed:
            if self._closed:
                return False
            if self._first is None:
                self._first = frame.sequence
            self._newest, self._last = frame, frame.sequence
            self._changed.notify_all()
            return True
