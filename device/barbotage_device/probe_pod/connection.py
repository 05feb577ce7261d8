"""One open connection to a pod: bytes to messages, commands to bytes, in the caller's thread. For the client and for the tools."""

from collections.abc import Callable
from typing import TypeVar

from barbotage_device.errors import NotFoundError
from barbotage_device.probe_pod.framing import Receiver, encode_command, parse
from barbotage_device.probe_pod.port import PodPort
from barbotage_device.probe_pod.protocol import PROTOCOL, Command, Greet, Hello, PodMessage
from barbotage_device.probe_pod.state import check_protocol, identity_of

NS_PER_S = 1_000_000_000
_TURN_S = 0.05
_GREET_EVERY_S = 0.5
GREET_TIMEOUT_S = 10.0
"""A pod answers within a fraction of a second; restarted by its watchdog, within three; emulated on a busy machine, in its own time."""

Answer = TypeVar("Answer", bound=PodMessage)
Clock = Callable[[], int]


class PodConnection:
    """Talks to the pod at an open port. ``clock`` is the monotonic clock in ns."""

    def __init__(self, port: PodPort, clock: Clock) -> None:
        self._port = port
        self._clock = clock
        self._sequence = 0
        self.receiver = Receiver()
        self.frames = 0

    def send(self, command: Command) -> int:
        """Sends a command; its sequence number, which the pod's reply carries."""
        self._sequence = (self._sequence + 1) & 0xFF
        self._port.write(encode_command(command, self._sequence))
        return self._sequence

    def receive(self, timeout_s: float) -> list[PodMessage]:
        """The messages that arrive within the first burst of bytes; empty when none came in time."""
        messages = []
        for frame in self.receiver.feed(self._port.read(timeout_s)):
            message = parse(frame)
            if message is not None:
                self.frames += 1
                messages.append(message)
            if isinstance(message, Hello):
                self.receiver.forget_sequence()
        return messages

    def wait_for(self, kind: type[Answer], accept: Callable[[Answer], bool], timeout_s: float) -> Answer | None:
        """The first message of a kind that is accepted, others are let go; None when none comes. Raises SourceLostError."""
        deadline_ns = self._clock() + int(timeout_s * NS_PER_S)
        while self._clock() < deadline_ns:
            for message in self.receive(_TURN_S):
                if isinstance(message, kind) and accept(message):
                    return message
        return None

    def greet(self, timeout_s: float = GREET_TIMEOUT_S) -> Hello:
        """Asks the pod who it is. Raises NotFoundError when nothing answers and RefusedError when it speaks another protocol."""
        deadline_ns = self._clock() + int(timeout_s * NS_PER_S)
        while self._clock() < deadline_ns:
            self.send(Greet(PROTOCOL))
            hello = self.wait_for(Hello, lambda _hello: True, _GREET_EVERY_S)
            if hello is not None:
                check_protocol(identity_of(hello))
                return hello
        raise NotFoundError("no probe pod answers at this port; barbotage-pod doctor looks why")

    def close(self) -> None:
        """Gives the port back."""
        self._port.close()
