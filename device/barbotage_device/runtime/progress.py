"""How far a long command is: nothing for the first two seconds, then a line every few."""

import time
from collections.abc import Callable

FIRST_AFTER_S = 2.0
AGAIN_AFTER_S = 5.0


class Progress:
    """Hears of parts done and parts in all; ``say`` gets a line when somebody would begin to wonder."""

    def __init__(self, what: str, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._say = say
        self._clock = clock
        self._due_s = clock() + FIRST_AFTER_S

    def __call__(self, done: int, total: int) -> None:
        """Takes how much is done."""
        now_s = self._clock()
        if now_s >= self._due_s and total > 0:
            self._due_s = now_s + AGAIN_AFTER_S
            self._say(f"{self._what}: {min(done / total, 1.0):.0%}")
