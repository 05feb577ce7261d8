"""Runs a build step; its output goes to a log, of which an error shows the end."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from barbotage_firmware_tools.errors import BuildError

_TAIL_LINES = 5
TIMEOUT_S = 1800.0
"""A compilation takes one to two minutes; on a slow machine ten."""


def run_step(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> None:
    """Runs ``command`` in ``folder`` and appends what it says to ``log``. Raises BuildError with the log's last lines."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        try:
            done = subprocess.run(  # noqa: S603 - our own build commands
                command,
                cwd=folder,
                env=dict(environment),
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                timeout=TIMEOUT_S,
                check=False,
            )
        except FileNotFoundError as error:
            raise BuildError(f"{command[0]} is not installed") from error
        except subprocess.TimeoutExpired as error:
            raise BuildError(f"{command[0]} did not end within {TIMEOUT_S:.0f} s; see {log}") from error
    if done.returncode != 0:
        tail = " | ".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_TAIL_LINES:])
        raise BuildError(f"{command[0]} failed ({done.returncode}): {tail} (whole log: {log})")
