"""The firmware on MicroPython's unix port behind a pseudo-terminal: the same program, simulated sensors, no RP2040.

It keeps up with the clock on any machine, which the whole emulated board does not; flash, prompt and watchdog are not there.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from barbotage_firmware_tools.board.pseudoterminal import PseudoTerminal
from barbotage_firmware_tools.errors import PodToolError

_ANSWER_S = 2.0
_LED_BYTES = 3


class QuickPod:
    """A running pod; use as a context manager. ``port`` is where programs open it, by way of ``link`` when one is given."""

    def __init__(self, program: Path, sources: Path, link: Path | None = None, protocol: int | None = None) -> None:
        self._terminal = PseudoTerminal(link)
        self.port = self._terminal.port
        self._folder = tempfile.TemporaryDirectory(prefix="barbotage-pod-")
        orders = Path(self._folder.name) / "orders"
        orders.touch()
        self._orders = orders.open("a", encoding="utf-8", buffering=1)
        environment = {**os.environ, "MICROPYPATH": f"{sources / 'unix'}:{sources}:.frozen"}
        if protocol is not None:
            environment["POD_PROTOCOL"] = str(protocol)
        command = [str(program), str(sources / "unix" / "run.py"), str(orders)]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=self._terminal.master, stdout=self._terminal.master, env=environment, cwd=self._folder.name
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.unplug()

    @property
    def runs(self) -> bool:
        """Whether the firmware still runs; on a PC it ends where a pod would restart."""
        return self._process.poll() is None

    def feel(self, name: str, value: float) -> None:
        """Tilt (``pitch``, ``roll``, degrees), ``pressure`` (hPa above the atmosphere's) or ``imu`` (1 there, 0 not)."""
        self._order(f"{name} {value:g}")

    def press(self, pin: int) -> None:
        """Closes a contact to ground."""
        self._order(f"pin {pin} 0")

    def release(self, pin: int) -> None:
        """Opens a contact."""
        self._order(f"pin {pin} 1")

    def shown(self) -> tuple[list[tuple[int, int, int]], float]:
        """The ring (green, red, blue as sent) and what the buzzer plays, in Hz. Raises PodToolError when the pod does not answer."""
        file = Path(self._folder.name) / "shown"
        file.unlink(missing_ok=True)
        self._order(f"show {file}")
        deadline_s = time.monotonic() + _ANSWER_S
        while not file.is_file():
            if time.monotonic() > deadline_s:
                raise PodToolError("the simulated pod does not answer")
            time.sleep(0.01)
        document = json.loads(file.read_text(encoding="utf-8"))
        strip = document["strip"]
        leds = [(strip[at], strip[at + 1], strip[at + 2]) for at in range(0, len(strip), _LED_BYTES)]
        return leds, float(document["tone_hz"])

    def unplug(self) -> None:
        """The pod and its port are gone. May be called twice."""
        if self._orders.closed:
            return
        self._process.kill()
        self._process.wait()
        self._orders.close()
        self._terminal.close()
        self._folder.cleanup()

    def _order(self, text: str) -> None:
        self._orders.write(text + "\n")
