"""How far a sync is: bytes of each kind that are still to come, and the rate at which they come, as measured."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

RATE_SPAN_S = 15.0
"""The rate is that of so long: pauses between files count, as they do for who waits."""
RATE_FIRST_S = 1.0
"""Before that it is not known."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a sync is. ``arrivals_s``: in how many seconds each kind will be there, None while the rate is not known."""

    session: str
    file: str
    kind: str
    done_bytes: int
    total_bytes: int
    rate_bytes_per_s: float
    arrivals_s: dict[str, float | None]


class RateMeter:
    """Bytes a second of lately. ``clock_s`` is monotonic."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._samples: deque[tuple[float, int]] = deque()

    def restart(self) -> None:
        """After an interruption: what was before says nothing about what comes."""
        self._samples.clear()

    def received(self, total_bytes: int) -> None:
        """Takes how many bytes have come since the beginning."""
        now_s = self._clock_s()
        self._samples.append((now_s, total_bytes))
        while len(self._samples) > 2 and self._samples[1][0] <= now_s - RATE_SPAN_S:
            self._samples.popleft()

    @property
    def bytes_per_s(self) -> float:
        """0 until it has been measured."""
        if not self._samples:
            return 0.0
        (first_s, first), (last_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_s - first_s) if last_s - first_s >= RATE_FIRST_S else 0.0
