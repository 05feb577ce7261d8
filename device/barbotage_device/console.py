"""What the commands say: results on stdout, chatter on stderr, and the exit code of an error. Only commands use it."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from barbotage_device.errors import BarbotageError

PROGRESS_EVERY_S = 0.5
EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_FOUND = 3
EXIT_REFUSED = 4
EXIT_INTERRUPTED = 130


class Console:
    """Writes lines. ``out`` and ``err`` default to the process's own streams, looked up at each write so that tests can replace them."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out
        self._err = err
        self._progress_s = time.monotonic()
        self._progress_open = False

    def result(self, line: str) -> None:
        """A line of the result, on stdout."""
        _write(self._out or sys.stdout, line)

    def result_json(self, value: Mapping[str, Any]) -> None:
        """One JSON object on one line of stdout. NaN and infinity are refused, they are not JSON."""
        self.result(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(", ", ": ")))

    def note(self, line: str) -> None:
        """Chatter, on stderr."""
        self._end_progress()
        _write(self._err or sys.stderr, line)

    def progress(self, text: str) -> None:
        """How far a long command is, at most twice a second, and only where stderr is a terminal that stdout does not fill."""
        stream = self._err or sys.stderr
        if not stream.isatty() or (self._out or sys.stdout).isatty():
            return
        now_s = time.monotonic()
        if now_s - self._progress_s >= PROGRESS_EVERY_S:
            self._progress_s = now_s
            stream.write(f"\r{text}")
            stream.flush()
            self._progress_open = True

    def _end_progress(self) -> None:
        if self._progress_open:
            self._progress_open = False
            (self._err or sys.stderr).write("\n")

    def error(self, message: str) -> None:
        """``error: …`` in one line on stderr."""
        self.note(f"error: {' '.join(str(message).split())}")

    def warning(self, message: str) -> None:
        """``warning: …`` in one line on stderr."""
        self.note(f"warning: {' '.join(str(message).split())}")


def guarded(action: Callable[[], int], console: Console) -> int:
    """The exit code of ``action``: its own, or the one of the error that it raised, said in one line.

    Errors that are not ours are programming mistakes: they keep their traceback.
    """
    try:
        return action()
    except BarbotageError as error:
        console.error(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        console.note("interrupted")
        return EXIT_INTERRUPTED
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("barbotage"):
            raise
        console.error(
            f"the Python package {error.name} is not installed; pip install 'barbotage[device]' at the bedside, 'barbotage[host]' on a PC"
        )
        return EXIT_NOT_FOUND
    except BrokenPipeError:
        _drop_stdout()
        return EXIT_DONE


def worst(codes: "list[int]") -> int:
    """The exit code for several inputs: 0 when all went well, 3 when one was missing, else 1.

    Refusals (4) and usage errors (2) come first: they concern every input.
    """
    for code in (EXIT_REFUSED, EXIT_USAGE, EXIT_NOT_FOUND):
        if code in codes:
            return code
    return EXIT_FAILED if any(codes) else EXIT_DONE


def _write(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()


def _drop_stdout() -> None:
    """After the reader has gone (``| head``), the interpreter would complain once more at exit; give it nowhere to write."""
    import os

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
