"""A connected host: calls with typed answers, and files fetched into a sink. One thread; each call drives the link while it waits."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from barbotage_device.link.bulk_receiver import BulkReceiver
from barbotage_device.link.errors import AnswerError, CallError, Code, LinkError, LinkLostError, PeerRefusedError
from barbotage_device.link.host_end import HostEnd, State
from barbotage_device.link.intervals import Intervals
from barbotage_device.link.messages import DeviceHello
from barbotage_device.link.pairing import HostPairing
from barbotage_device.link.peer import SILENCE_S, Sink, Transfer
from barbotage_device.link.pump import Pump
from barbotage_device.link.transport import Transport
from barbotage_device.link.values import Values

GREET_FOR_S = 30.0
"""A modem manager may hold a port for so long after it was plugged in."""
ANSWER_WITHIN_S = 10.0
NO_ANSWER = "no Barbotage device answers on this port"
PROGRESS_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """An open file of the device."""

    handle: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is. ``rate_bytes_per_s`` is of lately, 0 until measured."""

    missing_bytes: int
    rate_bytes_per_s: float


class LinkClient:
    """Talks to the device behind ``transport``. ``clock_s`` is monotonic."""

    def __init__(self, end: HostEnd, transport: Transport, clock_s: Callable[[], float]) -> None:
        self.end = end
        self._transport = transport
        self._clock_s = clock_s
        self._pump = Pump(end, transport, clock_s)
        self._was_connected = False
        """Once connected, nothing is asked in plain any more: whoever can make the host begin anew would read it."""

    def close(self) -> None:
        """Gives the port free."""
        self._transport.close()

    def greet(self, within_s: float = GREET_FOR_S) -> DeviceHello:
        """Who is at the other end. Raises LinkLostError when nobody answers, PeerRefusedError when the versions do not fit."""
        self.end.greet()
        self._until(lambda: self.end.state is not State.GREETING, within_s, NO_ANSWER)
        self._check_refusal()
        device = self.end.device
        if device is None:
            raise LinkError("the device has not said who it is")
        return device

    def connect(self, pinned: bytes | None, within_s: float = GREET_FOR_S) -> None:
        """Greets and shakes hands with the device whose static key is ``pinned``.

        Raises LinkLostError when nobody answers, PeerRefusedError when the device is another, unknown, or does not know this host.
        """
        ends_s = self._clock_s() + within_s
        while self.end.state is not State.UP:
            device = self.greet(max(0.0, ends_s - self._clock_s()))
            if not device.secured and pinned is not None:
                raise PeerRefusedError(
                    f"device {device.serial} was paired but now offers no security; somebody switched it to the laboratory setting, or it is another"
                )
            if device.secured and pinned is None:
                raise PeerRefusedError(f"device {device.serial} is not paired with this host; run 'barbotage pair'")
            self.end.shake_hands(pinned, self._clock_s())
            self._until(lambda: self.end.state is not State.SHAKING, ends_s - self._clock_s(), "the device stopped answering")
            self._check_refusal()
        self._was_connected = True

    def pair(self, name: str, role: str, ask_code: Callable[[int], str]) -> tuple[bytes, DeviceHello]:
        """Pairs, with the code that ``ask_code(digits)`` gets from a person; the device's static key, to be pinned, and who it is. Ends connected.

        Raises PeerRefusedError when the code was wrong, AnswerError when the device does not pair now.
        """
        device = self.greet()
        offer = self.call("pair.start", {"name": name, "role": role})
        pairing = HostPairing(ask_code(offer.whole("digits")))
        answer = self.call("pair.step", {"spake": pairing.message})
        self.end.pair(pairing.finish(answer.octets("spake")), self._clock_s())
        self._until(lambda: self.end.state is not State.SHAKING, ANSWER_WITHIN_S, "the device stopped answering")
        self._check_refusal()
        if self.end.state is not State.UP:
            raise LinkLostError("the pairing was interrupted; try again")
        self._was_connected = True
        return self.end.peer_key, device

    def call(self, method: str, params: Mapping[str, Any] | None = None, within_s: float = ANSWER_WITHIN_S) -> Values:
        """The result of a request. Raises AnswerError with the device's reason, LinkLostError when no answer comes."""
        self._check_connection()
        connection = self.end.restarts
        pending = self.end.request(method, dict(params or {}), self._clock_s())
        try:
            self._until(
                lambda: pending.response is not None or self.end.restarts != connection,
                within_s,
                f"no answer to {method}",
                alive=True,
            )
        finally:
            self.end.asker.drop(pending)
        response = pending.response
        if response is None:
            raise LinkLostError("the device has restarted")
        if response.code:
            raise AnswerError(response.code, response.text, method)
        return Values(response.result, method)

    def open_file(self, params: Mapping[str, Any]) -> RemoteFile:
        """Opens a file of the device for ``fetch``."""
        answer = self.call("file.open", params)
        try:
            return RemoteFile(answer.whole("handle", lowest=1, highest=63), answer.whole("bytes"), answer.text("sha256"))
        except CallError as error:
            raise LinkError(f"the device's answer makes no sense: {error}") from error

    def fetch(self, file: RemoteFile, missing: Intervals, sink: Sink) -> Iterator[Progress]:
        """Fetches the missing ranges of a file into ``sink``; ``missing`` shrinks as they come. Iterate it to the end.

        Raises LinkLostError when the line is cut (``missing`` is then what is left), OSError of the sink, AnswerError when the device gives up.
        """
        self._check_connection()
        connection = self.end.restarts
        now_s = self._clock_s()
        receiver = BulkReceiver(file.handle, file.size_bytes, missing, self.end.line)
        transfer = self.end.fetch(receiver, sink, now_s)
        self.end.last_valid_s = now_s
        try:
            while not transfer.over:
                self._step(now_s + PROGRESS_EVERY_S)
                if self.end.restarts != connection or self._clock_s() - self.end.last_valid_s >= SILENCE_S:
                    raise LinkLostError("the line is silent" if self.end.restarts == connection else "the device has restarted")
                if self._clock_s() - now_s >= PROGRESS_EVERY_S:
                    now_s = self._clock_s()
                    yield Progress(missing.total, receiver.rate_bytes_per_s)
        finally:
            self.end.end_transfer(transfer)
        self._raise_failure(transfer)
        yield Progress(missing.total, receiver.rate_bytes_per_s)

    def listen(self, for_s: float) -> None:
        """Drives the link for a while; what the device pushes is then in ``end.live``. Raises LinkLostError."""
        ends_s = self._clock_s() + for_s
        live = self.end.live
        while self._clock_s() < ends_s and not (live.telemetry or live.events or live.log):
            self._step(ends_s)
            if self.end.lost(self._clock_s()):
                raise LinkLostError("the line is silent")

    def _raise_failure(self, transfer: Transfer) -> None:
        if transfer.error is not None:
            raise transfer.error
        if transfer.receiver.gone is not None:
            code = transfer.receiver.gone
            reason = "the file was closed" if code == Code.STALE_HANDLE else "the device cannot read the file"
            raise AnswerError(code, reason)

    def _until(self, condition: Callable[[], bool], within_s: float, failure: str, alive: bool = False) -> None:
        start_s = self._clock_s()
        ends_s = start_s + within_s
        while not condition():
            now_s = self._clock_s()
            if now_s >= ends_s or (alive and now_s - max(start_s, self.end.last_valid_s) >= SILENCE_S):
                raise LinkLostError(failure)
            self._step(ends_s)

    def _step(self, until_s: float) -> None:
        self._pump.step(min(until_s, self._clock_s() + SILENCE_S))

    def _check_connection(self) -> None:
        if self._was_connected and self.end.state is not State.UP:
            raise LinkLostError("the device has ended the connection")

    def _check_refusal(self) -> None:
        if self.end.state is State.REFUSED:
            raise PeerRefusedError(self.end.refusal)
