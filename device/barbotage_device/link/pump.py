"""Drives one end of the link over a transport: the only loop that reads, writes and waits."""

from collections.abc import Callable

from barbotage_device.link.peer import Peer
from barbotage_device.link.transport import Transport

MIN_WAIT_S = 0.0005
"""Where something is due but nothing may go yet, so that a mistake in reckoning does not burn a core."""


class Pump:
    """Moves bytes between ``peer`` and ``transport``. ``clock_s`` is monotonic."""

    def __init__(self, peer: Peer, transport: Transport, clock_s: Callable[[], float]) -> None:
        self.peer = peer
        self.transport = transport
        self.clock_s = clock_s
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
        next_s = until_s if self._pending else min(until_s, self.peer.next_s(now_s))
        wait_s = next_s - now_s
        if wait_s <= 0:
            wait_s = 0.0 if wrote else MIN_WAIT_S
        if self.transport.wait(wait_s, want_write=bool(self._pending)):
            data = self.transport.read()
            self.peer.receive(data, self.clock_s())
