"""Commands of this tree run in children of one process that has imported everything already: in an emulated machine an import takes half a minute."""

import contextlib
import importlib
import io
import os
import signal
import sys
import time
from pathlib import Path

MODULES = (
    "barbotage_host.devices.commands",
    "barbotage_host.sync.commands",
    "barbotage_device.runtime.linking",
    "cryptography.hazmat.backends.openssl",
    "serial.tools.list_ports",
)
"""What the commands import when they run."""
PROGRAMS = {"barbotage": "barbotage_host.cli", "barbotage-device": "barbotage_device.cli"}


def preload() -> None:
    """Imports all that the commands need; what is imported late only running one can tell."""
    for name in (*PROGRAMS.values(), *MODULES):
        importlib.import_module(name)
    with contextlib.redirect_stdout(io.StringIO()):
        importlib.import_module(PROGRAMS["barbotage"]).run_command_line(["ports", "--json"])


def loaded_files() -> list[str]:
    """The files that this process has loaded: modules, their compiled forms, libraries."""
    found: set[str] = {sys.executable, os.path.realpath(sys.executable)}
    for module in list(sys.modules.values()):
        found |= {each for name in ("__file__", "__cached__") if isinstance(each := getattr(module, name, None), str)}
    found |= {
        fields[5] for line in Path("/proc/self/maps").read_text().splitlines() if len(fields := line.split(maxsplit=5)) == 6
    }
    return sorted(each for each in found if Path(each).is_file())


class Command:
    """A running command. ``folder`` gets what it says, under a name of its own."""

    def __init__(self, folder: Path, program: str, *arguments: str, typed: str | None = None) -> None:
        """Starts it. ``typed`` is what it reads; None: nothing, and its standard input stays open for ``type``."""
        self.argv = [program, *arguments]
        self._code: int | None = None
        stem = f"{len(list(folder.glob('*.out'))):02d}-{program}-{arguments[0]}"
        self._out, self._err = folder / f"{stem}.out", folder / f"{stem}.err"
        self._out.touch()
        reading, self._typing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._typing)
            self._become(reading)
        os.close(reading)
        if typed is not None:
            self.type(typed)

    def type(self, text: str) -> None:
        """Types a text and ends the input."""
        os.write(self._typing, text.encode())
        os.close(self._typing)
        self._typing = -1

    def stdout(self) -> str:
        """The result so far."""
        return self._out.read_text() if self._out.exists() else ""

    def stderr(self) -> str:
        """The chatter so far."""
        return self._err.read_text() if self._err.exists() else ""

    def code(self) -> int | None:
        """The exit code, None while it runs; negative: the signal that ended it."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
                if self._typing >= 0:
                    os.close(self._typing)
        return self._code

    def wait(self, within_s: float) -> int:
        """The exit code. Raises TimeoutError, and ends the command, when it does not end by itself."""
        ends_s = time.monotonic() + within_s
        while (code := self.code()) is None:
            if time.monotonic() > ends_s:
                self.signal(signal.SIGKILL)
                raise TimeoutError(f"{' '.join(self.argv)} did not end within {within_s:.0f} s: {self.stderr().strip()}")
            time.sleep(0.02)
        return code

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, if it runs."""
        if self.code() is None:
            os.kill(self.pid, number)

    def _become(self, reading: int) -> None:
        """The command, in the child; does not return."""
        code = 70  # EX_SOFTWARE of sysexits.h, when the command leaves with an exception
        try:
            for number, path in ((1, self._out), (2, self._err)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
            os.dup2(reading, 0)
            sys.argv = list(self.argv)
            try:
                importlib.import_module(PROGRAMS[self.argv[0]]).main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException as error:  # noqa: BLE001
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)


if __name__ == "__main__":
    preload()
    sys.stdout.write("\n".join(loaded_files()) + "\n")
