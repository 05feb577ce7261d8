"""Long work in the background: progress, result, cancellation."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from barbotage_device.errors import BarbotageError, NotFoundError, RefusedError

MOST_RUNNING = 2
"""The machine has other things to do: the page plays while a job runs."""
MOST_KEPT = 50
"""Ended jobs whose result can still be asked for."""


class State(StrEnum):
    """How a job stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class CancelledError(BarbotageError):
    """The job was cancelled while it ran."""


@dataclass
class Job:
    """One piece of work. Only its own thread writes to it, but for ``cancel``."""

    identity: str
    key: str
    state: State = State.RUNNING
    done: int = 0
    total: int = 0
    result: dict[str, Any] | None = None
    error: str | None = None
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def progress(self, done: int, total: int) -> None:
        """Says how far the work is. Raises CancelledError when it was cancelled meanwhile."""
        self.done, self.total = done, total
        if self._cancelled.is_set():
            raise CancelledError("cancelled")

    def cancel(self) -> None:
        """Asks the work to end; it ends at its next progress."""
        self._cancelled.set()

    def wait_cancelled(self, timeout_s: float) -> bool:
        """Whether the work was asked to end within that time."""
        return self._cancelled.wait(timeout_s)

    @property
    def cancelled(self) -> bool:
        """Whether the work was asked to end."""
        return self._cancelled.is_set()

    def record(self) -> dict[str, Any]:
        """What the page sees of it."""
        return {"state": self.state.value, "done": self.done, "total": self.total, "result": self.result, "error": self.error}


Work = Callable[[Job], dict[str, Any]]


class Jobs:
    """The jobs of a launch; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._threads: list[threading.Thread] = []
        self._started = 0
        self._closed = False

    def start(self, key: str, work: Work) -> Job:
        """Starts ``work``, or gives the job that already does what ``key`` names. Raises RefusedError when too many run."""
        with self._lock:
            running = [job for job in self._jobs.values() if job.state is State.RUNNING]
            for job in running:
                if job.key == key and not job.cancelled:
                    return job
            if len(running) >= MOST_RUNNING or self._closed:
                raise RefusedError(f"{len(running)} long tasks are running already; wait for one or cancel it")
            self._started += 1
            job = Job(str(self._started), key)
            self._jobs[job.identity] = job
            self._forget()
            thread = threading.Thread(target=_run, args=(job, work), name=f"job {key}", daemon=True)
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()
        return job

    def find(self, identity: str) -> Job:
        """The job of that number. Raises NotFoundError."""
        with self._lock:
            job = self._jobs.get(identity)
        if job is None:
            raise NotFoundError(f"no job {identity!r} in this launch")
        return job

    def close(self, patience_s: float = 2.0) -> None:
        """Cancels what runs and waits ``patience_s`` for each to end."""
        with self._lock:
            self._closed = True
            threads, jobs = list(self._threads), list(self._jobs.values())
        for job in jobs:
            job.cancel()
        for thread in threads:
            thread.join(patience_s)

    def _forget(self) -> None:
        ended = [name for name, job in self._jobs.items() if job.state is not State.RUNNING]
        for name in ended[: max(0, len(self._jobs) - MOST_KEPT)]:
            del self._jobs[name]


def _run(job: Job, work: Work) -> None:
    try:
        result = work(job)
    except CancelledError:
        job.state = State.CANCELLED
    except BarbotageError as error:
        job.error = str(error)
        job.state = State.FAILED
    except Exception as error:  # noqa: BLE001 - a job must never stay "running"; the page shows what happened
        job.error = f"{type(error).__name__}: {error}"
        job.state = State.FAILED
    else:
        job.result = result
        job.state = State.DONE
