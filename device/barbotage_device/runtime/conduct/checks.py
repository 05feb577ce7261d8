"""The checks of the device before a procedure: what is looked at, when it passes, and what is new since the last look."""

import statistics
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from barbotage_device.procedure.checklist import Item
from barbotage_device.procedure.entries import SIDES
from barbotage_device.procedure.events import By, Event, EventKind
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.table import TABLE, Refuse
from barbotage_device.runtime.budget import TOTAL_MS
from barbotage_device.runtime.health import HOT_CELSIUS, LOW_DISK_MB, Health
from barbotage_device.runtime.pipeline import Guidance
from barbotage_device.runtime.status import Condition
from barbotage_device.runtime.timing import NS_PER_MS

LOOK_EVERY_NS = 1_000_000_000
"""The board is read once a second; its files take a fraction of a millisecond."""
FEWEST_FRAMES, MOST_FRAMES = 10, 50
"""Frames before the latency is judged, and of how many it is the median: two seconds, without the first ones, which pay for warming up."""
CLOCK_SET_FROM = datetime(2025, 1, 1, tzinfo=UTC)
"""Before the first release of this software: such a wall clock was never set (a board without a battery starts in the past)."""
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Result:
    """One check. ``detail`` is one English line for the record."""

    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Board:
    """Where the state of the board and the wall clock (UTC in ns) are read."""

    health: Callable[[], Health]
    utc_ns: Callable[[], int]


class DeviceChecks:
    """Looks once a second and gives the results that are new or changed. Not for use from several threads at once."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._told: dict[str, bool] = {}
        self._looked_ns: int | None = None
        self._latencies_ms: deque[float] = deque(maxlen=MOST_FRAMES)

    @property
    def made(self) -> bool:
        """Whether a first look was taken; before it nothing has failed."""
        return bool(self._told)

    def update(self, guidance: Guidance | None, condition: Condition, now_ns: int) -> tuple[Event, ...]:
        """Events for ``step``; empty between two looks, and before frames had time to come."""
        if condition.latency_ns is not None:
            self._latencies_ms.append(condition.latency_ns / NS_PER_MS)
        if self._looked_ns is None:
            self._looked_ns = now_ns
        if now_ns - self._looked_ns < LOOK_EVERY_NS:
            return ()
        self._looked_ns = now_ns
        latency_ms = statistics.median(self._latencies_ms) if len(self._latencies_ms) >= FEWEST_FRAMES else None
        found = checked(guidance, condition, latency_ms, self._board.health(), self._board.utc_ns())
        new = {name: one for name, one in found.items() if self._told.get(name) is not one.passed}
        self._told |= {name: one.passed for name, one in new.items()}
        return tuple(_event(name, one) for name, one in new.items())


class SideCheck:
    """Compares the side that the run was started for with the checklist's; the result is given when it is new. Nothing is guessed."""

    def __init__(self, side: str | None) -> None:
        self._side = side
        self._told: str | None = None

    def update(self, procedure: Procedure) -> tuple[Event, ...]:
        """Events for ``step``; empty while one of the two sides was not said, and where a check is not taken."""
        answer = procedure.checklist.answer(Item.SIDE)
        if self._side is None or answer not in SIDES:
            self._told = None
            return ()
        if answer == self._told or isinstance(TABLE[procedure.state, EventKind.DEVICE_CHECK], Refuse):
            return ()
        self._told = answer
        return (_event("side", Result(answer == self._side, f"run started for {self._side}, checklist {answer}")),)


def checked(
    guidance: Guidance | None, condition: Condition, latency_ms: float | None, health: Health, utc_ns: int
) -> Mapping[str, Result]:
    """The checks (``procedure.entries.DEVICE_CHECKS``), from how the run stands; without the latency while it is not known.

    A sensor that the board lacks is said to be absent and passes.
    """
    stopped = condition.recording_stopped
    disk_mb = health.disk_free_mb
    celsius = health.cpu_celsius
    found = {
        "model": Result(condition.model_error is None and guidance is not None, condition.model_error or "runs"),
        "frames": Result(condition.lost is None and condition.frames > 0, condition.lost or f"{condition.frames} frames"),
        "scale": Result(guidance is not None and guidance.canonical.view.measurable, "mm per pixel of the newest frame"),
        "disk": Result(stopped is None and (disk_mb is None or disk_mb >= LOW_DISK_MB), stopped or _words(disk_mb, "MB free")),
        "temperature": Result(celsius is None or celsius < HOT_CELSIUS, _words(celsius, "degC")),
        "clock": Result(utc_ns >= CLOCK_SET_FROM.timestamp() * NS_PER_S, "wall clock later than the software"),
    }
    if latency_ms is not None:
        found["latency"] = Result(latency_ms <= TOTAL_MS, _words(latency_ms, "ms in the median"))
    return found


def _words(value: float | None, unit: str) -> str:
    return "not measured" if value is None else f"{value:.0f} {unit}"


def _event(name: str, result: Result) -> Event:
    return Event(EventKind.DEVICE_CHECK, By.DEVICE, {"check": name, "passed": result.passed, "detail": result.detail})
