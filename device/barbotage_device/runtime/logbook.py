"""The device's log: a bounded file in the state folder, and the lines pushed to a host that follows. It holds no patient data."""

import contextlib
import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from barbotage_device.link.server import LinkServer
from barbotage_device.session.files import write_whole

LOG_NAME = "log.txt"
OLD_LOG_NAME = "log.1.txt"
MAX_FILE_BYTES = 1_000_000
"""Of each of the two files: some months of a device that is used daily."""
TAIL_BYTES = 64 * 1024
"""Some 600 lines: what a person reads; 6 s at 115200 baud."""
MAX_LINE = 600
"""Longer lines are cut: none of ours is."""
NS_PER_MS = 1_000_000

Push = Callable[[int, int, str], None]
"""Takes level, UTC in ns and text of a new line."""


class Logbook:
    """Lines through Python's logging, by ``logger``; on disk at once, each with its UTC time and level. Several processes may share the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.logger = logging.Logger("barbotage", logging.DEBUG)  # its own: no global state, nobody else's handlers
        self.logger.addHandler(_BoundedFile(folder))

    def attach(self, server: LinkServer, what: str) -> None:
        """Notes that ``server`` starts and what goes wrong in it, and gives every new line to the host behind it."""
        server.end.methods.on_error = lambda text: self.logger.error("%s", text)
        self.follow(server.log)
        self.logger.info("started: %s", what)

    def follow(self, push: Push) -> None:
        """Gives every new line to ``push`` as well."""
        self.logger.addHandler(_Follower(push))

    def noting(self, say: Callable[[str], None], level: int = logging.INFO) -> Callable[[str], None]:
        """``say``, with each text noted at this level first."""

        def note(text: str) -> None:
            self.logger.log(level, "%s", text)
            say(text)

        return note

    def tail(self) -> bytes:
        """The last lines, at most ``TAIL_BYTES``, oldest first. Raises OSError."""
        data = b""
        for name in (OLD_LOG_NAME, LOG_NAME):
            with contextlib.suppress(FileNotFoundError):
                data += (self._folder / name).read_bytes()
        if len(data) <= TAIL_BYTES:
            return data
        return data[data.index(b"\n", len(data) - TAIL_BYTES - 1) + 1 :]


class _BoundedFile(logging.Handler):
    """Appends each line to the log; when that is full it becomes the old one. A full or broken disk loses lines and stops nothing."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._append(self._folder / LOG_NAME, log_line(record).encode(errors="replace"))

    def _append(self, path: Path, line: bytes) -> None:
        """Opened anew for each line: another process may have turned the page."""
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size + len(line) > MAX_FILE_BYTES:
                path.replace(path.with_name(OLD_LOG_NAME))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            write_whole(descriptor, line)
        finally:
            os.close(descriptor)


class _Follower(logging.Handler):
    def __init__(self, push: Push) -> None:
        super().__init__()
        self._push = push

    def emit(self, record: logging.LogRecord) -> None:
        self._push(record.levelno, utc_ms(record) * NS_PER_MS, plain_text(record))


def log_line(record: logging.LogRecord) -> str:
    """A line of the file: time in UTC, level, text."""
    when = datetime.fromtimestamp(utc_ms(record) / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{when} {record.levelname.lower():8} {plain_text(record)}\n"


def plain_text(record: logging.LogRecord) -> str:
    """The text in one printable line: what a host sent cannot forge another line, nor move a terminal's cursor."""
    text = record.getMessage()
    return "".join(letter if letter.isprintable() else " " for letter in text)[:MAX_LINE]


def utc_ms(record: logging.LogRecord) -> int:
    """When it was said."""
    return round(record.created * 1000)


def quoted(value: object) -> str:
    """A value as the configuration file writes it."""
    return json.dumps(value, ensure_ascii=False, default=str)
