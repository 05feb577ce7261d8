"""The firmware on MicroPython's unix port, behind a pseudo-terminal: what a pod at a serial port is to the device's client."""

import os
import pty
import subprocess
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "device" / "pod" / "micropython" / "unix_pod.py"


class UnixPod:
    """A running pod. ``port`` is a symbolic link, as a USB port is a name that comes and goes."""

    def __init__(self, program: Path, sources: Path, port: Path, protocol: int | None) -> None:
        self.port = port
        self._master, self._slave = pty.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        port.unlink(missing_ok=True)
        port.symlink_to(os.ttyname(self._slave))
        orders = port.with_suffix(".orders")
        orders.write_text("", encoding="utf-8")
        self._orders = orders.open("a", encoding="utf-8", buffering=1)
        environment = {**os.environ, "MICROPYPATH": f"{sources / 'unix'}:{sources}:.frozen"}
        if protocol is not None:
            environment["POD_PROTOCOL"] = str(protocol)
        self._process = subprocess.Popen(
            [program, SCRIPT, orders], stdin=self._master, stdout=self._master, env=environment, cwd=port.parent
        )

    def order(self, text: str) -> None:
        """Moves the pod's world."""
        self._orders.write(text + "\n")

    def unplug(self) -> None:
        """The pod and its port are gone."""
        self.port.unlink(missing_ok=True)
        self._process.kill()
        self._process.wait()
        self._orders.close()
        os.close(self._slave)
        os.close(self._master)


@contextmanager
def unix_pod(program: Path, sources: Path, port: Path, protocol: int | None = None) -> Iterator[UnixPod]:
    """A pod for the length of a with block; it may be unplugged before."""
    pod = UnixPod(program, sources, port, protocol)
    try:
        yield pod
    finally:
        if pod._process.returncode is None:
            pod.unplug()
