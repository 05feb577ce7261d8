"""The command ``monitor``: live values, frames a second and errors; pressure and tilt as a plot."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from barbotage_device.probe_pod.connection import NS_PER_S, PodConnection
from barbotage_device.probe_pod.protocol import Flags
from barbotage_device.probe_pod.state import (
    LavageChanged,
    PodEvent,
    PodFault,
    PodState,
    PodTracker,
    PressureSeries,
    Tilted,
    Touched,
    fault_name,
)
from barbotage_firmware_tools.greeting import connected

_READ_S = 0.05
_KEPT_S = 20.0
_BARS = "▁▂▃▄▅▆▇█"
_SPARK_POINTS = 24
_PLOT_WIDTH_PX, _PLOT_HEIGHT_PX, _MARGIN_PX = 1000, 260, 50
_BLACK, _GREY = (0, 0, 0), (90, 90, 90)


@dataclass(slots=True)
class Series:
    """Times in s and values of the last twenty seconds, or of all with ``keep_all``."""

    keep_all: bool = False
    points: deque[tuple[float, float]] = field(default_factory=deque)

    def add(self, at_s: float, value: float) -> None:
        """The next point."""
        self.points.append((at_s, value))
        while not self.keep_all and self.points[0][0] < at_s - _KEPT_S:
            self.points.popleft()


@dataclass(slots=True)
class Watched:
    """What the monitor has seen so far."""

    tracker: PodTracker = field(default_factory=PodTracker)
    pressure: Series = field(default_factory=Series)
    pitch: Series = field(default_factory=Series)
    roll: Series = field(default_factory=Series)
    frames_hz: float = 0.0
    lost: int = 0
    damaged: int = 0

    @classmethod
    def keeping_all(cls) -> "Watched":
        """One that forgets nothing, for a picture of the whole time."""
        return cls(pressure=Series(keep_all=True), pitch=Series(keep_all=True), roll=Series(keep_all=True))

    @property
    def state(self) -> PodState:
        """The pod as last heard."""
        return self.tracker.state


def watch(port: str, duration_s: float | None, every_s: float, told: Callable[[Watched, list[str]], None], seen: Watched) -> None:
    """Listens for ``duration_s`` (None: until interrupted), fills ``seen`` and tells it, with words for each event.

    Raises NotFoundError, SourceLostError, RefusedError for a pod of another protocol.
    """
    with connected(port) as connection:
        seen.tracker.take(connection.greet(), time.monotonic_ns())
        started_ns = told_ns = time.monotonic_ns()
        frames, words = connection.frames, []
        while duration_s is None or time.monotonic_ns() - started_ns < duration_s * NS_PER_S:
            words += list(_listen(connection, seen, started_ns))
            elapsed_s = (time.monotonic_ns() - told_ns) / NS_PER_S
            if elapsed_s >= every_s:
                seen.frames_hz = (connection.frames - frames) / elapsed_s
                seen.lost, seen.damaged = connection.receiver.lost, connection.receiver.damaged
                told(seen, words)
                frames, told_ns, words = connection.frames, time.monotonic_ns(), []


def _listen(connection: PodConnection, seen: Watched, started_ns: int) -> Iterator[str]:
    for message in connection.receive(_READ_S):
        for event in seen.tracker.take(message, time.monotonic_ns()):
            yield from _words(event, seen, started_ns)


def _words(event: PodEvent, seen: Watched, started_ns: int) -> Iterator[str]:
    match event:
        case PressureSeries():
            for number, hpa in enumerate(event.pressure_hpa):
                seen.pressure.add((event.at_ns - started_ns) / NS_PER_S + number / 100, hpa)
        case Tilted():
            at_s = (event.at_ns - started_ns) / NS_PER_S
            seen.pitch.add(at_s, event.pitch_deg)
            seen.roll.add(at_s, event.roll_deg)
        case Touched():
            yield f"{event.contact.name.lower().replace('_', ' ')}: {event.action.name.lower()}"
        case LavageChanged():
            yield f"lavage: {event.phase.name.lower()}, cycles {event.cycles}"
        case PodFault():
            yield fault_name(event)
        case _:
            pass


def line_of(seen: Watched) -> str:
    """One line of live values."""
    state = seen.state
    tilt = "tilt -" if state.pitch_deg is None else f"tilt {state.pitch_deg:+6.1f} {state.roll_deg:+6.1f} deg"
    pressure = "pressure -" if state.pressure_hpa is None else f"pressure {state.pressure_hpa:+5d} hPa {spark(seen.pressure)}"
    errors = (("lost", seen.lost), ("damaged", seen.damaged), ("dropped", state.dropped), ("refused", state.bad_commands))
    health = ", ".join([f"{seen.frames_hz:5.1f} frames/s", *(f"{count} {name}" for name, count in errors if count)])
    marks = " ".join(name for name, on in (("MOVED", state.moved), ("STALE", Flags.STALE in state.flags)) if on)
    return f"{tilt}  {pressure}  {state.phase.name.lower()}, cycles {state.cycles}  {health} {marks}".rstrip()


def record_of(seen: Watched, words: list[str]) -> dict[str, Any]:
    """The same as JSON."""
    state = seen.state
    return {
        "pitch_deg": state.pitch_deg,
        "roll_deg": state.roll_deg,
        "moved": state.moved,
        "pressure_hpa": state.pressure_hpa,
        "phase": state.phase.name.lower(),
        "cycles": state.cycles,
        "frames_hz": round(seen.frames_hz, 1),
        "lost": seen.lost,
        "damaged": seen.damaged,
        "dropped": state.dropped,
        "bad_commands": state.bad_commands,
        "loop_max_ms": state.loop_max_ms,
        "events": words,
    }


def spark(series: Series) -> str:
    """The series as a row of bars."""
    values = [value for _, value in series.points]
    if not values:
        return ""
    step = max(1, len(values) // _SPARK_POINTS)
    picked = values[::-step][:_SPARK_POINTS][::-1]
    low, high = min(picked), max(picked)
    span = (high - low) or 1.0
    return "".join(_BARS[int((value - low) / span * (len(_BARS) - 1))] for value in picked)


def plot(seen: Watched, file: Path) -> None:
    """Pressure above, tilt below, as a PNG."""
    import cv2
    import numpy as np

    times = [at_s for series in (seen.pressure, seen.pitch, seen.roll) for at_s, _ in series.points]
    span_s = (max(0.0, min(times, default=0.0)), max([*times, 1.0]))
    rows = [
        _panel("pressure, hPa", [(seen.pressure, (40, 40, 200))], span_s),
        _panel("pitch (blue) and roll (green), deg", [(seen.pitch, (200, 80, 0)), (seen.roll, (0, 130, 0))], span_s),
    ]
    _, encoded = cv2.imencode(".png", np.vstack(rows))
    file.write_bytes(encoded.tobytes())


def _panel(title: str, lines: list[tuple[Series, tuple[int, int, int]]], span_s: tuple[float, float]) -> Any:
    import cv2
    import numpy as np

    picture = np.full((_PLOT_HEIGHT_PX, _PLOT_WIDTH_PX, 3), 255, np.uint8)
    _write(picture, title, (_MARGIN_PX, 22), _BLACK)
    values = [value for series, _ in lines for _, value in series.points] or [0.0]
    low, high = min(values), max(max(values), min(values) + 1)
    start, end = span_s
    width, height = _PLOT_WIDTH_PX - 2 * _MARGIN_PX, _PLOT_HEIGHT_PX - 2 * _MARGIN_PX
    for value in {low, high} | ({0.0} if low < 0 < high else set()):
        at = _MARGIN_PX + round((high - value) / (high - low) * height)
        _write(picture, f"{value:.0f}", (4, at + 4), _GREY)
        cv2.line(picture, (_MARGIN_PX, at), (_MARGIN_PX + width, at), (225, 225, 225), 1)
    _write(picture, f"{start:.0f} s", (_MARGIN_PX, _PLOT_HEIGHT_PX - 22), _GREY)
    _write(picture, f"{end:.0f} s", (_MARGIN_PX + width - 30, _PLOT_HEIGHT_PX - 22), _GREY)
    for series, colour in lines:
        points = [
            (_MARGIN_PX + (at_s - start) / (end - start) * width, _MARGIN_PX + (high - value) / (high - low) * height)
            for at_s, value in series.points
        ]
        if points:
            cv2.polylines(picture, [np.round(points).astype(np.int32)], isClosed=False, color=colour, lineType=cv2.LINE_AA)
    return picture


def _write(picture: Any, text: str, at_px: tuple[int, int], colour: tuple[int, int, int]) -> None:
    import cv2

    cv2.putText(picture, text, at_px, cv2.FONT_HERSHEY_SIMPLEX, 0.55 if colour == _BLACK else 0.42, colour, 1, cv2.LINE_AA)
