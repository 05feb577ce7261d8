"""Requests and their answers: repeated until answered, carried out once (docs/protocol.md, section 2). No I/O, no clock."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from barbotage_device.link.errors import Code, LinkError, MalformedError
from barbotage_device.link.framing import MAX_PAYLOAD_BYTES
from barbotage_device.link.messages import MAX_ID, Request, Response, parse_request, request_id

REPEAT_S = 0.3
REPEAT_MAX_S = 2.0
KEEP_ANSWER_S = 30.0
KEEP_ANSWERS = 64


@dataclass(slots=True)
class Pending:
    """A request under way; ``response`` is set once it has been answered."""

    request: Request
    payload: bytes
    due_s: float
    wait_s: float = REPEAT_S
    response: Response | None = None


class Asker:
    """Sends requests and waits for their answers."""

    def __init__(self) -> None:
        self._pending: dict[int, Pending] = {}
        self._last_id = 0

    def ask(self, method: str, params: dict[str, Any], now_s: float) -> Pending:
        """A new request, to be sent at once by ``due``. Raises LinkError when it is too long for a frame."""
        self._last_id = self._last_id % MAX_ID + 1
        request = Request(self._last_id, method, params)
        payload = request.encode()
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise LinkError(f"{method}: the request has {len(payload)} bytes, at most {MAX_PAYLOAD_BYTES} fit")
        pending = Pending(request, payload, now_s)
        self._pending[request.id] = pending
        return pending

    def drop(self, pending: Pending) -> None:
        """Gives a request up."""
        self._pending.pop(pending.request.id, None)

    def clear(self) -> None:
        """Gives all requests up: the connection is another."""
        self._pending.clear()

    def on_response(self, response: Response) -> None:
        """Hands the answer to its request; answers nobody waits for are forgotten."""
        pending = self._pending.pop(response.id, None)
        if pending is not None:
            pending.response = response

    def due(self, now_s: float) -> list[bytes]:
        """The payloads to send now, for the first time or again."""
        payloads = []
        for pending in self._pending.values():
            if now_s >= pending.due_s:
                payloads.append(pending.payload)
                pending.due_s = now_s + pending.wait_s
                pending.wait_s = min(REPEAT_MAX_S, 2 * pending.wait_s)
        return payloads

    def next_due_s(self) -> float | None:
        """When ``due`` has something."""
        return min((pending.due_s for pending in self._pending.values()), default=None)


class Answerer:
    """Carries out requests through ``handle``, each once, and keeps the answers for repeated ones."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[float, bytes]] = OrderedDict()

    def clear(self) -> None:
        """Forgets all answers: the connection is another."""
        self._kept.clear()

    def answer(self, payload: bytes, now_s: float, handle: Callable[[Request], Response]) -> bytes | None:
        """The payload of the answer; None when the request has no readable id."""
        try:
            request = parse_request(payload)
        except MalformedError as error:
            identity = request_id(payload)
            return None if identity is None else Response(identity, Code.BAD_REQUEST, text=str(error)).encode()
        kept = self._kept.get(request.id)
        if kept is not None and now_s - kept[0] < KEEP_ANSWER_S:
            return kept[1]
        answer = handle(request).encode()
        if len(answer) > MAX_PAYLOAD_BYTES:
            text = f"{request.method}: the answer is too long for a frame; ask for less"
            answer = Response(request.id, Code.BAD_REQUEST, text=text).encode()
        self._kept.pop(request.id, None)
        self._kept[request.id] = (now_s, answer)
        if len(self._kept) > KEEP_ANSWERS:
            self._kept.popitem(last=False)
        return answer
