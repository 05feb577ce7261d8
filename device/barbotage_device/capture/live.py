"""Live delivery: a capture thread with a queue of one, and recorded sources played at their own speed."""

import threading
from collections.abc import Iterator
from dataclasses import replace

from barbotage_device.capture.clock import Clock
from barbotage_device.capture.frame import Delivery, Frame, Source
from barbotage_device.capture.settings import NS_PER_S, notes_of
from barbotage_device.errors import SourceError

JOIN_TIMEOUT_S = 2.0
"""How long ``close`` waits for the thread; a device that hangs in its driver is left behind on a daemon thread."""


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

    NEWEST_ONLY. The thread starts with the first ``frames`` and there is one pass only. When the source ends or fails, the last
    frame is still delivered, then the end or the error.
    """

    delivery = Delivery.NEWEST_ONLY

    def __init__(self, source: Source) -> None:
        self._source = source
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._error: BaseException | None = None
        self._ended = False
        self._closed = False
        self._dropped = 0
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
        """How many frames the reader missed so far."""
        with self._changed:
            return self._dropped

    def frames(self) -> Iterator[Frame]:
        """The newest frame each time, waiting for one; ends when the source ends or after ``close``.

        Raises what the inner source raised; SourceError on a second pass.
        """
        self._start()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._ended or self._closed)
                if self._closed:
                    return
                frame, self._newest = self._newest, None
                if frame is None:
                    if self._error is not None:
                        raise self._error
                    return
            yield frame

    def close(self) -> None:
        """Ends the reader's wait and the thread, and closes the inner source."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._source.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_TIMEOUT_S)

    def _start(self) -> None:
        with self._changed:
            if self._thread is not None:
                raise SourceError(f"{self.name}: a live source can be read once; open it again")
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
        """Puts the frame in the place of the last one; False when closed."""
        with self._changed:
            if self._closed:
                return False
            if self._newest is not None:
                self._dropped += 1
            self._newest = frame
            self._changed.notify_all()
            return True
