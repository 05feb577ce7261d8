"""The pod's client: a thread that finds the pod, opens it, opens it again, and never lets its absence hold up the device."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from barbotage_device.errors import BarbotageError, RefusedError, SourceLostError
from barbotage_device.probe_pod.connection import NS_PER_S, Clock, PodConnection
from barbotage_device.probe_pod.port import OpenPort, open_serial, the_pod
from barbotage_device.probe_pod.protocol import FEEDBACK_EVERY_MS, PROTOCOL, SILENCE_MS, Aim, Feedback, Greet, Sound
from barbotage_device.probe_pod.state import PodEvent, PodState, PodTracker

NS_PER_MS = 1_000_000
NOT_STARTED = "not started"
"""The reason before the first attempt to find the pod."""
_EVENTS_MAX = 1000
"""What nobody fetches is given up from its old end: a quarter of a minute of pressure and tilt."""
_READ_S = 0.005
"""How long a change of the ring may wait for the thread; arriving bytes wake it at once."""


@dataclass(frozen=True, slots=True)
class PodSettings:
    """How the client behaves. ``port`` None looks for a pod."""

    port: str | None = None
    retry_s: float = 1.0
    """Between two attempts to find or open it."""
    refused_retry_s: float = 5.0
    """After a pod of another protocol: it may have been updated meanwhile."""
    silence_s: float = 1.5
    """Without a frame for this long the connection is taken for lost; the pod beats five times a second."""
    greet_every_s: float = 0.5


class Connection(StrEnum):
    """How the client stands to the pod."""

    ABSENT = "absent"
    GREETING = "greeting"
    CONNECTED = "connected"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PodView:
    """What the client knows now. ``reason`` says why there is no connection, None while there is one."""

    connection: Connection
    reason: str | None
    state: PodState
    connections: int = 0
    lost_frames: int = 0
    damaged_frames: int = 0


class PodClient:
    """Use as a context manager, or ``start`` and ``close``. Every method returns at once and may be called from any thread.

    The pod is kept alive by ``show`` alone: when the program that calls it hangs, the pod goes stale by itself.
    """

    def __init__(
        self,
        settings: PodSettings,
        clock: Clock = time.monotonic_ns,
        open_port: OpenPort = open_serial,
        find: Callable[[], str] = the_pod,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._open_port = open_port
        self._find = find
        self._lock = threading.Lock()
        self._view = PodView(Connection.ABSENT, NOT_STARTED, PodState())
        self._events: deque[PodEvent] = deque(maxlen=_EVENTS_MAX)
        self._wanted: tuple[Feedback, int] | None = None
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "PodClient":
        self.start()
        return self

    def __exit__(self, *_ignored: object) -> None:
        self.close()

    def start(self) -> None:
        """Starts looking for the pod."""
        self._thread = threading.Thread(target=self._run, name="probe-pod", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and gives the port back."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)

    @property
    def view(self) -> PodView:
        """Connection and state."""
        with self._lock:
            return self._view

    def events(self) -> list[PodEvent]:
        """What has happened since the last call, in order."""
        with self._lock:
            events = list(self._events)
            self._events.clear()
        return events

    def show(self, aim: Aim, level: int = 0, sound: Sound = Sound.SILENT) -> None:
        """What ring and buzzer show from now on. Call it at least every 200 ms, changed or not; ``level`` 0 to 255 is how far off."""
        wanted = Feedback(aim, max(0, min(255, level)), sound)
        with self._lock:
            self._wanted = (wanted, self._clock())

    def _run(self) -> None:
        while not self._ends.is_set():
            wait_s = self._settings.retry_s
            try:
                port = self._settings.port or self._find()
                connection = PodConnection(self._open_port(port), self._clock)
            except BarbotageError as error:
                self._absent(error)
            else:
                try:
                    _Visit(self, connection, port).run()
                except RefusedError as error:
                    self._set(Connection.REFUSED, f"{port}: {error}")
                    wait_s = self._settings.refused_retry_s
                except BarbotageError as error:
                    self._absent(error)
                finally:
                    connection.close()
            self._ends.wait(wait_s)

    def _absent(self, error: BarbotageError) -> None:
        connection = Connection.REFUSED if isinstance(error, RefusedError) else Connection.ABSENT
        self._set(connection, str(error))

    def _set(self, connection: Connection, reason: str | None) -> None:
        with self._lock:
            state = PodState(cycles=self._view.state.cycles)
            self._view = PodView(connection, reason, state, self._view.connections)

    def take(self, view: PodView, events: list[PodEvent]) -> None:
        """For the visit: what it has learnt."""
        with self._lock:
            self._view = view
            self._events.extend(events)

    def wanted(self) -> Feedback | None:
        """For the visit: what is to be shown, None when the program has said nothing for too long."""
        with self._lock:
            wanted = self._wanted
        if wanted is None or self._clock() - wanted[1] > (SILENCE_MS - FEEDBACK_EVERY_MS) * NS_PER_MS:
            return None
        return wanted[0]

    @property
    def ends(self) -> bool:
        """For the visit: whether the client is being closed."""
        return self._ends.is_set()

    @property
    def settings(self) -> PodSettings:
        """For the visit: how to behave."""
        return self._settings

    @property
    def clock(self) -> Clock:
        """For the visit: the clock."""
        return self._clock


class _Visit:
    """One connection, from opening the port until it is lost."""

    def __init__(self, client: PodClient, connection: PodConnection, port: str) -> None:
        self._client = client
        self._connection = connection
        self._port = port
        self._tracker = PodTracker()
        self._connections = client.view.connections
        self._heard_ns = self._sent_ns = client.clock()
        self._greeted_ns = 0
        self._shown: Feedback | None = None

    def run(self) -> None:
        """Until the client is closed. Raises SourceLostError when the pod is lost and RefusedError for another protocol."""
        while not self._client.ends:
            now_ns = self._client.clock()
            self._greet_when_due(now_ns)
            self._feed_back_when_due(now_ns)
            messages = self._connection.receive(_READ_S)
            if messages:
                self._heard_ns = self._client.clock()
                self._take([event for message in messages for event in self._tracker.take(message, self._heard_ns)])
            elif now_ns - self._heard_ns > self._client.settings.silence_s * NS_PER_S:
                raise SourceLostError(f"{self._port}: the pod is silent")

    def _greet_when_due(self, now_ns: int) -> None:
        is_known = self._tracker.state.identity is not None
        if not is_known and now_ns - self._greeted_ns > self._client.settings.greet_every_s * NS_PER_S:
            self._greeted_ns = now_ns
            self._connection.send(Greet(PROTOCOL))

    def _feed_back_when_due(self, now_ns: int) -> None:
        wanted = self._client.wanted()
        if wanted is None or self._tracker.state.identity is None:
            return
        if wanted != self._shown or now_ns - self._sent_ns >= FEEDBACK_EVERY_MS * NS_PER_MS:
            self._connection.send(wanted)
            self._shown, self._sent_ns = wanted, now_ns

    def _take(self, events: list[PodEvent]) -> None:
        state, receiver = self._tracker.state, self._connection.receiver
        known = state.identity is not None
        if known and self._client.view.connection is not Connection.CONNECTED:
            self._connections += 1
        connection = Connection.CONNECTED if known else Connection.GREETING
        reason = None if known else f"{self._port}: waiting for the pod to say who it is"
        view = PodView(connection, reason, state, self._connections, receiver.lost, receiver.damaged)
        self._client.take(view, events)
