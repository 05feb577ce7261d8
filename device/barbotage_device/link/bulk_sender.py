"""The sending side of bulk transfer: answers GETs in order, keeps nothing but its queue (docs/protocol.md, section 3)."""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from barbotage_device.link.errors import Code
from barbotage_device.link.framing import MAX_BLOCK_BYTES, FrameType
from barbotage_device.link.messages import Get, Gone, data_prefix

MAX_GETS = 256
MAX_GET_BYTES = 1 << 20


class ByteSource(Protocol):
    """Something that can be read at any offset, from one thread."""

    def read_at(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``, fewer only at the end. Raises OSError."""
        ...


@dataclass(slots=True)
class _Queued:
    handle: int
    cursor: int
    end: int
    block: int


class BulkSender:
    """Open handles and the GETs that wait for them."""

    def __init__(self) -> None:
        self._sources: dict[int, ByteSource] = {}
        self._queue: deque[_Queued] = deque()
        self.sent_bytes = 0

    def offer(self, handle: int, source: ByteSource) -> None:
        """Serves ``source`` under ``handle``."""
        self._sources[handle] = source

    def withdraw(self, handle: int) -> None:
        """Ends a handle; GETs for it are answered GONE from now on."""
        self._sources.pop(handle, None)
        self.cancel(handle)

    def ask(self, get: Get) -> None:
        """Queues a GET; drops it when too much waits or it asks for too much. One that covers a queued one replaces it."""
        if get.length > MAX_GET_BYTES or not (get.length == 0 or get.block >= 1):
            return
        end = get.offset + get.length
        if get.length:
            covered = [
                q for q in self._queue if q.handle == get.handle and get.offset <= q.cursor and q.end <= end and q.cursor < q.end
            ]
            for each in covered:
                self._queue.remove(each)
        if len(self._queue) < MAX_GETS:
            self._queue.append(_Queued(get.handle, get.offset, end, min(get.block, MAX_BLOCK_BYTES)))

    def cancel(self, handle: int) -> None:
        """Forgets the GETs of a handle."""
        self._queue = deque(each for each in self._queue if each.handle != handle)

    def forget(self) -> None:
        """Forgets all GETs: nobody listens."""
        self._queue.clear()

    @property
    def waiting(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._queue)

    def next_frame(self, largest_block: int) -> tuple[FrameType, bytes] | None:
        """The next DATA (or GONE) payload with at most ``largest_block`` bytes of file; None when nothing waits."""
        if not self._queue:
            return None
        first = self._queue[0]
        length = min(first.block, largest_block, first.end - first.cursor)
        source = self._sources.get(first.handle)
        if source is None:
            return self._gone(first.handle, Code.STALE_HANDLE)
        try:
            data = source.read_at(first.cursor, length) if length else b""
        except OSError:
            return self._gone(first.handle, Code.INPUT_OUTPUT)
        if len(data) < length:
            return self._gone(first.handle, Code.INPUT_OUTPUT)
        payload = data_prefix(first.handle, first.cursor) + data
        first.cursor += length
        self.sent_bytes += length
        if first.cursor >= first.end:
            self._queue.popleft()
        return FrameType.DATA, payload

    def _gone(self, handle: int, code: Code) -> tuple[FrameType, bytes]:
        self.cancel(handle)
        return FrameType.GONE, Gone(handle, code).encode()
