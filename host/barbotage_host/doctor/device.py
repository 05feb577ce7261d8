"""The checks of a connected device: versions, security, clock, board, updates, and the line between."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import AnswerError, Code, LinkLostError
from barbotage_device.link.values import Values
from barbotage_device.runtime.health import Health
from barbotage_host.devices.connecting import Connection
from barbotage_host.devices.words import size
from barbotage_host.doctor.findings import Check, Finding, fail, ok, skipped, warn
from barbotage_host.settings.clock import Clocks, compare

CLOCK_OFF_S = 2.0
"""A crystal of 20 ppm is off by so much after a day."""
PINGS = 200
PING_BYTES = 1024
PINGS_WITHIN_S = 15.0
"""Slow lines get fewer pings: 200 take 37 s at 115200 baud."""
PING_WITHIN_S = 5.0
BAD_FRAMES = 0.01
"""A bit error rate of 1e-6, which a sound cable does not have, hits one in a hundred frames of 1 KiB."""
TROUBLE = ("failed", "rolled-back")
"""States of updates that a person should know of (docs/protocol.md, section 7)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A connected device. ``pad`` fills pings; ``progress`` gets a word about how far a long check is."""

    connection: Connection
    pad: bytes
    progress: Callable[[str], None] = lambda _: None
    clock_s: Callable[[], float] = time.monotonic

    @property
    def client(self) -> LinkClient:
        """Talks to it."""
        return self.connection.client


@dataclass(frozen=True, slots=True)
class Pings:
    """A short test of the line: what came back, how quickly, and frames that were hit at either end."""

    count: int
    seconds: float
    median_ms: float
    worst_ms: float
    lost: int
    mended: int

    @property
    def rate_bytes_per_s(self) -> float:
        """Both ways together, one ping at a time: less than the line can do."""
        return 2 * PING_BYTES * self.count / self.seconds if self.seconds > 0 else 0.0


def check_versions(subject: Subject) -> Finding:
    """Whether both ends run the same software. What does not fit at all was refused before."""
    device, own = subject.connection.device, version("barbotage")
    text = f"device {device.software}, this computer {own}, link {device.versions[0]} to {device.versions[1]}"
    if device.software == own:
        return ok(text)
    return warn(text, "they work together; still, update the older end ('barbotage update', pip install -U barbotage)")


def check_security(subject: Subject) -> Finding:
    """Whether the link is authenticated and encrypted."""
    if subject.connection.device.secured:
        return ok(f"authenticated and encrypted; this computer is {subject.client.end.role}")
    return warn(
        "the device is in the laboratory setting: neither authenticated nor encrypted",
        "never with patients; restart it without it",
    )


def check_clock(subject: Subject) -> Finding:
    """How far the device's clock is from this computer's."""
    found = compare(subject.client, Clocks())
    off_s = found.offset_ns / 1e9
    text = f"the device's clock is {abs(off_s):.3f} s {'ahead' if off_s > 0 else 'behind'}, plus or minus {found.uncertainty_ns / 1e6:.0f} ms"
    return ok(text) if abs(off_s) <= CLOCK_OFF_S else warn(text, "run 'barbotage time set' while no procedure is running")


def check_board(subject: Subject) -> Finding:
    """Disk, temperature and supply of the device."""
    status = subject.client.call("dev.status")
    throttled = status.all().get("throttled")
    health = Health(
        rss_mb=status.number_or_none("rss_mb"),
        peak_rss_mb=status.number_or_none("peak_rss_mb") or 0.0,
        cpu_celsius=status.number_or_none("cpu_celsius"),
        throttled=throttled if isinstance(throttled, bool) else None,
        disk_free_mb=status.number_or_none("disk_free_mb"),
    )
    free = "unknown" if health.disk_free_mb is None else f"{size(health.disk_free_mb * 1e6)} free"
    heat = "unknown" if health.cpu_celsius is None else f"{health.cpu_celsius:.0f} °C"
    text = f"state {status.text('state', 'unknown')}, disk {free}, temperature {heat}"
    if health.warnings:
        return warn(text, "; ".join(health.warnings))
    return ok(text)


def check_updates(subject: Subject) -> Finding:
    """Where updates stand."""
    try:
        status = subject.client.call("upd.status")
    except AnswerError as error:
        if error.code == Code.UNKNOWN_METHOD:
            return skipped("this device takes no updates over the link")
        raise
    state, why = status.text("state"), _text(status, "why")
    name = " ".join(part for part in (_text(status, "kind"), _text(status, "name"), _text(status, "version")) if part)
    text = f"{state}{f': {name}' if name else ''}{f' ({why})' if why else ''}"
    if state in TROUBLE:
        return warn(text, "see 'barbotage logs'; send a newer bundle with 'barbotage update'")
    return ok(text)


def check_line(subject: Subject) -> Finding:
    """A short test of the line."""
    try:
        pings = measure(subject)
    except LinkLostError as error:
        return fail(f"pings stay away: {error}", _cable_advice(subject))
    text = (
        f"{pings.count} pings of {PING_BYTES} B: round trip {pings.median_ms:.1f} ms, at worst {pings.worst_ms:.0f} ms, "
        f"{size(pings.rate_bytes_per_s)}/s; {pings.lost} frames lost, {pings.mended} mended"
    )
    if pings.lost + pings.mended > BAD_FRAMES * 2 * pings.count:
        return warn(text, _cable_advice(subject))
    return ok(text)


def check_counters(subject: Subject) -> Finding:
    """What both ends counted since the device's program started: frames that nobody with the keys sent, and nonsense."""
    there, here = subject.client.call("link.stats"), subject.client.end.counts()
    counts = {
        key: there.whole(key, 0) + here.get(key, 0) for key in ("frames", "damaged", "mended", "foreign", "malformed", "refused")
    }
    text = ", ".join(f"{key} {value}" for key, value in counts.items())
    if counts["refused"]:
        return warn(
            text, "whole frames did not open with the keys: replayed or forged, by whom? look at what is between both ends"
        )
    if counts["malformed"]:
        return warn(text, "frames made no sense: the ends are of different versions; update the older")
    return ok(text)


def measure(subject: Subject, count: int = PINGS, within_s: float = PINGS_WITHIN_S) -> Pings:
    """Pings the device ``count`` times, fewer when the time runs out. Raises LinkLostError when answers stay away."""
    client, clock_s = subject.client, subject.clock_s
    before = _hits(subject)
    start_s = clock_s()
    trips_s: list[float] = []
    while len(trips_s) < count and clock_s() - start_s < within_s:
        sent_s = clock_s()
        client.call("link.ping", {"t": len(trips_s), "pad": subject.pad}, within_s=PING_WITHIN_S)
        trips_s.append(clock_s() - sent_s)
        subject.progress(f"ping {len(trips_s)} of {count} ")
    seconds = clock_s() - start_s
    lost, mended = (after - was for after, was in zip(_hits(subject), before, strict=True))
    return Pings(len(trips_s), seconds, 1000 * statistics.median(trips_s), 1000 * max(trips_s), lost, mended)


def _hits(subject: Subject) -> tuple[int, int]:
    """Frames lost and mended at both ends so far."""
    there, here = subject.client.call("link.stats"), subject.client.end.counts()
    lost = sum(there.whole(key, 0) + here[key] for key in ("missed", "damaged"))
    return lost, there.whole("mended", 0) + here["mended"]


def _cable_advice(subject: Subject) -> str:
    if subject.connection.baud:
        return f"use a shorter or shielded cable, a common ground, or a rate below {subject.connection.baud} at both ends"
    return "use another cable or port, without a hub"


def _text(values: Values, key: str) -> str:
    found = values.all().get(key)
    return found if isinstance(found, str) else ""


CHECKS: tuple[Check[Subject], ...] = (
    Check("versions", check_versions),
    Check("security", check_security),
    Check("clock", check_clock),
    Check("board", check_board),
    Check("updates", check_updates),
    Check("line", check_line),
    Check("counters", check_counters),
)
