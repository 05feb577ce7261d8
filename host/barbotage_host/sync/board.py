"""One line for each device on a terminal, drawn anew as it changes; lines that stay go above. Threads may share it."""

import os
import threading
import time
from collections.abc import Callable
from typing import TextIO

DRAW_EVERY_S = 0.25
LINE_EVERY_S = 30.0
"""Where there is no terminal, progress is a line now and then."""
WIDTH = 100
CLEAR = "\x1b[2K"


class Board:
    """Draws on ``stream`` when it is a terminal, else writes a line each half minute. ``clock_s`` is monotonic."""

    def __init__(self, stream: TextIO, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock_s = clock_s
        self._draws = stream.isatty()
        self._lines: dict[str, str] = {}
        self._drawn = 0
        self._due_s: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, text: str) -> None:
        """A line that stays."""
        with self._lock:
            self._erase()
            self._stream.write(text + "\n")
            self._draw()
            self._stream.flush()

    def progress(self, device: str, text: str) -> None:
        """The line of a device, shown at most four times a second."""
        with self._lock:
            now_s = self._clock_s()
            self._lines[device] = text
            if now_s < self._due_s.setdefault(device, now_s + (0.0 if self._draws else LINE_EVERY_S)):
                return
            self._due_s[device] = now_s + (DRAW_EVERY_S if self._draws else LINE_EVERY_S)
            if self._draws:
                self._erase()
                self._draw()
            else:
                self._stream.write(text + "\n")
            self._stream.flush()

    def done(self, device: str) -> None:
        """The device has no line any more."""
        with self._lock:
            self._erase()
            self._lines.pop(device, None)
            self._due_s.pop(device, None)
            self._draw()
            self._stream.flush()

    def _erase(self) -> None:
        if self._drawn:
            self._stream.write("\r" + CLEAR + ("\x1b[1A" + CLEAR) * (self._drawn - 1))
            self._drawn = 0

    def _draw(self) -> None:
        if not self._draws or not self._lines:
            return
        width = _width(self._stream)
        self._stream.write("\n".join(line[: width - 1] for line in self._lines.values()))
        self._drawn = len(self._lines)


def _width(stream: TextIO) -> int:
    try:
        return max(20, os.get_terminal_size(stream.fileno()).columns or WIDTH)
    except (OSError, ValueError):
        return WIDTH
