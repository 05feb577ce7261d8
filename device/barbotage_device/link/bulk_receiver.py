"""The receiving side of bulk transfer: what to ask for next, what is lost, what has come (docs/protocol.md, section 3). No I/O, no clock."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from barbotage_device.link.block_size import BlockSize
from barbotage_device.link.framing import MAX_BLOCK_BYTES
from barbotage_device.link.intervals import Intervals
from barbotage_device.link.messages import Get

WINDOW_S = 0.25
"""Bytes outstanding as a time of the line: hides 16 ms adapter timers and a busy computer at either end, and stays small enough to cancel."""
WINDOW_MIN_BYTES = 8 * 1024
WINDOW_MAX_BYTES = 1 << 20
FIRST_WINDOW_BYTES = 64 * 1024
"""Where the rate is not known, until it has been measured."""
ASK_MIN_BYTES = 1024
ASK_MAX_BYTES = 128 * 1024
MAX_ASKED = 64
RTO_MIN_S = 0.25
RTO_MAX_S = 1.0
UART_BLOCK_MAX_BYTES = 4096
UART_BLOCK_S = 0.05
MAX_FRAGMENTS = 8192
"""Missing ranges kept apart: twice what a window of the smallest blocks can leave, so only a hostile sender gets there."""
RATE_SPAN_S = 0.1
"""The rate is measured over at least so long."""


@dataclass(slots=True)
class _Asked:
    """A GET on its way: bytes before ``cursor`` have come."""

    cursor: int
    end: int
    sent_s: float
    marker: bool = False


@dataclass(slots=True)
class BulkCounts:
    """What a transfer cost."""

    received_bytes: int = 0
    repeated_bytes: int = 0
    """Bytes that came though they were there already."""
    gaps: int = 0
    timeouts: int = 0


@dataclass(frozen=True, slots=True)
class LineRate:
    """What is known of the line. ``bytes_per_s`` None: USB or anything without a rate of its own."""

    bytes_per_s: float | None = None

    @classmethod
    def of_baud(cls, baud: int | None) -> "LineRate":
        """10 bit times a byte; None for no rate."""
        return cls(None if not baud else baud / 10)

    @property
    def largest_block_bytes(self) -> int:
        """A request waits for the block that is under way, so that must not last long on a slow line."""
        if self.bytes_per_s is None:
            return MAX_BLOCK_BYTES
        return max(ASK_MIN_BYTES, min(UART_BLOCK_MAX_BYTES, int(self.bytes_per_s * UART_BLOCK_S)))


@dataclass(slots=True)
class _Rate:
    """Bytes a second, measured over spans."""

    known: float | None
    measured: float = 0.0
    _since_s: float | None = None
    _bytes: int = 0

    def arrived(self, count: int, now_s: float) -> None:
        if self._since_s is None:
            self._since_s = now_s
            return
        self._bytes += count
        span_s = now_s - self._since_s
        if span_s >= RATE_SPAN_S:
            sample = self._bytes / span_s
            self.measured = sample if not self.measured else 0.5 * self.measured + 0.5 * sample
            self._since_s, self._bytes = now_s, 0

    def window_bytes(self) -> int:
        rate = self.known or self.measured
        if not rate:
            return FIRST_WINDOW_BYTES
        return int(max(WINDOW_MIN_BYTES, min(WINDOW_MAX_BYTES, rate * WINDOW_S)))


@dataclass(slots=True)
class _Timer:
    """The retransmission time-out: max(250 ms, 4 round trips), doubled while nothing comes."""

    round_trip_s: float = 0.0
    backoff: int = 0
    quiet_since_s: float = 0.0

    def timeout_s(self) -> float:
        return min(RTO_MAX_S, max(RTO_MIN_S, 4 * self.round_trip_s) * (1 << min(self.backoff, 8)))

    def sample(self, took_s: float) -> None:
        self.round_trip_s = took_s if not self.round_trip_s else 0.8 * self.round_trip_s + 0.2 * took_s


@dataclass(slots=True)
class BulkReceiver:
    """Fetches the ``missing`` ranges of the file behind ``handle``, of ``size_bytes``.

    Drive it with ``on_data`` for each DATA of its handle and ``next_get`` until that gives None; wake at ``deadline_s``.
    """

    handle: int
    size_bytes: int
    missing: Intervals
    line: LineRate
    block: BlockSize | None = None
    counts: BulkCounts = field(default_factory=BulkCounts)
    gone: int | None = None
    """The code of a GONE, after which nothing more comes."""
    _to_ask: Intervals = field(init=False)
    _asked: deque[_Asked] = field(init=False, default_factory=deque)
    _outstanding: int = field(init=False, default=0)
    _rate: _Rate = field(init=False)
    _timer: _Timer = field(init=False, default_factory=_Timer)
    _blocks: BlockSize = field(init=False)

    def __post_init__(self) -> None:
        self._to_ask = Intervals(self.missing)
        self._rate = _Rate(self.line.bytes_per_s)
        self._blocks = self.block or BlockSize(self.line.largest_block_bytes)

    @property
    def done(self) -> bool:
        """Whether every byte has come."""
        return not self.missing

    @property
    def rate_bytes_per_s(self) -> float:
        """Payload that came lately; 0 until measured."""
        return self._rate.measured

    @property
    def outstanding_bytes(self) -> int:
        """Asked for and neither come nor given up."""
        return self._outstanding

    def on_data(self, offset: int, data: bytes, now_s: float) -> list[tuple[int, bytes]]:
        """The pieces of ``data`` that were still missing, with their offsets."""
        end = offset + len(data)
        if end > self.size_bytes or (len(self.missing) >= MAX_FRAGMENTS and not self._shortens(offset, end)):
            return []
        self._timer.backoff = 0
        self._timer.quiet_since_s = now_s
        self._match(offset, end, now_s)
        self.counts.received_bytes += len(data)
        self._blocks.arrived(len(data))
        self._rate.arrived(len(data), now_s)
        taken = self.missing.remove(offset, end)
        self._to_ask.remove(offset, end)
        if len(taken) == 1 and taken[0] == (offset, end):
            return [(offset, data)]
        fresh = sum(stop - start for start, stop in taken)
        self.counts.repeated_bytes += len(data) - fresh
        return [(start, data[start - offset : stop - offset]) for start, stop in taken]

    def _shortens(self, offset: int, end: int) -> bool:
        """Whether the block takes away an end of a missing range instead of making two of it."""
        return any(offset <= start or stop <= end for start, stop in self.missing.within(max(0, offset - 1), end + 1))

    def on_gone(self, code: int) -> None:
        """The other end cannot serve the file."""
        self.gone = code

    def next_get(self, now_s: float) -> Get | None:
        """What to ask for now, None when enough is outstanding or nothing is left."""
        if self.done or self.gone is not None:
            return None
        self._expire(now_s)
        if len(self._asked) >= MAX_ASKED:
            return None
        if not self._to_ask:
            return self._marker(now_s)
        window = self._rate.window_bytes()
        room = window - self._outstanding
        ask = max(ASK_MIN_BYTES, min(ASK_MAX_BYTES, window // 4))
        start, end = self._to_ask.first
        end = min(end, start + ask)
        if self._asked and room < end - start:
            return None
        self._to_ask.remove(start, end)
        return self._ask(_Asked(start, end, now_s), now_s)

    def deadline_s(self) -> float | None:
        """When ``next_get`` must be tried again though nothing has come; None when nothing is outstanding."""
        return self._timer.quiet_since_s + self._timer.timeout_s() if self._asked else None

    def again(self) -> None:
        """Everything outstanding is void (the line was cut): ask for it anew."""
        self._give_up(self._asked)
        self._asked.clear()
        self._outstanding = 0

    def _ask(self, asked: _Asked, now_s: float) -> Get:
        if not self._asked:
            self._timer.quiet_since_s = now_s
        self._asked.append(asked)
        self._outstanding += asked.end - asked.cursor
        return Get(self.handle, asked.cursor, asked.end - asked.cursor, self._blocks.best_bytes)

    def _marker(self, now_s: float) -> Get | None:
        if not self._asked or self._asked[-1].marker:
            return None
        return self._ask(_Asked(self.size_bytes, self.size_bytes, now_s, marker=True), now_s)

    def _match(self, offset: int, end: int, now_s: float) -> None:
        """Finds the GET that the block answers; whatever was expected before it is lost, since a serial line does not reorder."""
        index = self._index_of(offset, end)
        if index is None:
            return  # late: of a GET that was given up
        asked = self._asked[index]
        passed = [self._asked.popleft() for _ in range(index)]
        self._outstanding -= sum(each.end - each.cursor for each in passed)
        self._give_up([*passed, _Asked(asked.cursor, offset, now_s)])
        self._outstanding -= end - asked.cursor if end <= asked.end else asked.end - asked.cursor
        if end == asked.end or asked.marker:
            self._timer.sample(now_s - asked.sent_s)
        asked.cursor = min(end, asked.end)
        if asked.cursor >= asked.end:
            self._asked.popleft()

    def _index_of(self, offset: int, end: int) -> int | None:
        for index, asked in enumerate(self._asked):
            answers = offset == asked.cursor if asked.marker else asked.cursor <= offset < asked.end
            if answers and asked.marker == (offset == end):
                return index
        return None

    def _give_up(self, lost: Iterable[_Asked]) -> None:
        ranges = [found for each in lost for found in self.missing.within(each.cursor, each.end)]
        for start, end in ranges:
            self._to_ask.add(start, end)
        if ranges:
            self.counts.gaps += 1
            self._blocks.gap()

    def _expire(self, now_s: float) -> None:
        deadline_s = self.deadline_s()
        if deadline_s is not None and now_s >= deadline_s:
            self.counts.timeouts += 1
            self._timer.backoff += 1
            self._timer.quiet_since_s = now_s
            self.again()
