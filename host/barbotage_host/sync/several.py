"""Several devices at once, and devices that come and go: a thread for each, rounds until somebody ends them."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from barbotage_device.console import EXIT_FAILED, worst
from barbotage_device.errors import BarbotageError, RefusedError
from barbotage_host.sync.fetching import Outcome
from barbotage_host.sync.syncing import NoRoomError, StoppedError, Sync

ROUND_EVERY_S = 5.0
"""A watched device is asked for its list so often: a session is noticed soon, the line stays idle for the rest."""
LOOK_EVERY_S = 0.2
STOP_WITHIN_S = 5.0
"""What a thread may take to leave everything in order: longer than a step of a fetch."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Whether somebody wants the threads to end."""

    event: threading.Event

    def wait(self, seconds: float) -> None:
        """Sleeps. Raises StoppedError when it is to end."""
        if self.event.wait(seconds):
            raise StoppedError("stopped")

    def check(self) -> None:
        """Raises StoppedError when it is to end."""
        self.wait(0.0)


def watch(sync: Sync, wanted: frozenset[str], say: Callable[[str], None], stop: Stop, ended: Callable[[Outcome], None]) -> None:
    """Syncs in rounds: waits for the device to come, takes what is new; each trouble is said once. ``ended`` gets each round's outcome.

    Raises StoppedError, and RefusedError when the device will not be had by waiting (not paired, another device).
    """
    told = ""
    while True:
        try:
            outcome = sync.run(wanted)
        except StoppedError:
            raise
        except (BarbotageError, OSError) as error:
            if isinstance(error, RefusedError) and not isinstance(error, NoRoomError):
                raise
            sync.close()
            if str(error) != told:
                say(f"{error}; waiting")
            told = str(error)
        else:
            if told:
                say("the device is there")
            told = ""
            ended(outcome)
        stop.wait(ROUND_EVERY_S)


def run_each(jobs: Sequence[Callable[[], int]], fail: Callable[[BarbotageError | OSError], None], event: threading.Event) -> int:
    """Runs each job in a thread of its own; the worst of their exit codes. Ctrl-C sets ``event`` and waits for them, a little.

    ``fail`` gets the error that ended a job. Raises KeyboardInterrupt.
    """
    codes: list[int] = []
    # Events, not Thread.join: a join that Ctrl-C interrupts takes the thread for ended (bpo-45274).
    over = [threading.Event() for _ in jobs]

    def run(job: Callable[[], int], ended: threading.Event) -> None:
        try:
            codes.append(job())
        except StoppedError:
            pass
        except BarbotageError as error:
            fail(error)
            codes.append(error.exit_code)
        except OSError as error:
            fail(error)
            codes.append(EXIT_FAILED)
        finally:
            ended.set()

    for job, ended in zip(jobs, over, strict=True):
        threading.Thread(target=run, args=(job, ended), daemon=True).start()
    try:
        for ended in over:
            while not ended.wait(LOOK_EVERY_S):
                pass
    except KeyboardInterrupt:
        event.set()
        ends_s = time.monotonic() + STOP_WITHIN_S
        for ended in over:
            ended.wait(max(0.0, ends_s - time.monotonic()))
        raise
    return worst(codes)
