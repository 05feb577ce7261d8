"""An emulated board and what it said, for tests in emulated time."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from barbotage_device.probe_pod.framing import Receiver, encode_command, parse
from barbotage_device.probe_pod.protocol import PROTOCOL, Command, Greet, Hello, PodMessage, Reply
from barbotage_firmware_tools.board.emulator import NS_PER_MS, EmulatedBoard

Kind = TypeVar("Kind", bound=PodMessage)
BOOT_MS = 3000.0


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the pod and when it was heard, in emulated time."""

    at_ms: float
    message: PodMessage


class Bench:
    """A board on the bench: its messages, and how to wait for one."""

    def __init__(self, image: Path, flash: bytes | None = None, i2c_byte_ns: int = 0) -> None:
        self.board = EmulatedBoard(image, flash, i2c_byte_ns)
        self.receiver = Receiver()
        self.said: list[Said] = []
        self._sequence = 0
        self.listen()

    def boot(self) -> Hello:
        """Lets it start and greets it."""
        self.board.run(BOOT_MS, lambda: self.board.connected_ns is not None)
        return self.ask(Greet(PROTOCOL), Hello)

    def listen(self) -> None:
        """Takes the line back from a prompt."""
        self.board.on_data = self._hear

    def send(self, command: Command) -> None:
        """A command to the pod."""
        self._sequence = (self._sequence + 1) % 256
        self.board.send(encode_command(command, self._sequence))

    def ask(self, command: Command, kind: type[Kind], within_ms: float = 500.0) -> Kind:
        """The first message of a kind after a command."""
        before = len(self.said)
        self.send(command)
        return self.next(kind, within_ms, before)

    def result(self, command: Command, within_ms: float = 500.0) -> int:
        """What the pod replies to a command."""
        return self.ask(command, Reply, within_ms).result

    def next(self, kind: type[Kind], within_ms: float, after: int | None = None) -> Kind:
        """The next message of a kind."""
        start = len(self.said) if after is None else after
        assert self.board.run(within_ms, lambda: bool(self._of(kind, start))), f"no {kind.__name__} within {within_ms} ms"
        return self._of(kind, start)[0]

    def heard(self, kind: type[Kind], since: int = 0) -> list[tuple[float, Kind]]:
        """All messages of a kind and when they were heard, in ms."""
        return [(one.at_ms, one.message) for one in self.said[since:] if isinstance(one.message, kind)]

    @property
    def now_ms(self) -> float:
        """Emulated time."""
        return self.board.now() / NS_PER_MS

    def _of(self, kind: type[Kind], start: int) -> list[Kind]:
        return [message for _, message in self.heard(kind, start)]

    def _hear(self, data: bytes) -> None:
        for frame in self.receiver.feed(data):
            message = parse(frame)
            if message is not None:
                if isinstance(message, Hello):
                    self.receiver.forget_sequence()
                self.said.append(Said(self.now_ms, message))
