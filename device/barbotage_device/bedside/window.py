"""Whether a window can be opened on this computer, and the window as the rest of the program sees it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from barbotage_device.bedside.text import Picture

PROBE_TIMEOUT_S = 30.0
"""A first start of Qt from a slow SD card takes some seconds; a hanging display server must not hold the device for ever."""
DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
_PROBE = "from PySide6.QtGui import QGuiApplication; QGuiApplication([])"


class Key(StrEnum):
    """The keys that the bedside screen understands; the value is the key's name."""

    PEDAL = "space"
    OVERLAY = "o"
    FREEZE = "f"
    LANGUAGE = "l"
    BOOKMARK = "b"
    PATIENT_EVENT = "p"
    QUIT = "q"


class Stage(StrEnum):
    """What a finger, or the pointer with its button held, does."""

    DOWN = "down"
    MOVE = "move"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Touch:
    """Where a finger is, in pixels of the picture shown; outside it where it touched the border of the window."""

    stage: Stage
    x_px: float
    y_px: float


class Window(Protocol):
    """A window that shows one picture at a time and collects keys, touches and typed signs. To be used from the thread that opened it."""

    @property
    def closed(self) -> bool:
        """Whether the person closed it."""
        ...

    def show(self, picture: Picture) -> None:
        """Shows a picture, BGR uint8 (h, w, 3), and handles what happened to the window since the last call."""
        ...

    def keys(self) -> tuple[Key, ...]:
        """Keys pressed since the last call, in order (Escape counts as quit)."""
        ...

    def touches(self) -> tuple[Touch, ...]:
        """What the first finger, or the pointer, did since the last call, in order. A wish is meant by DOWN; MOVE and UP are for dragging."""
        ...

    def typed(self) -> tuple[str, ...]:
        """Characters typed on a keyboard since the last call, BACKSPACE, ENTER, TAB and the arrows, in order; the same presses are in ``keys`` too.

        Whoever shows a question that is typed takes these and leaves ``keys`` aside, QUIT excepted.
        """
        ...

    def close(self) -> None:
        """Closes the window; may be called more than once."""
        ...


class Opening(NamedTuple):
    """A window, or None and the reason in one line."""

    window: Window | None
    reason: str


def open_window(title: str) -> Opening:
    """A window with ``title``, or the reason why there is none. Never raises and never ends the program.

    Qt ends the whole process when its platform plugin cannot start (a missing libxcb-cursor, a dead display), so that is
    first tried in a child process.
    """
    if not any(os.environ.get(name) for name in DISPLAY_VARIABLES):
        return Opening(
            None, f"no display: none of {', '.join(DISPLAY_VARIABLES)} is set; set QT_QPA_PLATFORM=linuxfb on a bare console"
        )
    reason = _why_qt_does_not_start()
    if reason:
        return Opening(None, reason)
    try:
        from barbotage_device.bedside.qt_window import QtWindow

        return Opening(QtWindow(title), "")
    except (ImportError, RuntimeError) as error:
        return Opening(None, f"the window could not be opened: {error}")


def _why_qt_does_not_start() -> str:
    """Starts Qt in a child process; empty when that works, else one line."""
    try:
        probe = subprocess.run(  # noqa: S603 - our own interpreter and a constant
            [sys.executable, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"Qt could not be tried: {error}"
    if probe.returncode == 0:
        return ""
    said = [line.strip() for line in probe.stderr.splitlines() if line.strip()]
    if "No module named 'PySide6'" in probe.stderr:
        return "PySide6 is not installed; install it with: pip install 'barbotage[screen]'"
    return f"Qt does not start on this display (exit status {probe.returncode}): {said[0] if said else 'it said nothing'}"
