"""Drives one end of the link over a transport: the only loop that reads, writes and waits."""

import time
from collections.abc import Callable

from barbotage_device.link.peer import Peer
from barbotage_device.link.transport import Transport

MIN_WAIT_S = 0.0005
"""Where something is due but nothing may go yet, so that a mistake in reckoning does not burn a core."""
GATHER_S = 0.003
"""Bytes of a slow line trickle in each millisecond; gathered for so long they cost a third of the time, and only bulk waits for it."""
REFILL_S = 0.005
"""A full driver takes a few bytes each millisecond; it holds 13 ms and more, so it need not be asked more often."""


class Pump:
    """Moves bytes between ``peer`` and ``transport``. ``clock_s`` is monotonic."""

    def __init__(self, peer: Peer, transport: Transport, clock_s: Callable[[], float]) -> None:
        self.peer = peer
        self.transport = transport
        self.clock_s = clock_s
        self.sleep = time.sleep
        self._pending = memoryview(b"")

    def step(self, until_s: float) -> None:
        """Writes what is due, waits until ``until_s`` at the latest, takes what has come. Raises LinkLostError when the port is gone."""
        now_s = self.clock_s()
        wrote = False
        if not self._pending:
            self._pending = memoryview(self.peer.output(now_s, self.transport.held_bytes()))
        if self._pending:
            sent = self.transport.write(self._pending)
            self._pending = self._pending[sent:]
            wrote = sent > 0
        gathers = self.peer.unhurried(now_s)
        if self._pending:
            next_s = min(until_s, now_s + REFILL_S) if gathers else until_s
        else:
            next_s = min(until_s, self.peer.next_s(now_s))
        wait_s = next_s - now_s
        if wait_s <= 0:
            wait_s = 0.0 if wrote else MIN_WAIT_S
        if self.transport.wait(wait_s, want_write=bool(self._pending) and not gathers):
            if gathers:
                self.sleep(GATHER_S)
            data = self.transport.read()
            self.peer.receive(data, self.clock_s())
