"""The checks of this computer: Python, packages, ports and who may open them, what disturbs them, known devices, the archive."""

import os
import shutil
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from barbotage_device.link.keys import KnownDevice, KnownDevices
from barbotage_host.devices.advice import modem_manager_runs, permission_advice
from barbotage_host.devices.home import Home
from barbotage_host.devices.ports import Candidate, PortInfo, list_candidates
from barbotage_host.devices.remembered import list_remembered
from barbotage_host.devices.udev import PRODUCT_ID, VENDOR_ID, rule_installed
from barbotage_host.devices.words import size
from barbotage_host.doctor.findings import Check, Finding, fail, ok, skipped, warn
from barbotage_host.sync.catalogue import CATALOGUE_NAME, SCHEMA_VERSION

PYTHON_FROM, PYTHON_BELOW = (3, 11), (3, 14)
"""As pyproject.toml says."""
PACKAGES = ("barbotage", "cbor2", "cobs", "cryptography", "spake2", "pyserial", "rich", "typer", "mcap", "starlette", "uvicorn")
"""What the host's commands need, as in the extra "host"."""
FTDI_DEFAULT_MS = 16
"""The timer of an FTDI adapter as its driver sets it; the link reaches its rate with it, so only more is worth a word."""
LOW_ARCHIVE_BYTES = 5e9
"""An hour and a half of recorded frames, at the 500 MB for ten minutes that runtime/health.py reckons with."""
CATALOGUE_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Computer:
    """Where to look: the host's folders, the port if one was named, and the roots of the system's files."""

    home: Home
    ports: Sequence[PortInfo]
    port: str | None = None
    root: Path = Path("/")

    @property
    def proc(self) -> Path:
        """/proc."""
        return self.root / "proc"

    def known(self) -> list[KnownDevice]:
        """The remembered devices. Raises LinkError."""
        return KnownDevices(self.home.state).all()

    def candidates(self) -> list[Candidate]:
        """The ports, ours first. Raises LinkError."""
        return list_candidates(self.ports, self.known())


def check_python(_computer: Computer) -> Finding:
    """Whether this Python is one that the software is made for."""
    text = f"Python {sys.version.split()[0]}"
    if PYTHON_FROM <= sys.version_info[:2] < PYTHON_BELOW:
        return ok(text)
    lowest, below = (".".join(map(str, each)) for each in (PYTHON_FROM, PYTHON_BELOW))
    return warn(f"{text} is not one that this software is tested with", f"use Python {lowest} or newer, below {below}")


def check_packages(_computer: Computer) -> Finding:
    """Whether the Python packages of the host are there."""
    found: list[str] = []
    missing: list[str] = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return fail(f"not installed: {', '.join(missing)}", "pip install 'barbotage[host]'")
    return ok(", ".join(found))


def check_ports(computer: Computer) -> Finding:
    """Whether a port leads to a device, for all that can be known without opening it."""
    if computer.port is not None:
        return ok(f"{computer.port} was named") if Path(computer.port).exists() else _absent(computer.port)
    candidates = computer.candidates()
    ours = [each.port for each in candidates if each.ours]
    if ours:
        return ok(f"{', '.join(ours)} of {len(candidates)} serial ports")
    others = ", ".join(each.port for each in candidates) or "none"
    return warn(
        f"no port says that a device is behind it; serial ports: {others}",
        "switch the device on and use a cable that carries data, not only power; name a UART with --port",
    )


def check_permission(computer: Computer) -> Finding:
    """Whether this user may open the ports that matter."""
    ports = [computer.port] if computer.port else [each.port for each in computer.candidates() if each.ours]
    ports = [port for port in ports if Path(port).exists()]
    if not ports:
        return skipped("no port to ask about")
    barred = [port for port in ports if not os.access(port, os.R_OK | os.W_OK)]
    if barred:
        return fail(f"this user may not open {', '.join(barred)}", permission_advice(barred[0]))
    return ok(f"this user may open {', '.join(ports)}")


def check_udev(computer: Computer) -> Finding:
    """Whether the udev rule is there, where a device on USB would gain by it."""
    installed = rule_installed(computer.root)
    if installed:
        return ok("the rule for devices on USB is installed")
    if installed is None:
        return warn("the rule for devices on USB is of another version", "run 'sudo barbotage udev install'")
    if any(each.usb_id == f"{VENDOR_ID}:{PRODUCT_ID}" for each in computer.candidates()):
        return warn("a device is on USB, but the rule for it is not installed", "run 'sudo barbotage udev install'")
    return ok("the rule is not installed; only devices on USB gain by it")


def check_modem_manager(computer: Computer) -> Finding:
    """Whether ModemManager may write into the ports."""
    if not modem_manager_runs(computer.proc):
        return ok("ModemManager does not run")
    if rule_installed(computer.root):
        return ok("ModemManager runs and is told to leave devices alone")
    return warn("ModemManager runs and holds new ports for up to 30 s", "run 'sudo barbotage udev install'")


def check_latency_timer(computer: Computer) -> Finding:
    """How long FTDI adapters hold back what has come."""
    timers = sorted((computer.root / "sys/bus/usb-serial/devices").glob("*/latency_timer"))
    texts = {path.parent.name: path.read_text(encoding="ascii").strip() for path in timers}
    values = {name: int(text) for name, text in texts.items() if text.isdigit()}
    if not values:
        return skipped("no FTDI adapter")
    text = ", ".join(f"{name} {value} ms" for name, value in values.items())
    slow = [name for name, value in values.items() if value > FTDI_DEFAULT_MS]
    if slow:
        return warn(
            text, f"as root: echo 1 > /sys/bus/usb-serial/devices/{slow[0]}/latency_timer; what the device tells comes late else"
        )
    return ok(f"{text}; what the device tells comes at most so much later")


def check_known(computer: Computer) -> Finding:
    """Which devices this computer knows, and whether they are there."""
    known = list_remembered(computer.known(), computer.candidates())
    if not known:
        return warn("no device is known", "connect one and run 'barbotage pair'")
    text = "; ".join(f"{each.serial}{f' ({each.name})' if each.name else ''}: connected {each.connected}" for each in known)
    return ok(text)


def check_archive(computer: Computer) -> Finding:
    """Whether sessions can be put into the archive."""
    root = computer.home.archive
    folder = root
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return fail(f"{root} cannot be written", "choose another folder with --archive or $BARBOTAGE_ARCHIVE")
    free = shutil.disk_usage(folder).free
    text = f"{root}{'' if folder == root else ' (made at the first sync)'}, {size(free)} free"
    if free < LOW_ARCHIVE_BYTES:
        return warn(text, "make room, or choose another disk with --archive or $BARBOTAGE_ARCHIVE")
    return ok(text)


def check_catalogue(computer: Computer) -> Finding:
    """Whether the catalogue of the archive is sound. It is only read."""
    path = computer.home.archive / CATALOGUE_NAME
    if not path.exists():
        return skipped("there is none yet; it is made when it is needed")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=CATALOGUE_WITHIN_S)) as database:
            (found,) = database.execute("PRAGMA user_version").fetchone()
            (sound,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        found, sound = None, str(error)
    if sound != "ok":
        return warn(f"{path} is damaged ({sound})", "run 'barbotage archive rebuild'; no session is lost by that")
    if found != SCHEMA_VERSION:
        return ok(f"{path} is of version {found}; it is made again when it is needed")
    return ok(f"{path} is sound")


def _absent(port: str) -> Finding:
    return fail(f"there is no port {port}", "see 'barbotage ports'; a cable that only charges carries no data")


CHECKS: tuple[Check[Computer], ...] = (
    Check("python", check_python),
    Check("packages", check_packages),
    Check("serial ports", check_ports),
    Check("permission", check_permission),
    Check("udev rule", check_udev),
    Check("modem manager", check_modem_manager),
    Check("latency timer", check_latency_timer),
    Check("known devices", check_known),
    Check("archive", check_archive),
    Check("catalogue", check_catalogue),
)
