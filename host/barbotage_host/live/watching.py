"""Listens to a device: subscribes, hands on what comes, and connects again by itself when the line was cut."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from barbotage_device.errors import NotFoundError
from barbotage_device.link.errors import AnswerError, Code, LinkError, LinkLostError, PeerRefusedError
from barbotage_device.link.host_end import Live, State
from barbotage_device.link.messages import Event, LogLine, Telemetry
from barbotage_device.link.requests import Pending
from barbotage_host.devices.connecting import Connection

TICK_S = 0.1
ANSWER_TICK_S = 0.005
"""While an answer is awaited whose time is taken."""
COUNTS_EVERY_S = 1.0
RETRY_S = 0.5
LOG_LEVEL = 30
"""Warnings and worse."""
FAREWELL_S = 0.5


class Listener(Protocol):
    """Who wants to know. Everything is called from one thread."""

    def connected(self, connection: Connection) -> None:
        """The connection has come, or come back."""
        ...

    def lost(self, why: str) -> None:
        """It is gone, or did not come back yet."""
        ...

    def telemetry(self, message: Telemetry) -> None:
        """A topic's newest value."""
        ...

    def event(self, event: Event) -> None:
        """Something has happened."""
        ...

    def log(self, line: LogLine) -> None:
        """A line of the device's log."""
        ...

    def counts(self, connection: Connection, there: dict[str, object], round_trip_s: float) -> None:
        """The counters of the device's end, about once a second."""
        ...

    def tick(self) -> None:
        """Called some ten times a second while connected, and between tries otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to listen to: topics of telemetry, each at most ``hz`` times a second."""

    topics: Sequence[str]
    hz: float


class Watch:
    """One device. ``connect`` makes the first connection, ``reconnect`` later ones (with little patience: the display waits for it)."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        reconnect: Callable[[], Connection],
        wanted: Wanted,
        listener: Listener,
        clock_s: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._connect = connect
        self._reconnect = reconnect
        self._wanted = wanted
        self._listener = listener
        self._clock_s = clock_s
        self._sleep = sleep

    def run(self, done: Callable[[], bool]) -> None:
        """Listens until ``done``. Raises what the first connection raises, later PeerRefusedError alone: the device is another now."""
        connection: Connection | None = self._connect()
        while not done():
            if connection is None:
                connection = self._again()
                continue
            try:
                self._listen(connection, done)
            except LinkLostError as error:
                self._listener.lost(str(error))
            finally:
                connection.close()
            connection = None

    def _again(self) -> Connection | None:
        self._listener.tick()
        try:
            return self._reconnect()
        except PeerRefusedError:
            raise
        except (LinkError, NotFoundError) as error:
            self._listener.lost(str(error))
            self._sleep(RETRY_S)
            return None

    def _listen(self, connection: Connection, done: Callable[[], bool]) -> None:
        client = connection.client
        client.end.live = Live()
        client.call("event.sub")
        try:
            client.call("log.sub", {"level": LOG_LEVEL})
        except AnswerError as error:
            if error.code not in (Code.FORBIDDEN, Code.UNKNOWN_METHOD):  # the log is for the role service
                raise
        client.call("telem.sub", {"topics": list(self._wanted.topics), "max_hz": self._wanted.hz})
        self._listener.connected(connection)
        try:
            self._pass_on(connection, done)
        finally:
            with contextlib.suppress(LinkError):
                client.call("telem.sub", {"topics": [], "max_hz": self._wanted.hz}, within_s=FAREWELL_S)

    def _pass_on(self, connection: Connection, done: Callable[[], bool]) -> None:
        client, listener = connection.client, self._listener
        asked: Pending | None = None
        asked_s = float("-inf")
        while not done():
            client.listen(TICK_S if asked is None else ANSWER_TICK_S)
            if client.end.state is not State.UP:
                raise LinkLostError("the device has restarted")
            self._hand_over(client.end.live)
            now_s = self._clock_s()
            if asked is not None and asked.response is not None:
                if asked.response.code == 0:
                    listener.counts(connection, asked.response.result, now_s - asked_s)
                asked = None
            if asked is None and now_s - asked_s >= COUNTS_EVERY_S:
                asked, asked_s = client.end.request("link.stats", {}, now_s), now_s
            listener.tick()

    def _hand_over(self, live: Live) -> None:
        telemetry, events, log = live.telemetry[:], live.events[:], live.log[:]
        for kept in (live.telemetry, live.events, live.log):
            kept.clear()
        for message in telemetry:
            self._listener.telemetry(message)
        for event in events:
            self._listener.event(event)
        for line in log:
            self._listener.log(line)
