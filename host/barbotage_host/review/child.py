"""Heavy work in a process of its own: the page stays quick, the server small, and cancelling takes effect at once."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from barbotage_device.errors import BarbotageError
from barbotage_host.review.jobs import CancelledError, Job

WORKER = "barbotage_host.review.worker"
POLL_S = 0.1
KILL_AFTER_S = 2.0


def run_child(job: Job, task: str, arguments: Sequence[str], log: Path) -> dict[str, Any]:
    """The result of a task of ``worker``, with its progress told to ``job``; what it writes to stderr goes to ``log``.

    Raises CancelledError when the job was cancelled, BarbotageError with the worker's words when it failed.
    """
    command = [sys.executable, "-m", WORKER, task, *arguments]
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as child,  # noqa: S603 - our own module
    ):
        watch = threading.Thread(target=_end_when_cancelled, args=(job, child), daemon=True)
        watch.start()
        last = _follow(job, child)
        child.wait()
        watch.join()
    if job.cancelled:
        raise CancelledError("cancelled")
    if "result" in last:
        result: dict[str, Any] = last["result"]
        return result
    raise BarbotageError(str(last.get("error") or f"the work ended early (exit {child.returncode}): {_last_line(log)}"))


def _follow(job: Job, child: "subprocess.Popen[str]") -> dict[str, Any]:
    last: dict[str, Any] = {}
    for line in child.stdout or ():
        try:
            last = json.loads(line)
        except ValueError:
            continue  # the last line of a process that was ended
        if "done" in last:
            with suppress(CancelledError):
                job.progress(last["done"], last["total"])
    return last


def _end_when_cancelled(job: Job, child: "subprocess.Popen[str]") -> None:
    while child.poll() is None:
        if job.wait_cancelled(POLL_S):
            child.terminate()
            try:
                child.wait(KILL_AFTER_S)
            except subprocess.TimeoutExpired:
                child.kill()
            return


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "no message"


class Teller:
    """The worker's side: one JSON object a line on stdout, and an end when nobody listens any more."""

    def __init__(self, every: int = 10) -> None:
        self._every = every
        threading.Thread(target=_end_with_parent, daemon=True).start()

    def progress(self, done: int, total: int) -> None:
        """How far the work is; told at every tenth step and at the last."""
        if done % self._every == 0 or done >= total:
            self.say({"done": done, "total": total})

    def say(self, value: dict[str, Any]) -> None:
        """One line."""
        sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")
        sys.stdout.flush()


def _end_with_parent() -> None:
    """Stdin is the server's end of a pipe: it ends when the server does, however that happened."""
    with suppress(OSError):
        while os.read(0, 4096):  # not sys.stdin: its lock would be held when the interpreter ends
            pass
    os._exit(1)
