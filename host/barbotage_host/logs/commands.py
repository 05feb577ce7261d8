"""What ``barbotage logs`` does: the last lines of the device's log, then new ones as they come."""

import contextlib
import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from barbotage_device.console import EXIT_DONE
from barbotage_device.errors import NotFoundError, UsageError
from barbotage_device.link.client import LinkClient
from barbotage_device.link.messages import LogLine
from barbotage_host.devices.connecting import Connection
from barbotage_host.devices.context import Context, connect_device
from barbotage_host.settings.documents import fetch_document

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
"""As in Python's logging; critical counts as error."""
LOG_DOCUMENT = "log.txt"
LISTEN_S = 0.5
RETRY_S = 0.5
DEFAULT_LINES = 50
KNOWN_LINES = 1024
"""So many lines of the document are remembered, to show none of them again when it is pushed as well: four times what can wait on the device."""
_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\w+) +(.*)")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the device's log. ``when``: UTC, ISO 8601."""

    when: str
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class LogRequest:
    """``lines``: so many of the past at most; ``level``: these and graver ones; ``follow``: until interrupted."""

    lines: int = DEFAULT_LINES
    level: str = "info"
    follow: bool = False


def show_logs(context: Context, request: LogRequest) -> int:
    """The device's log. With ``follow`` it ends only when it is interrupted; a lost line is waited for."""
    if request.level not in LEVELS:
        raise UsageError(f"--level {request.level!r} is not one of {', '.join(LEVELS)}")
    shown: deque[Line] = deque(maxlen=KNOWN_LINES)
    lines, seen, complained = request.lines, False, False
    while True:
        try:
            with contextlib.closing(connect_device(context)) as connection:
                seen, complained = True, False
                _show_until_lost(connection, context, request, lines, shown)
                return EXIT_DONE
        except NotFoundError as error:  # a lost line is one
            if not (request.follow and seen):
                raise
            if not complained:
                context.console.note(f"{error}; waiting for the device")
            complained = True
            lines = KNOWN_LINES  # what was said meanwhile; what was shown is left out
            time.sleep(RETRY_S)


def _show_until_lost(connection: Connection, context: Context, request: LogRequest, lines: int, shown: deque[Line]) -> None:
    client, level = connection.client, LEVELS[request.level]
    if request.follow:
        client.call("log.sub", {"level": level})  # first, so that nothing falls between the document and what is pushed
    past = [line for line in parse_log(fetch_document(client, LOG_DOCUMENT)) if _grade(line.level) >= level]
    for line in past[len(past) - min(lines, len(past)) :]:
        _show(line, context, shown)
    shown.extend(line for line in past if line not in shown)
    if not past and not request.follow:
        context.console.note(f"no lines of level {request.level} or graver")
    while request.follow:
        for pushed in _pushed(client):
            _show(pushed, context, shown)


def parse_log(document: bytes) -> list[Line]:
    """The lines of the device's log document; what is none is left out."""
    found = (_LINE.fullmatch(line) for line in document.decode(errors="replace").splitlines())
    return [Line(match[1], match[2], match[3]) for match in found if match is not None]


def line_of(message: LogLine) -> Line:
    """A pushed line as the log document has it."""
    stamp = datetime.fromtimestamp(round(message.t_ns / 1e6) / 1000, UTC).isoformat(timespec="milliseconds")
    level = max((name for name, number in LEVELS.items() if number <= message.level), key=LEVELS.__getitem__, default="debug")
    return Line(stamp.replace("+00:00", "Z"), level, message.text)


def _pushed(client: LinkClient) -> Iterator[Line]:
    client.listen(LISTEN_S)
    live = client.end.live
    messages, live.log = live.log, []
    live.telemetry.clear()
    live.events.clear()
    return (line_of(message) for message in messages)


def _show(line: Line, context: Context, shown: deque[Line]) -> None:
    if line in shown:
        return
    shown.append(line)
    if context.as_json:
        context.console.result_json({"utc": line.when, "level": line.level, "text": line.text})
    else:
        context.console.result(f"{line.when} {line.level:8} {line.text}")


def _grade(level: str) -> int:
    return LEVELS.get(level, LEVELS["error"])
