"""Time at the edge: the monotonic clock and the waiting that live sources are given."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """A monotonic clock in ns and a way to wait; tests pass their own."""

    now_ns: Callable[[], int] = time.monotonic_ns
    sleep: Callable[[float], None] | None = None
    """Waits this many seconds; None lets a source wait on its own stop signal, so that ``close`` ends the wait at once."""
