"""The device's link as a running part: opens the port, serves, and comes back when the port does. Other threads publish through it."""

import contextlib
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from barbotage_device.link.device_end import DeviceEnd
from barbotage_device.link.errors import LinkError, LinkLostError
from barbotage_device.link.messages import Event, LogLine, Telemetry
from barbotage_device.link.outbox import MAX_EVENTS, MAX_LOG_LINES, MAX_TOPICS
from barbotage_device.link.pump import Pump
from barbotage_device.link.transport import Transport

REOPEN_S = 0.5
MAX_LINE = 1000
LONGEST_REST_S = 0.005
"""Telemetry grows older by so much at most: a quarter of the 20 ms that it may take over a busy line."""
LONGEST_WAIT_S = 0.5
"""So long at most until a request to stop is noticed."""


class Mailbox:
    """What other threads want sent, until the serving thread takes it. Never blocks, bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._telemetry: OrderedDict[str, Telemetry] = OrderedDict()
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self._log: deque[LogLine] = deque(maxlen=MAX_LOG_LINES)
        self._sequence = 0

    def telemetry(self, message: Telemetry) -> None:
        """The newest value of a topic."""
        with self._lock:
            if message.topic in self._telemetry or len(self._telemetry) < MAX_TOPICS:
                self._telemetry[message.topic] = message

    def event(self, topic: str, t_ns: int, value: Any) -> None:
        """Something that must arrive."""
        with self._lock:
            self._sequence += 1
            self._events.append(Event(self._sequence, topic, t_ns, value))

    def log(self, line: LogLine) -> None:
        """A line of the log."""
        with self._lock:
            self._log.append(line)

    @property
    def events_waiting(self) -> int:
        """Events that nobody has taken yet."""
        return len(self._events)

    def take(self) -> tuple[list[Telemetry], list[Event], list[LogLine]]:
        """All that is there."""
        with self._lock:
            taken = list(self._telemetry.values()), list(self._events), list(self._log)
            self._telemetry.clear()
            self._events.clear()
            self._log.clear()
        return taken


class LinkServer:
    """Serves ``end`` on the port that ``open_transport`` opens, until ``stop``. ``notice`` gets one line when the port comes or goes."""

    def __init__(
        self,
        end: DeviceEnd,
        open_transport: Callable[[], Transport],
        clock_s: Callable[[], float],
        notice: Callable[[str], None] = lambda _: None,
        lost: Callable[[str], None] | None = None,
        rest: float = 0.0,
    ) -> None:
        """``lost`` gets the lines that say that the port is not there, by default ``notice``.

        ``rest``: after each step the thread sleeps for this many times what it has computed, for the sake of a live loop beside it.
        """
        self.end = end
        self.mailbox = Mailbox()
        self._open = open_transport
        self._clock_s = clock_s
        self._notice = notice
        self._lost = lost or notice
        self._rest = rest
        self._stop = threading.Event()
        self._transport: Transport | None = None
        self._thread: threading.Thread | None = None

    @property
    def listening(self) -> bool:
        """Whether a host is connected and was heard lately; otherwise what is published goes nowhere."""
        return self.end.listening

    @property
    def events_waiting(self) -> int:
        """Events that the host has not acknowledged yet; none where nobody listens."""
        return self.mailbox.events_waiting + self.end.outbox.events_waiting if self.listening else 0

    def publish(self, topic: str, t_ns: int, value: Any) -> None:
        """Sends the newest value of a topic to a host that listens; from any thread, never blocks."""
        if self.end.listening:
            self.mailbox.telemetry(Telemetry(topic, t_ns, value))
            self._wake()

    def event(self, topic: str, t_ns: int, value: Any) -> None:
        """Sends an event to a host that listens; from any thread, never blocks."""
        if self.end.listening:
            self.mailbox.event(topic, t_ns, value)
            self._wake()

    def log(self, level: int, t_ns: int, text: str) -> None:
        """Sends a line of the log to a host that asked for it; from any thread, never blocks."""
        if self.end.listening:
            self.mailbox.log(LogLine(level, t_ns, text[:MAX_LINE]))
            self._wake()

    def start(self) -> None:
        """Serves in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name="link", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends ``run`` and waits for its thread."""
        self._stop.set()
        self._wake()
        if self._thread is not None:
            self._thread.join()

    def run(self) -> None:
        """Serves until ``stop``; the port disappearing and coming back is normal."""
        complained = ""
        while not self._stop.is_set():
            try:
                self._transport = self._open()
            except LinkError as error:
                if str(error) != complained:
                    complained = str(error)
                    self._lost(f"{complained}; waiting for it")
                self._stop.wait(REOPEN_S)
                continue
            complained = ""
            self._notice("serving")
            try:
                self._serve(self._transport)
            except LinkLostError as error:
                self._lost(f"{error}; waiting for it")
            finally:
                self.end.disconnect()
                self._transport.close()
                self._transport = None
            self._stop.wait(REOPEN_S)
        self._notice("no longer serving")

    def _serve(self, transport: Transport) -> None:
        pump = Pump(self.end, transport, self._clock_s)
        while not self._stop.is_set():
            before_s = time.thread_time()
            self._collect()
            pump.step(self._clock_s() + LONGEST_WAIT_S)
            if self._rest:
                time.sleep(min(LONGEST_REST_S, self._rest * (time.thread_time() - before_s)))

    def _collect(self) -> None:
        telemetry, events, log = self.mailbox.take()
        now_s = self._clock_s()
        for message in telemetry:
            self.end.telemetry(message, now_s)
        for event in events:
            self.end.event(event, now_s)
        for line in log:
            self.end.log(line)

    def _wake(self) -> None:
        transport = self._transport
        if transport is not None:
            with contextlib.suppress(LinkLostError):
                transport.wake()
