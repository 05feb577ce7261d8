"""What to do about a port that cannot be opened or does not answer: in words, from what /proc and the file system tell."""

import errno
import getpass
import os
from pathlib import Path
from typing import NoReturn

from barbotage_device.errors import NotFoundError, RefusedError
from barbotage_device.link.client import NO_ANSWER
from barbotage_device.link.errors import LinkError, LinkLostError

PROC = Path("/proc")
MODEM_MANAGER = "ModemManager"
LIKELY_GROUP = "dialout"
"""The group of serial ports on Debian and its kin."""


def advised(port: str, error: LinkError, baud: int | None = None, proc: Path = PROC) -> NotFoundError | RefusedError | LinkError:
    """The error with what to do about it."""
    cause = error.__cause__
    number = cause.errno if isinstance(cause, OSError) else None
    if number in (errno.EACCES, errno.EPERM):
        return RefusedError(f"{port}: permission denied for {getpass.getuser()}; {permission_advice(port)}")
    if number == errno.EBUSY:
        return LinkError(f"{port} is in use{_by_whom(port, proc)}")
    if number in (errno.ENOTTY, errno.EISDIR) or "is not a serial port" in str(error):
        return LinkError(f"{port} is not a serial port; 'barbotage ports' lists them")
    if str(error) == NO_ANSWER:
        return LinkLostError(_silent(port, baud, proc))
    if isinstance(error, LinkLostError):
        return LinkLostError(f"{error}; is the device on, and does the cable carry data (not only power)? see 'barbotage ports'")
    return error


def raise_advised(port: str, error: LinkError, baud: int | None = None) -> NoReturn:
    """Raises the error with what to do about it."""
    better = advised(port, error, baud)
    if better is error:
        raise error
    raise better from error


def permission_advice(port: str) -> str:
    """How a user gets the right to open the port."""
    return (
        f"run 'sudo usermod -aG {group_of(port)} {getpass.getuser()}' and log in again, "
        "or 'sudo barbotage udev install' and plug the device in again"
    )


def group_of(port: str) -> str:
    """The group whose members may open the port."""
    import grp

    try:
        return grp.getgrgid(Path(port).stat().st_gid).gr_name
    except (OSError, KeyError):
        return LIKELY_GROUP


def holder_of(port: str, proc: Path = PROC) -> tuple[str, int] | None:
    """Name and number of a process that holds the port, as far as /proc tells this user."""
    real = os.path.realpath(port)
    for process in sorted(proc.glob("[0-9]*")):
        try:
            if any(os.path.realpath(each) == real for each in (process / "fd").iterdir()):
                return (process / "comm").read_text(encoding="utf-8", errors="replace").strip(), int(process.name)
        except OSError:
            continue
    return None


def modem_manager_runs(proc: Path = PROC) -> bool:
    """Whether ModemManager runs; it may be anybody's process, so what it holds is not to be seen."""
    for comm in proc.glob("[0-9]*/comm"):
        try:
            if comm.read_text(encoding="utf-8", errors="replace").strip() == MODEM_MANAGER:
                return True
        except OSError:
            continue
    return False


def _by_whom(port: str, proc: Path) -> str:
    holder = holder_of(port, proc)
    if holder is None and modem_manager_runs(proc):
        return (
            f", perhaps by {MODEM_MANAGER}, which tries new ports for up to 30 s; "
            "wait and try again; 'sudo barbotage udev install' keeps it away"
        )
    if holder is None:
        return " by a program of another user; end that program first"
    name, number = holder
    if name == MODEM_MANAGER:
        return f" by {name} (process {number}), which tries new ports for up to 30 s; 'sudo barbotage udev install' keeps it away"
    return f" by {name} (process {number}); end that program first"


def _silent(port: str, baud: int | None, proc: Path) -> str:
    rate = "the rate of a UART is given with --baud" if baud is None else f"both ends must have the rate {baud}"
    modem = (
        f"; {MODEM_MANAGER} runs and may disturb: 'sudo barbotage udev install' keeps it away" if modem_manager_runs(proc) else ""
    )
    return (
        f"no Barbotage device answers on {port}; is it on, does 'barbotage-device serve' or 'run --serial' run on it, "
        f"is it the right port? {rate}{modem}"
    )
