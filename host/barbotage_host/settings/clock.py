"""The device's clock against this computer's: how far apart they are, how sure that is, and setting it."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from barbotage_device.console import EXIT_DONE
from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import LinkError
from barbotage_host.devices.context import Context, connect_device

EXCHANGES = 8
"""The quickest exchange of several tells best: what delays one makes its answer less sure (RFC 5905, section 10, keeps eight samples)."""
TRIES = 3
"""A request that the line lost arrives late, and sets a time that has passed; it is set again then."""
GOOD_NS = 20_000_000
"""Within this and the uncertainty, the clock is set: a fifth of the 100 ms between frame and display, and what a UART's queue may add on one way."""
_NS = 1e9


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both clocks. ``offset_ns``: device less this computer; true within ``uncertainty_ns``, half of the round trip."""

    host_utc_ns: int
    device_utc_ns: int
    offset_ns: int
    uncertainty_ns: int


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of this computer."""

    utc_ns: Callable[[], int] = time.time_ns
    monotonic_ns: Callable[[], int] = time.monotonic_ns


def compare(client: LinkClient, clocks: Clocks, exchanges: int = EXCHANGES) -> Comparison:
    """The clocks of the quickest of several exchanges; the device's answer is taken to be of the middle of the round trip."""
    best: Comparison | None = None
    for _ in range(exchanges):
        utc_ns, sent_ns = clocks.utc_ns(), clocks.monotonic_ns()
        device_ns = client.call("clock.get").whole("utc_ns")
        half_ns = (clocks.monotonic_ns() - sent_ns) // 2
        if best is None or half_ns < best.uncertainty_ns:
            best = Comparison(utc_ns + half_ns, device_ns, device_ns - utc_ns - half_ns, half_ns)
    if best is None:
        raise ValueError("no exchanges")
    return best


def set_clock(client: LinkClient, clocks: Clocks) -> tuple[int, Comparison]:
    """Sets the device's clock from this computer's, corrected by half of the round trip; the step in ns, and the clocks afterwards.

    Raises AnswerError when the device refuses (a procedure is running, no permission), LinkError when the clock is not right after several tries.
    """
    step_ns, after = 0, compare(client, clocks)
    for _ in range(TRIES):
        step_ns += client.call("clock.set", {"utc_ns": clocks.utc_ns() + after.uncertainty_ns}).whole("step_ns", lowest=-(2**63))
        after = compare(client, clocks)
        if abs(after.offset_ns) <= after.uncertainty_ns + GOOD_NS:
            return step_ns, after
    raise LinkError(
        f"the device's clock is off by {_seconds(after.offset_ns)} after {TRIES} tries to set it; is another program setting it?"
    )


def show_clocks(context: Context, clocks: Clocks | None = None) -> int:
    """Both clocks and how far apart they are."""
    connection = connect_device(context)
    try:
        found = compare(connection.client, clocks or Clocks())
    finally:
        connection.close()
    if context.as_json:
        context.console.result_json({"device": connection.device.serial, **asdict(found)})
        return EXIT_DONE
    context.console.result(f"this computer  {_when(found.host_utc_ns)}")
    context.console.result(f"device         {_when(found.device_utc_ns)}")
    context.console.result(f"offset         {_seconds(found.offset_ns)}, plus or minus {found.uncertainty_ns / 1e6:.1f} ms")
    return EXIT_DONE


def set_device_clock(context: Context, clocks: Clocks | None = None) -> int:
    """Sets the device's clock and says by how much."""
    connection = connect_device(context)
    try:
        step_ns, after = set_clock(connection.client, clocks or Clocks())
    finally:
        connection.close()
    if context.as_json:
        context.console.result_json({"device": connection.device.serial, "step_ns": step_ns, **asdict(after)})
        return EXIT_DONE
    context.console.result(f"the device's clock was set by {_seconds(step_ns)}")
    context.console.result(f"offset now     {_seconds(after.offset_ns)}, plus or minus {after.uncertainty_ns / 1e6:.1f} ms")
    return EXIT_DONE


def _when(utc_ns: int) -> str:
    return datetime.fromtimestamp(utc_ns / _NS, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"


def _seconds(span_ns: int) -> str:
    """A signed span in ms or s."""
    return f"{span_ns / 1e6:+.1f} ms" if abs(span_ns) < _NS else f"{span_ns / _NS:+.3f} s"
