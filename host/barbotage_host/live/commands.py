"""What ``barbotage live`` does: a display in a terminal, lines or JSON elsewhere."""

import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from barbotage_device.console import EXIT_DONE, Console
from barbotage_device.errors import UsageError
from barbotage_device.link.keys import KnownDevices
from barbotage_device.link.messages import Event, LogLine, Telemetry
from barbotage_device.link.outbox import MAX_TOPICS
from barbotage_host.devices.connecting import Connection, connect
from barbotage_host.devices.context import Context, warn_of_no_security
from barbotage_host.live.board import Board
from barbotage_host.live.lines import event_line, event_object, log_line, log_object, telemetry_line, telemetry_object
from barbotage_host.live.watching import Wanted, Watch

if TYPE_CHECKING:
    from rich.live import Live as Display

TOPICS = ("status", "guidance", "health")
RECONNECT_WITHIN_S = 2.0
REDRAW_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """``topics`` as the person wrote them, None for the usual ones; ``for_s`` None: until it is interrupted."""

    topics: str | None
    hz: float
    for_s: float | None


def show_live(context: Context, request: LiveRequest) -> int:
    """Shows what the device tells until it is interrupted or the time is over. Raises as ``connect``, and UsageError."""
    ends_s = None if request.for_s is None else time.monotonic() + request.for_s
    return show_until(context, request, lambda: ends_s is not None and time.monotonic() >= ends_s)


def show_until(context: Context, request: LiveRequest, done: Callable[[], bool]) -> int:
    """As ``show_live``, until ``done``."""
    wanted = Wanted(_topics(request.topics), request.hz)
    board = Board(request.hz)
    on_screen = not context.as_json and sys.stdout.isatty()
    display = _display() if on_screen else None
    output: Output = (
        ScreenOutput(board, display, time.monotonic) if display else LineOutput(board, context.console, context.as_json)
    )
    impatient = replace(context, within_s=min(context.within_s, RECONNECT_WITHIN_S))

    def first() -> Connection:
        connection = connect(context.target, context.home, context.within_s)
        warn_of_no_security(connection, context)
        board.name = next((d.name for d in KnownDevices(context.home.state).all() if d.serial == connection.device.serial), "")
        return connection

    def again() -> Connection:
        return connect(impatient.target, impatient.home, impatient.within_s)

    listener = Told(board, output, time.monotonic)
    watch = Watch(first, again, wanted, listener, time.monotonic, time.sleep)
    with display or nullcontext():
        watch.run(done)
    return EXIT_DONE


class Output:
    """Where the board is shown; every method may do nothing."""

    def telemetry(self, message: Telemetry, now_s: float) -> None:
        """A message that the board has taken."""

    def event(self, event: Event) -> None:
        """An event that the board has taken."""

    def log(self, line: LogLine) -> None:
        """A line that the board has taken."""

    def connection(self, state: str, why: str) -> None:
        """The connection came ("connected") or went ("lost")."""

    def tick(self, now_s: float) -> None:
        """Time has passed."""


class LineOutput(Output):
    """Lines or JSON objects on stdout; what concerns the connection alone is chatter, unless it is JSON."""

    def __init__(self, board: Board, console: Console, as_json: bool) -> None:
        self._board = board
        self._console = console
        self._as_json = as_json

    def telemetry(self, message: Telemetry, now_s: float) -> None:
        """As in Output."""
        if self._as_json:
            self._console.result_json(telemetry_object(message))
        elif (line := telemetry_line(self._board, message, now_s)) is not None:
            self._console.result(line)

    def event(self, event: Event) -> None:
        """As in Output."""
        self._say(event_object, event_line, event)

    def log(self, line: LogLine) -> None:
        """As in Output."""
        self._say(log_object, log_line, line)

    def connection(self, state: str, why: str) -> None:
        """As in Output."""
        device = self._board.device
        if self._as_json:
            serial = None if device is None else device.serial
            self._console.result_json({"type": "connection", "state": state, "serial": serial, "why": why or None})
        else:
            self._console.note(f"{state}: {why}; trying again" if why else f"{state} to {device.serial if device else '?'}")

    def _say(self, as_object: Callable[[Any], dict[str, Any]], as_line: Callable[[Any], str], message: Event | LogLine) -> None:
        if self._as_json:
            self._console.result_json(as_object(message))
        else:
            self._console.result(as_line(message))


class ScreenOutput(Output):
    """The whole terminal."""

    def __init__(self, board: Board, display: "Display", clock_s: Callable[[], float]) -> None:
        self._board = board
        self._display = display
        self._clock_s = clock_s
        self._drawn_s = float("-inf")

    def connection(self, state: str, why: str) -> None:  # noqa: ARG002
        """As in Output."""
        self._draw(self._clock_s())

    def tick(self, now_s: float) -> None:
        """As in Output."""
        if now_s - self._drawn_s >= REDRAW_EVERY_S:
            self._draw(now_s)

    def _draw(self, now_s: float) -> None:
        from barbotage_host.live.screen import draw

        self._drawn_s = now_s
        columns, rows = self._display.console.size
        self._display.update(draw(self._board, columns, rows, now_s), refresh=True)


class Told:
    """Keeps what is heard on the board, and has it shown."""

    def __init__(self, board: Board, output: Output, clock_s: Callable[[], float]) -> None:
        self._board = board
        self._output = output
        self._clock_s = clock_s

    def connected(self, connection: Connection) -> None:
        """As in Listener."""
        self._board.on_connected(connection.device, connection.port, self._clock_s())
        self._output.connection("connected", "")

    def lost(self, why: str) -> None:
        """As in Listener; said once for each loss."""
        was = self._board.connected
        self._board.on_lost(why, self._clock_s())
        if was:
            self._output.connection("lost", why)

    def telemetry(self, message: Telemetry) -> None:
        """As in Listener."""
        now_s = self._clock_s()
        self._board.on_telemetry(message, now_s)
        self._output.telemetry(message, now_s)

    def event(self, event: Event) -> None:
        """As in Listener."""
        self._board.on_event(event, self._clock_s())
        self._output.event(event)

    def log(self, line: LogLine) -> None:
        """As in Listener."""
        self._board.on_log(line, self._clock_s())
        self._output.log(line)

    def counts(self, connection: Connection, there: dict[str, object], round_trip_s: float) -> None:
        """As in Listener."""
        self._board.on_counts(connection.client.end.counts(), there, round_trip_s, self._clock_s())

    def tick(self) -> None:
        """As in Listener."""
        self._output.tick(self._clock_s())


def _topics(text: str | None) -> tuple[str, ...]:
    if text is None:
        return TOPICS
    topics = tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))
    if not 1 <= len(topics) <= MAX_TOPICS:
        raise UsageError(f"--topics {text!r}: 1 to {MAX_TOPICS} names with commas between them, such as {','.join(TOPICS)}")
    return topics


def _display() -> "Display":
    from rich.console import Console as RichConsole
    from rich.live import Live as Display

    return Display(
        console=RichConsole(highlight=False), screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
    )
