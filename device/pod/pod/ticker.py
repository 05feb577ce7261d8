# A fixed rate for a task: late turns do not shift the ones after.
from time import ticks_add, ticks_diff, ticks_ms

import asyncio


class Ticker:
    def __init__(self, period_ms):
        self._period_ms = period_ms
        self._due_ms = ticks_ms()
        self.late_max_ms = 0

    async def wait(self):
        self._due_ms = ticks_add(self._due_ms, self._period_ms)
        left_ms = ticks_diff(self._due_ms, ticks_ms())
        await asyncio.sleep_ms(max(left_ms, 0))
        late_ms = ticks_diff(ticks_ms(), self._due_ms)
        if late_ms > self.late_max_ms:
            self.late_max_ms = late_ms
        if late_ms > self._period_ms:
            self._due_ms = ticks_ms()
