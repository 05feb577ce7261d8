"""What waits to be sent, and which of it goes next: the most urgent, and never more ahead of the wire than allowed (docs/protocol.md, section 4)."""

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import NamedTuple

from barbotage_device.link.bulk_sender import BulkSender
from barbotage_device.link.framing import MAX_BLOCK_BYTES, FrameType
from barbotage_device.link.messages import Event, Telemetry

AHEAD_LIVE_S = 0.004
"""Bytes handed to the driver cannot be overtaken: with 4 ms the measured age of telemetry stays below 20 ms at 921600 baud."""
AHEAD_S = 0.05
"""Of bulk alone: a busy computer may not come back to the link for some 20 ms, and the line should not run dry."""
LIVE_FOR_S = 1.0
"""So long after the last live message the line is still treated as live."""
LIVE_BLOCK_S = 0.005
LIVE_BLOCK_MIN_BYTES = 256
LIVE_RATE_FRACTION = 0.995
"""Of the nominal rate: a line that is a little slower would fill the driver, unseen where it does not tell how much it holds."""
USB_WRITE_BYTES = 64 * 1024
MAX_CONTROL = 512
MAX_TOPICS = 32
MAX_EVENTS = 256
MAX_LOG_LINES = 256
EVENT_REPEAT_S = 1.0


class Outgoing(NamedTuple):
    """A frame to send; ``plain`` even where there are keys."""

    type: FrameType
    payload: bytes
    plain: bool = False


@dataclass(slots=True)
class OutboxCounts:
    """What was not sent."""

    telemetry_replaced: int = 0
    events_dropped: int = 0
    log_dropped: int = 0
    control_dropped: int = 0


class Pacer:
    """How many bytes may go to the driver now. ``bytes_per_s`` None: no rate, as many as one write takes."""

    def __init__(self, bytes_per_s: float | None) -> None:
        self.bytes_per_s = bytes_per_s
        self._free_s = 0.0
        self._live_until_s = -1.0

    def live(self, now_s: float) -> None:
        """Something live was sent or waits."""
        self._live_until_s = now_s + LIVE_FOR_S

    def is_live(self, now_s: float) -> bool:
        """Whether live messages went lately, so that blocks must be short and little may be handed over ahead."""
        return now_s < self._live_until_s

    def allowance_bytes(self, now_s: float, driver_holds_bytes: int | None = None) -> int:
        """Bytes that may be begun now; a frame may overrun it. ``driver_holds_bytes``: what the driver says it has not sent yet."""
        if self.bytes_per_s is None:
            return USB_WRITE_BYTES
        rate = self._rate(now_s)
        if driver_holds_bytes:
            self._free_s = max(self._free_s, now_s + driver_holds_bytes / rate)
        return int((now_s + self._ahead_s(now_s) - self._free_s) * rate)

    def sent(self, count_bytes: int, now_s: float) -> None:
        """So many bytes were handed over."""
        if self.bytes_per_s is not None:
            self._free_s = max(self._free_s, now_s) + count_bytes / self._rate(now_s)

    def next_s(self, now_s: float) -> float:
        """When half of what may be ahead has been sent: the time to hand over more."""
        return self._free_s - self._ahead_s(now_s) / 2

    def largest_block(self, now_s: float) -> int:
        """The longest DATA block that may go now."""
        if self.bytes_per_s is None or not self.is_live(now_s):
            return MAX_BLOCK_BYTES
        return max(LIVE_BLOCK_MIN_BYTES, min(MAX_BLOCK_BYTES, int(self.bytes_per_s * LIVE_BLOCK_S)))

    def _rate(self, now_s: float) -> float:
        rate = self.bytes_per_s or 0.0
        return rate * LIVE_RATE_FRACTION if self.is_live(now_s) else rate

    def _ahead_s(self, now_s: float) -> float:
        return AHEAD_LIVE_S if self.is_live(now_s) else AHEAD_S


class Outbox:
    """Queues by urgency; all bounded."""

    def __init__(self, bulk: BulkSender, pacer: Pacer) -> None:
        self.bulk = bulk
        self.pacer = pacer
        self.counts = OutboxCounts()
        self._control: deque[Outgoing] = deque()
        self._events: OrderedDict[int, bytes] = OrderedDict()
        self._event_due_s: OrderedDict[int, float] = OrderedDict()
        self._telemetry: OrderedDict[str, bytes] = OrderedDict()
        self._log: deque[bytes] = deque(maxlen=MAX_LOG_LINES)

    def control(self, frame_type: FrameType, payload: bytes, plain: bool = False) -> None:
        """Queues what everything else waits for. Beyond the bound the newest is dropped; its sender repeats it."""
        if len(self._control) >= MAX_CONTROL:
            self.counts.control_dropped += 1
        else:
            self._control.append(Outgoing(frame_type, payload, plain))

    def event(self, event: Event, now_s: float) -> None:
        """Keeps an event until it is acknowledged; beyond the bound the oldest goes."""
        self._events[event.sequence] = event.encode()
        self._event_due_s[event.sequence] = now_s
        self.pacer.live(now_s)
        if len(self._events) > MAX_EVENTS:
            self.counts.events_dropped += 1
            self._forget_event(next(iter(self._events)))

    @property
    def events_waiting(self) -> int:
        """Events that were not acknowledged yet."""
        return len(self._events)

    def acknowledge(self, sequence: int) -> None:
        """Forgets an event: it has arrived."""
        self._forget_event(sequence)

    def telemetry(self, message: Telemetry, now_s: float) -> None:
        """Queues the newest value of a topic in place of an older one."""
        self.pacer.live(now_s)
        if message.topic in self._telemetry:
            self.counts.telemetry_replaced += 1
        elif len(self._telemetry) >= MAX_TOPICS:
            self.counts.telemetry_replaced += 1
            self._telemetry.popitem(last=False)
        self._telemetry[message.topic] = message.encode()

    def log(self, payload: bytes) -> None:
        """Queues a log line; beyond the bound the oldest is dropped."""
        self.counts.log_dropped += len(self._log) == MAX_LOG_LINES
        self._log.append(payload)

    def forget_live(self) -> None:
        """Drops telemetry and log lines: nobody listens any more."""
        self._telemetry.clear()
        self._log.clear()

    def forget_all(self) -> None:
        """Drops everything, for a new connection."""
        self.forget_live()
        self._control.clear()
        self._events.clear()
        self._event_due_s.clear()
        self.bulk.forget()

    def next_due_s(self, now_s: float) -> float | None:
        """When there is something to send: ``now_s`` when it waits already, None when nothing does."""
        if self._control or self._telemetry or self._log or self.bulk.waiting:
            return now_s
        return max(now_s, min(self._event_due_s.values())) if self._event_due_s else None

    def next_frame(self, now_s: float) -> Outgoing | None:
        """The most urgent frame, None when nothing waits."""
        if self._control:
            return self._control.popleft()
        for sequence, due_s in self._event_due_s.items():
            if now_s >= due_s:
                self._event_due_s[sequence] = now_s + EVENT_REPEAT_S
                return Outgoing(FrameType.EVENT, self._events[sequence])
        if self._telemetry:
            return Outgoing(FrameType.TELEMETRY, self._telemetry.popitem(last=False)[1])
        if self.bulk.waiting:
            bulk = self.bulk.next_frame(self.pacer.largest_block(now_s))
            return None if bulk is None else Outgoing(*bulk)
        return Outgoing(FrameType.LOG, self._log.popleft()) if self._log else None

    def _forget_event(self, sequence: int) -> None:
        self._events.pop(sequence, None)
        self._event_due_s.pop(sequence, None)
