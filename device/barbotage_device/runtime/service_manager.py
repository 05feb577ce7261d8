"""What a run tells the service manager that started it (systemd): ready, alive, going to end. The protocol of sd_notify(3), without a library."""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

NS_PER_S = 1_000_000_000
USEC_PER_S = 1_000_000
MOST_ALIVE_EVERY_NS = 1_000_000_000
"""Alive is said once a second at most; sooner where the watchdog asks for it."""
SHARE_OF_WATCHDOG = 4
"""Alive is said this many times within the watchdog's time; sd_watchdog_enabled(3) advises at least twice."""
AFTERWARDS_S = 3600.0
"""Copies of a session may take minutes after the last picture: no sign of life is due then."""


class ServiceManager:
    """Says how the run stands. Does nothing where no service manager asked for it; never waits and never raises for it."""

    def __init__(self, address: str | None, watchdog_ns: int | None = None) -> None:
        """``address``: of its socket, a path or an abstract name after ``@``; None where there is none. ``watchdog_ns``: the time it waits."""
        self._address = address
        share = MOST_ALIVE_EVERY_NS if watchdog_ns is None else watchdog_ns // SHARE_OF_WATCHDOG
        self._every_ns = min(MOST_ALIVE_EVERY_NS, share)
        self._watched = watchdog_ns is not None
        self._said_ns: int | None = None

    def alive(self, now_ns: int) -> None:
        """To be called at every turn: the first time it says that the run is ready, then that it is alive."""
        if self._said_ns is None:
            self._send("READY=1")
        elif not self._watched or now_ns - self._said_ns < self._every_ns:
            return
        self._said_ns = now_ns
        if self._watched:
            self._send("WATCHDOG=1")

    def tell(self, text: str) -> None:
        """One line that ``systemctl status`` shows."""
        self._send(f"STATUS={' '.join(text.split())}")

    def ending(self) -> None:
        """The last picture was shown; what follows has its time."""
        if self._watched:
            self._send(f"WATCHDOG_USEC={round(AFTERWARDS_S * USEC_PER_S)}")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.setblocking(False)
            line.sendto(message.encode(), address)


def service_manager(environ: Mapping[str, str], pid: int | None = None) -> ServiceManager:
    """The one that started this process, as its environment names it; one that nobody hears without."""
    own = os.getpid() if pid is None else pid
    usec = environ.get("WATCHDOG_USEC", "")
    meant = environ.get("WATCHDOG_PID", str(own)) == str(own)
    watchdog_ns = int(usec) * 1000 if usec.isascii() and usec.isdigit() and int(usec) > 0 and meant else None
    return ServiceManager(environ.get("NOTIFY_SOCKET") or None, watchdog_ns)


def process_age_ns(
    proc_root: Path = Path("/proc"), boot_ns: Callable[[], int] | None = None, ticks_per_s: int | None = None
) -> int | None:
    """How long ago this process was started, by the kernel's account (a tick is 10 ms); None where it does not say.

    An update that goes on in the same process (execve) counts from the first start. Field 22 of proc_pid_stat(5).
    """
    try:
        fields = (proc_root / "self" / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        started_ns = int(fields[19]) * NS_PER_S // (ticks_per_s or os.sysconf("SC_CLK_TCK"))
        age_ns = (boot_ns or _since_boot_ns)() - started_ns
    except (OSError, ValueError, IndexError, AttributeError):
        return None
    return age_ns if age_ns >= 0 else None


def _since_boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
