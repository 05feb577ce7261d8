# Feeds the watchdog, but only after every task has reported.
import asyncio
from micropython import const

WATCHDOG_MS = const(2000)
_EVERY_MS = const(250)


class Supervisor:
    def __init__(self, watchdog):
        self._watchdog = watchdog
        self._expected = 0
        self._seen = 0

    def register(self):
        bit = self._expected + 1
        self._expected |= bit
        return bit

    def report(self, bit):
        self._seen |= bit

    def check(self):
        if self._seen != self._expected:
            return False
        self._seen = 0
        self._watchdog.feed()
        return True

    async def run(self):
        while True:
            self.check()
            await asyncio.sleep_ms(_EVERY_MS)
