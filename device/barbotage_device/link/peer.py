"""What both ends of the link share: frames, requests, bulk transfer, keep-alive. No I/O, no clock: time comes in as ``now_s``, monotonic."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from barbotage_device.link.bulk_receiver import BulkReceiver, LineRate
from barbotage_device.link.bulk_sender import BulkSender
from barbotage_device.link.errors import MalformedError
from barbotage_device.link.framing import FrameType
from barbotage_device.link.messages import (
    Request,
    Response,
    parse_cancel,
    parse_data,
    parse_get,
    parse_gone,
    parse_response,
)
from barbotage_device.link.methods import Caller, Methods
from barbotage_device.link.outbox import Outbox, Pacer
from barbotage_device.link.requests import Answerer, Asker, Pending
from barbotage_device.link.roles import Role
from barbotage_device.link.stream import FrameStream, Incoming

SILENCE_S = 3.0
"""Without a valid frame for so long the line counts as cut."""

Sink = Callable[[int, bytes], None]


@dataclass(slots=True)
class Transfer:
    """A file being fetched: its receiver, and where the bytes go. ``error`` is set when the sink raised; nothing more is asked for then."""

    receiver: BulkReceiver
    sink: Sink
    error: OSError | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.receiver.done or self.receiver.gone is not None or self.error is not None


class Peer:
    """One end. Bytes that were read go to ``receive``; ``output`` gives bytes to write; ``next_s`` says when to call again without input."""

    def __init__(self, line: LineRate, methods: Methods) -> None:
        self.line = line
        self.methods = methods
        self.stream = FrameStream()
        self.sender = BulkSender()
        self.outbox = Outbox(self.sender, Pacer(line.bytes_per_s))
        self.asker = Asker()
        self.answerers = {False: Answerer(), True: Answerer()}
        """Apart for plain and sealed requests: a kept answer must never leave in another form than its request came in."""
        self.transfers: dict[int, Transfer] = {}
        self.malformed = 0
        """Frames that were whole but made no sense."""
        self.last_valid_s = 0.0
        self.last_sent_s = float("-inf")
        self._handlers: dict[FrameType, Callable[[Incoming, float], None]] = {
            FrameType.REQUEST: self._on_request,
            FrameType.RESPONSE: self._on_response,
            FrameType.GET: self._on_get,
            FrameType.DATA: self._on_data,
            FrameType.CANCEL: self._on_cancel,
            FrameType.GONE: self._on_gone,
        }

    def receive(self, data: bytes, now_s: float) -> None:
        """Takes what was read, however it is cut. Never raises for what the bytes are."""
        for frame in self.stream.unpack(data):
            if not self._accepts(frame):
                continue
            try:
                handler = self._handlers.get(frame.type)
                if handler is None:
                    self.malformed += 1
                    continue
                handler(frame, now_s)
            except MalformedError:
                self.malformed += 1
                continue
            self.last_valid_s = now_s

    def output(self, now_s: float, driver_holds_bytes: int | None = None) -> bytes:
        """What to write now, empty when nothing may or must be written."""
        self.tick(now_s)
        allowance = self.outbox.pacer.allowance_bytes(now_s, driver_holds_bytes)
        parts: list[bytes] = []
        count = 0
        while count < allowance:
            frame = self.outbox.next_frame(now_s)
            if frame is None:
                break
            parts.append(self.stream.pack(frame.type, frame.payload, frame.plain, now_s))
            count += len(parts[-1])
        if parts:
            self.outbox.pacer.sent(count, now_s)
            self.last_sent_s = now_s
        return b"".join(parts)

    def unhurried(self, now_s: float) -> bool:
        """Whether only bulk moves, on a line with a rate: a few milliseconds more or less then do not matter."""
        busy = self.sender.waiting or any(not each.over for each in self.transfers.values())
        return busy and self.line.bytes_per_s is not None and not self.outbox.pacer.is_live(now_s)

    def next_s(self, now_s: float) -> float:
        """When ``output`` must be called at the latest, even without input. It may be in the past."""
        times = [
            self.asker.next_due_s(),
            *(t.receiver.deadline_s() for t in self.transfers.values() if not t.over),
            self._next_s(),
        ]
        due_s = self.outbox.next_due_s(now_s)
        if due_s is not None:
            times.append(due_s if self.line.bytes_per_s is None else max(due_s, self.outbox.pacer.next_s(now_s)))
        return min((each for each in times if each is not None), default=now_s + SILENCE_S)

    def tick(self, now_s: float) -> None:
        """Queues what is due: repeated requests, GETs."""
        for payload in self.asker.due(now_s):
            self.outbox.control(FrameType.REQUEST, payload)
        for transfer in self.transfers.values():
            while not transfer.over and (get := transfer.receiver.next_get(now_s)) is not None:
                self.outbox.control(FrameType.GET, get.encode())

    def request(self, method: str, params: dict[str, Any], now_s: float) -> Pending:
        """Asks the other end; the answer will be in the result. Raises LinkError when it does not fit a frame."""
        return self.asker.ask(method, params, now_s)

    def fetch(self, receiver: BulkReceiver, sink: Sink, now_s: float) -> Transfer:
        """Starts to fetch a file of the other end. ``sink`` gets (offset, bytes), each byte once, in the thread that calls ``receive``."""
        transfer = Transfer(receiver, sink)
        self.transfers[receiver.handle] = transfer
        self.tick(now_s)
        return transfer

    def end_transfer(self, transfer: Transfer) -> None:
        """Stops a fetch, whether it is complete or not."""
        handle = transfer.receiver.handle
        if self.transfers.get(handle) is transfer:
            del self.transfers[handle]
            if not transfer.receiver.done:
                self.outbox.control(FrameType.CANCEL, bytes((handle,)))

    def counts(self) -> dict[str, int]:
        """Counters of this end, for ``link.stats`` and doctors."""
        framing, opener, outbox = self.stream.deframer.counts, self.stream.opener, self.outbox.counts
        return {
            "sent_bytes": self.stream.counts.sent_bytes,
            "received_bytes": self.stream.counts.received_bytes,
            "frames": framing.frames,
            "damaged": framing.damaged,
            "foreign": framing.foreign,
            "overlong": framing.overlong,
            "keyless": self.stream.counts.keyless,
            "malformed": self.malformed,
            "missed": opener.missed if opener else 0,
            "mended": opener.mended if opener else 0,
            "refused": opener.refused if opener else 0,
            "telemetry_replaced": outbox.telemetry_replaced,
            "events_dropped": outbox.events_dropped,
            "log_dropped": outbox.log_dropped,
        }

    def _caller(self, frame: Incoming) -> Caller:
        """Who sent this request."""
        raise NotImplementedError

    def _accepts(self, frame: Incoming) -> bool:
        """Whether this frame may be looked at, plain or sealed as it is."""
        raise NotImplementedError

    def _next_s(self) -> float | None:
        """A further time at which something is due."""
        raise NotImplementedError

    def _new_connection(self) -> None:
        self.outbox.forget_all()
        self.asker.clear()
        for answerer in self.answerers.values():
            answerer.clear()
        self.transfers.clear()

    def _on_request(self, frame: Incoming, now_s: float) -> None:
        def handle(request: Request) -> Response:
            return self.methods.answer(request, self._caller(frame))

        answer = self.answerers[frame.sealed].answer(frame.payload, now_s, handle)
        if answer is None:
            raise MalformedError("a request without an id")
        self.outbox.control(FrameType.RESPONSE, answer, plain=not frame.sealed)

    def _on_response(self, frame: Incoming, now_s: float) -> None:  # noqa: ARG002
        self.asker.on_response(parse_response(frame.payload))

    def _on_get(self, frame: Incoming, now_s: float) -> None:  # noqa: ARG002
        get = parse_get(frame.payload)
        if self._caller(frame).role is not Role.NOBODY:
            self.sender.ask(get)

    def _on_data(self, frame: Incoming, now_s: float) -> None:
        data = parse_data(frame.payload)
        transfer = self.transfers.get(data.handle)
        if transfer is None or transfer.over:
            return
        for offset, piece in transfer.receiver.on_data(data.offset, data.data, now_s):
            try:
                transfer.sink(offset, piece)
            except OSError as error:
                transfer.error = error
                return

    def _on_cancel(self, frame: Incoming, now_s: float) -> None:  # noqa: ARG002
        self.sender.cancel(parse_cancel(frame.payload))

    def _on_gone(self, frame: Incoming, now_s: float) -> None:  # noqa: ARG002
        gone = parse_gone(frame.payload)
        if gone.handle in self.transfers:
            self.transfers[gone.handle].receiver.on_gone(gone.code)
