"""The state of the board: memory, temperature, throttling, disk. Read from /proc and /sys, no vendor tools."""

import resource
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

BYTES_PER_MB = 1e6
HOT_CELSIUS = 80.0
"""A Raspberry Pi 3 to 5 begins to lower its clock at 80 degrees (soft limit of its firmware)."""
UNDER_VOLTAGE, NOW = 0x1, 0xF
"""Bits of the firmware's flags: supply under 4.63 V; anything that holds the clock down now (Raspberry Pi documentation, get_throttled)."""
LOW_DISK_MB = 500.0
"""About ten minutes of recorded frames at 800 x 600, 30 Hz, compressed."""


@dataclass(frozen=True, slots=True)
class Health:
    """A reading of the board. A value is None where the board does not tell."""

    rss_mb: float | None
    """Memory in use now (resident set)."""
    peak_rss_mb: float
    """Most memory in use since the process started."""
    cpu_celsius: float | None
    throttled: bool | None
    """True when the clock is held below its maximum, because the board is hot or its supply is weak."""
    disk_free_mb: float | None
    weak_supply: bool | None = None
    """True while the supply's voltage is too low."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should act on, one line each."""
        found: list[str] = []
        if self.cpu_celsius is not None and self.cpu_celsius >= HOT_CELSIUS:
            found.append(f"the processor is at {self.cpu_celsius:.0f} °C and slows down from {HOT_CELSIUS:.0f} °C; cool it")
        if self.weak_supply:
            found.append("the board's supply is weak; use a 5 V 3 A supply and a short cable")
        elif self.throttled:
            found.append("the board holds its clock down; give it a heat sink, and a 5 V 3 A supply")
        if self.disk_free_mb is not None and self.disk_free_mb < LOW_DISK_MB:
            found.append(f"only {self.disk_free_mb:.0f} MB of disk are free")
        return tuple(found)

    def as_dict(self) -> dict[str, float | bool | None]:
        """For JSON."""
        return asdict(self)


def read_health(folder: Path = Path(), sys_root: Path = Path("/sys"), proc_root: Path = Path("/proc")) -> Health:
    """The reading now; ``folder`` is on the disk whose space matters. Never raises: what cannot be read is None."""
    flags = _firmware_flags(sys_root)
    return Health(
        rss_mb=_rss_mb(proc_root),
        peak_rss_mb=peak_rss_mb(proc_root),
        cpu_celsius=_hottest_celsius(sys_root),
        throttled=_throttled(sys_root, flags),
        disk_free_mb=_disk_free_mb(folder),
        weak_supply=_supply_alarm(sys_root) if flags is None else flags & UNDER_VOLTAGE != 0,
    )


def peak_rss_mb(proc_root: Path = Path("/proc")) -> float:
    """Most memory in use since the process started, in MB (10^6 bytes).

    From VmHWM: ``getrusage`` also counts what the parent had before exec, which is wrong for a small child of a large process.
    """
    value = _status_kb(proc_root, "VmHWM:")
    if value is not None:
        return value * 1024 / BYTES_PER_MB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / BYTES_PER_MB


def _rss_mb(proc_root: Path) -> float | None:
    value = _status_kb(proc_root, "VmRSS:")
    return None if value is None else value * 1024 / BYTES_PER_MB


def _status_kb(proc_root: Path, key: str) -> float | None:
    text = _text(proc_root / "self" / "status")
    line = next((line for line in text.splitlines() if line.startswith(key)), "") if text else ""
    fields = line.split()
    return float(fields[1]) if len(fields) >= 2 and fields[1].isdigit() else None


def _hottest_celsius(sys_root: Path) -> float | None:
    """The hottest thermal zone; the kernel gives thousandths of a degree."""
    values = [_number(zone / "temp") for zone in sorted((sys_root / "class" / "thermal").glob("thermal_zone*"))]
    known = [value / 1000.0 for value in values if value is not None]
    return max(known) if known else None


def _throttled(sys_root: Path, flags: int | None) -> bool | None:
    """From the Raspberry Pi firmware driver, else from its supply alarm; None on other boards."""
    return _supply_alarm(sys_root) if flags is None else flags & NOW != 0


def _firmware_flags(sys_root: Path) -> int | None:
    """What "vcgencmd get_throttled" says, from the kernel's driver of the firmware; None where there is none."""
    text = _text(sys_root / "devices" / "platform" / "soc" / "soc:firmware" / "get_throttled")
    try:
        return None if text is None else int(text.strip(), 16)
    except ValueError:
        return None


def _supply_alarm(sys_root: Path) -> bool | None:
    """Of any voltage sensor (on a Raspberry Pi the driver rpi_volt); None where there is none."""
    alarms = [_number(path) for path in sorted((sys_root / "class" / "hwmon").glob("hwmon*/in0_lcrit_alarm"))]
    known = [alarm for alarm in alarms if alarm is not None]
    return any(alarm != 0 for alarm in known) if known else None


def _disk_free_mb(folder: Path) -> float | None:
    try:
        return shutil.disk_usage(folder).free / BYTES_PER_MB
    except OSError:
        return None


def _number(path: Path) -> float | None:
    text = _text(path)
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
