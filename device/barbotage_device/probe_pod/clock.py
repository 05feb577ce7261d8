"""The pod's clock on the device's: microseconds that wrap, from an oscillator of its own."""

TICKS = 1 << 30
"""MicroPython's ticks_us wraps here on the RP2040, after 18 minutes."""
_NS_PER_US = 1000
_LEAK_NS_PER_S = 100_000
"""How fast the offset may rise: twice the 50 ppm by which two oscillators drift apart."""


class PodClock:
    """Follows the offset between both clocks: the smallest delay seen, since a message can only be late, never early."""

    def __init__(self) -> None:
        self._ticks: int | None = None
        self._total_us = 0
        self._offset_ns: int | None = None
        self._seen_ns = 0

    def device_ns(self, time_us: int, arrived_ns: int) -> int:
        """When ``time_us`` was, on the device's monotonic clock; never after ``arrived_ns``."""
        total_us = self._unwrap(time_us)
        offset_ns = arrived_ns - total_us * _NS_PER_US
        if self._offset_ns is None:
            self._offset_ns = offset_ns
        else:
            leak_ns = max(0, arrived_ns - self._seen_ns) * _LEAK_NS_PER_S // 1_000_000_000
            self._offset_ns = min(offset_ns, self._offset_ns + leak_ns)
        self._seen_ns = arrived_ns
        return total_us * _NS_PER_US + self._offset_ns

    def _unwrap(self, time_us: int) -> int:
        if self._ticks is None:
            self._ticks = time_us
        # The nearest time with these ticks: messages may carry times a little before those of earlier ones.
        step = (time_us - self._ticks + TICKS // 2) % TICKS - TICKS // 2
        self._ticks = time_us
        self._total_us += step
        return self._total_us
