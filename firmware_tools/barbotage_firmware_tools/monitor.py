"""The command ``monitor``: live values, frames a second and errors; pressure and tilt as a plot."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from barbotage_device.probe_pod.connection import NS_PER_S, PodConnection
from barbotage_device.probe_pod.protocol import Flags, Tilt
from barbotage_device.probe_pod.state import (
    LavageChanged,
    PodEvent,
    PodFault,
    PodState,
    PodTracker,
    PressureSeries,
    Touched,
    fault_name,
)
from barbotage_firmware_tools.greeting import connected

_READ_S = 0.05
_KEPT_S = 20.0
_BARS = "▁▂▃▄▅▆▇█"
_SPARK_POINTS = 32
_PLOT_WIDTH_PX, _PLOT_HEIGHT_PX, _MARGIN_PX = 1000, 260, 50


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
        now_ns = time.monotonic_ns()
        events = seen.tracker.take(message, now_ns)
        if isinstance(message, Tilt):
            at_s = (now_ns - started_ns) / NS_PER_S
            seen.pitch.add(at_s, message.pitch_cdeg / 100)
            seen.roll.add(at_s, message.roll_cdeg / 100)
        for event in events:
            yield from _words(event, seen, started_ns)


def _words(event: PodEvent, seen: Watched, started_ns: int) -> Iterator[str]:
    match event:
        case PressureSeries():
            for number, hpa in enumerate(event.pressure_hpa):
                seen.pressure.add((event.at_ns - started_ns) / NS_PER_S + number / 100, hpa)
        case Touched():
            yield f"{event.contact.name.lower().replace('_', ' ')}: {event.action.name.lower()}"
        case LavageChanged():
            yield f"lavage: {event.phase.name.lower()}, {event.cycles} cycles"
        case PodFault():
            yield fault_name(event)
        case _:
            pass


def line_of(seen: Watched) -> str:
    """One line of live values."""
    state = seen.state
    tilt = "tilt -" if state.pitch_deg is None else f"tilt {state.pitch_deg:+6.1f} {state.roll_deg:+6.1f} deg"
    pressure = "pressure -" if state.pressure_hpa is None else f"pressure {state.pressure_hpa:+5d} hPa {spark(seen.pressure)}"
    marks = " ".join(name for name, on in (("MOVED", state.moved), ("STALE", Flags.STALE in state.flags)) if on)
    health = f"{seen.frames_hz:5.1f} frames/s, {seen.lost} lost, {seen.damaged} damaged, {state.dropped} dropped"
    return f"{tilt}  {pressure}  {state.phase.name.lower()}, {state.cycles} cycles  {health} {marks}".rstrip()


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

    rows = []
    for title, lines in (
        ("pressure, hPa", ((seen.pressure, (40, 40, 200)),)),
        ("pitch (blue) and roll (green), deg", ((seen.pitch, (200, 80, 0)), (seen.roll, (0, 130, 0)))),
    ):
        picture = np.full((_PLOT_HEIGHT_PX, _PLOT_WIDTH_PX, 3), 255, np.uint8)
        cv2.putText(picture, title, (_MARGIN_PX, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 1, cv2.LINE_AA)
        points = [point for series, _ in lines for point in series.points]
        if points:
            _draw(picture, lines, points)
        rows.append(picture)
    cv2.imwrite(str(file), np.vstack(rows))


def _draw(picture: Any, lines: Any, points: list[tuple[float, float]]) -> None:
    import cv2
    import numpy as np

    times, values = np.array(points).T
    low, high = float(values.min()), max(float(values.max()), float(values.min()) + 1)
    start, end = float(times.min()), max(float(times.max()), float(times.min()) + 0.1)
    width, height = _PLOT_WIDTH_PX - 2 * _MARGIN_PX, _PLOT_HEIGHT_PX - 2 * _MARGIN_PX
    for label, at in ((f"{high:.0f}", _MARGIN_PX), (f"{low:.0f}", _MARGIN_PX + height)):
        cv2.putText(picture, label, (4, at + 4), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (90, 90, 90), 1, cv2.LINE_AA)
        cv2.line(picture, (_MARGIN_PX, at), (_MARGIN_PX + width, at), (225, 225, 225), 1)
    for label, at in ((f"{start:.0f} s", _MARGIN_PX), (f"{end:.0f} s", _MARGIN_PX + width - 30)):
        cv2.putText(picture, label, (at, _PLOT_HEIGHT_PX - 22), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (90, 90, 90), 1, cv2.LINE_AA)
    for series, colour in lines:
        if len(series.points) < 2:
            continue
        xs, ys = np.array(series.points).T
        path = np.column_stack(
            [_MARGIN_PX + (xs - start) / (end - start) * width, _MARGIN_PX + (high - ys) / (high - low) * height]
        )
        cv2.polylines(picture, [np.round(path).astype(np.int32)], isClosed=False, color=colour, thickness=1, lineType=cv2.LINE_AA)
