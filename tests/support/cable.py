"""A serial cable between two pseudo-terminals: line rate, transmit FIFO, adapter timer, bit errors, lost bytes, overruns, cuts.

The relay runs in a process of its own, so that the interpreter under test does not disturb its timing::

    with Cable(baud=921600, ber=1e-6) as cable:
        host, device = TtyTransport(cable.a), TtyTransport(cable.b)
        cable.cut("silent")        # bytes vanish; "hangup": both ports die, as when a USB cable is pulled
        cable.restore()            # after a hang-up the ports are new ones behind the same names

From a shell, until it is interrupted: ``python tests/support/cable.py --baud 921600 --a /tmp/host.tty --b /tmp/device.tty``.

What is modelled: 10 bit times a byte (8N1); a transmitter that takes ``fifo`` bytes ahead of the wire and then blocks; an adapter that hands bytes on when
a packet is full or its latency timer has run out (FTDI: 62 bytes, 16 ms); bit errors that hit start bits (the byte is lost), stop bits (it reads as
NUL) and data bits; bursts of lost bytes; a receiver without flow control that loses what is not fetched in time. Errors are drawn from a seed by byte
position, not by time. Not modelled: modem lines, a mismatch of rates, TIOCOUTQ (0 on a pseudo-terminal).
"""

import argparse
import dataclasses
import errno
import fcntl
import json
import math
import os
import pty
import random
import select
import subprocess
import sys
import tempfile
import termios
import time
import tty
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any

BITS_PER_BYTE = 10
SEGMENT_S = 0.001
READ_BYTES = 65536
USB_BYTES = 65536
"""What may be on its way where there is no line rate."""
RECEIVER_BYTES = 4096
"""What a driver keeps for its reader."""


@dataclasses.dataclass(frozen=True)
class Line:
    """One direction. ``baud`` 0: as fast as the machine goes."""

    baud: int = 0
    fifo: int = 4096
    latency_ms: float = 0.0
    timer_ms: float = 0.0
    packet: int = 62
    ber: float = 0.0
    drop: float = 0.0
    burst: float = 0.0
    burst_len: int = 32
    overrun: str = "block"
    seed: int = 1

    @property
    def byte_s(self) -> float:
        """Seconds a byte takes."""
        return BITS_PER_BYTE / self.baud if self.baud else 0.0


class Gaps:
    """Positions of independent events of probability ``p``, without a draw for each position."""

    def __init__(self, p: float, rng: random.Random) -> None:
        self._rng, self._log_q = rng, math.log1p(-p) if p else 0.0
        self.next = math.inf if not p else -1.0
        if p:
            self.advance()

    def advance(self) -> None:
        """To the next event."""
        self.next += max(1, math.ceil(math.log(1.0 - self._rng.random()) / self._log_q))


class Damage:
    """Damages a byte stream."""

    def __init__(self, line: Line, salt: int) -> None:
        def rng(what: str) -> random.Random:
            return random.Random(f"{line.seed}/{salt}/{what}")

        self.position = 0
        self.damaged_bytes = 0
        self.lost_bytes = 0
        self._bits, self._drops, self._bursts = (
            Gaps(line.ber, rng("ber")),
            Gaps(line.drop, rng("drop")),
            Gaps(line.burst, rng("burst")),
        )
        self._burst_len = line.burst_len
        self._lost_until = 0

    def apply(self, data: bytes) -> bytes:
        """What arrives of ``data``."""
        start, end = self.position, self.position + len(data)
        self.position = end
        if min(self._bits.next / BITS_PER_BYTE, self._drops.next, self._bursts.next) >= end and self._lost_until <= start:
            return data
        changed, gone = bytearray(data), set(range(max(0, min(self._lost_until, end) - start)))
        while self._bits.next < end * BITS_PER_BYTE:
            index, bit = divmod(int(self._bits.next), BITS_PER_BYTE)
            self._hit(changed, gone, index - start, bit)
            self._bits.advance()
        while self._drops.next < end:
            gone.add(int(self._drops.next) - start)
            self._drops.advance()
        while self._bursts.next < end:
            first = int(self._bursts.next)
            self._lost_until = max(self._lost_until, first + self._burst_len)
            gone.update(range(first - start, min(self._lost_until, end) - start))
            self._bursts.advance()
        self.lost_bytes += len(gone)
        return bytes(b for i, b in enumerate(changed) if i not in gone)

    def _hit(self, data: bytearray, gone: set[int], index: int, bit: int) -> None:
        self.damaged_bytes += 1
        if bit == 0:
            gone.add(index)
        elif bit == BITS_PER_BYTE - 1:
            data[index] = 0
        else:
            data[index] ^= 1 << (bit - 1)


class Port:
    """One end: a raw pseudo-terminal behind a stable name."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.master = self.slave = -1
        self.open()

    def open(self) -> None:
        """A new pseudo-terminal behind the name."""
        self.master, self.slave = pty.openpty()  # the slave stays open here: a user that closes and opens it again is no hang-up
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        draft = self.link.with_name(f".{self.link.name}.{os.getpid()}")
        draft.symlink_to(os.ttyname(self.slave))
        draft.replace(self.link)

    def close(self) -> None:
        """Hangs up."""
        for descriptor in (self.master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)
        self.master = self.slave = -1
        self.link.unlink(missing_ok=True)


class Direction:
    """Carries bytes from one port to the other."""

    def __init__(self, source: Port, sink: Port, line: Line, salt: int) -> None:
        self.source, self.sink, self.line, self.salt = source, sink, line, salt
        self.damage = Damage(line, salt)
        self.bytes_out = 0
        self.overrun_bytes = 0
        self.cut_bytes = 0
        self.dead = False
        self.reset()

    def reset(self) -> None:
        """Nothing is on the way."""
        self._wire: deque[tuple[float, bytes]] = deque()
        self._wire_bytes = 0
        self._free_s = 0.0
        self._held, self._held_since_s = bytearray(), 0.0
        self._out = bytearray()

    def change(self, line: Line) -> None:
        """Other settings from now on."""
        self.line, self.damage = line, Damage(line, self.salt)

    def room(self, now_s: float) -> int:
        """Bytes that the transmitter takes now."""
        line = self.line
        if line.overrun == "block" and len(self._out) >= RECEIVER_BYTES:
            return 0
        waiting = (
            max(0.0, self._free_s - now_s) / line.byte_s if line.baud else self._wire_bytes + len(self._held) + len(self._out)
        )
        return int((line.fifo if line.baud else max(line.fifo, USB_BYTES)) - waiting)

    def accept(self, now_s: float) -> None:
        """Takes bytes from the writer."""
        room = self.room(now_s)
        if room <= 0:
            return
        try:
            data = os.read(self.source.master, min(room, READ_BYTES))
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EIO):
                return
            raise
        if self.dead:
            self.cut_bytes += len(data)
            return
        line = self.line
        if not line.baud:
            self._push(now_s + line.latency_ms / 1000, self.damage.apply(data))
            return
        step = max(1, int(SEGMENT_S / line.byte_s))
        at_s = max(now_s, self._free_s)
        for index in range(0, len(data), step):
            piece = data[index : index + step]
            at_s += len(piece) * line.byte_s
            self._push(at_s + line.latency_ms / 1000, self.damage.apply(piece))
        self._free_s = at_s

    def _push(self, due_s: float, data: bytes) -> None:
        if data:
            self._wire.append((due_s, data))
            self._wire_bytes += len(data)

    def deliver(self, now_s: float) -> None:
        """Hands to the reader what has arrived."""
        line = self.line
        while self._wire and self._wire[0][0] <= now_s:
            due_s, data = self._wire.popleft()
            self._wire_bytes -= len(data)
            if not line.timer_ms:
                self._receive(data)
                continue
            if not self._held:
                self._held_since_s = due_s
            self._held += data
            full = len(self._held) - len(self._held) % line.packet
            if full:
                self._receive(self._held[:full])
                del self._held[:full]
                self._held_since_s = due_s
        if self._held and now_s >= self._held_since_s + line.timer_ms / 1000:
            self._receive(self._held)
            self._held.clear()
        self._flush()

    def _receive(self, data: bytes | bytearray) -> None:
        if self.dead:
            self.cut_bytes += len(data)
            return
        if self.line.overrun == "drop":
            self._flush()
            space = max(0, RECEIVER_BYTES - len(self._out))
            self.overrun_bytes += max(0, len(data) - space)
            data = data[:space]
        self._out += data

    def _flush(self) -> None:
        while self._out:
            try:
                count = os.write(self.sink.master, self._out[:READ_BYTES])
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EIO):
                    return
                raise
            self.bytes_out += count
            del self._out[:count]

    def wants_read(self, now_s: float) -> bool:
        """Whether the transmitter has room for a segment."""
        line = self.line
        return self.room(now_s) >= (max(1, min(line.fifo // 2, int(SEGMENT_S / line.byte_s))) if line.baud else 1)

    def wants_write(self) -> bool:
        """Whether the reader must make room."""
        return bool(self._out)

    def next_s(self, now_s: float) -> float:
        """When something is due."""
        times = [math.inf]
        if self._wire:
            times.append(self._wire[0][0])
        if self._held:
            times.append(self._held_since_s + self.line.timer_ms / 1000)
        if self.line.baud and not self._out and not self.wants_read(now_s):
            times.append(self._free_s - max(1, self.line.fifo // 2) * self.line.byte_s)
        return min(times)

    def stats(self) -> dict[str, int]:
        """What passed."""
        return {
            "bytes_in": self.damage.position,
            "bytes_out": self.bytes_out,
            "damaged_bytes": self.damage.damaged_bytes,
            "lost_bytes": self.damage.lost_bytes,
            "overrun_bytes": self.overrun_bytes,
            "cut_bytes": self.cut_bytes,
        }


class Relay:
    """The cable's inside; ``run`` until ``quit``."""

    def __init__(self, line: Line, a: Path, b: Path) -> None:
        self.a, self.b = Port(a), Port(b)
        self.directions = (Direction(self.a, self.b, line, 1), Direction(self.b, self.a, line, 2))
        self.running = True

    def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carries out one command of the controlling process."""
        match command.pop("do"):
            case "set":
                for each in self.directions:
                    each.change(dataclasses.replace(each.line, **command))
            case "cut":
                self._cut(hang_up=command["mode"] == "hangup")
            case "restore":
                for port in (self.a, self.b):
                    if port.master < 0:
                        port.open()
                for each in self.directions:
                    each.dead = False
            case "released":
                for port in (self.a, self.b):
                    if port.slave >= 0:
                        fcntl.ioctl(port.slave, termios.TIOCNXCL)
            case "quit":
                self.running = False
        return {"a_to_b": self.directions[0].stats(), "b_to_a": self.directions[1].stats()}

    def _cut(self, hang_up: bool) -> None:
        for each in self.directions:
            each.reset()
            each.dead = True
        if hang_up:
            self.a.close()
            self.b.close()

    def run(self, control: int) -> None:
        """Carries bytes until told to quit or until ``control`` is closed."""
        while self.running:
            now_s = time.monotonic()
            readers, writers = [control], []
            if self.a.master >= 0:
                readers += [d.source.master for d in self.directions if d.wants_read(now_s)]
                writers = [d.sink.master for d in self.directions if d.wants_write()]
            wait_s = min(1.0, min(d.next_s(now_s) for d in self.directions) - now_s)
            ready = select.select(readers, writers, [], max(0.0, wait_s))[0]
            if control in ready:
                self._control(control)
            elif self.a.master >= 0:
                now_s = time.monotonic()
                for each in self.directions:
                    if each.source.master in ready:
                        each.accept(now_s)
                    each.deliver(now_s)

    def _control(self, control: int) -> None:
        data = os.read(control, 4096)
        if not data:
            self.running = False
        for line in data.splitlines():
            print(json.dumps(self.obey(json.loads(line))), flush=True)  # noqa: T201


class Cable:
    """A cable in a process of its own; keyword arguments are the fields of Line, ``ports`` the names of the ends."""

    def __init__(self, ports: tuple[Path, Path] | None = None, /, **line: float | str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cable-")
        self.a, self.b = map(str, ports or (Path(self._folder.name, "a.tty"), Path(self._folder.name, "b.tty")))
        options = [f"--{name.replace('_', '-')}={value}" for name, value in line.items()]
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--a", self.a, "--b", self.b, "--control", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def __enter__(self) -> "Cable":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Takes the cable away."""
        try:
            self._tell(do="quit")
            self._process.wait(timeout=5)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._folder.cleanup()

    def stats(self) -> dict[str, dict[str, int]]:
        """What passed in each direction."""
        return self._tell(do="stats")

    def set(self, **changes: float | str) -> None:
        """Other settings for both directions."""
        self._tell(do="set", **changes)

    def cut(self, mode: str) -> None:
        """``silent`` or ``hangup``."""
        self._tell(do="cut", mode=mode)

    def restore(self) -> None:
        """Whole again."""
        self._tell(do="restore")

    def released(self) -> None:
        """A program that had a port to itself was killed: a real port is free after the last close, this one is held open by the cable."""
        self._tell(do="released")

    def _tell(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def main() -> None:
    """Runs a cable until it is interrupted."""
    parser = argparse.ArgumentParser(description="A serial cable between two pseudo-terminals.")
    for each in dataclasses.fields(Line):
        parser.add_argument(f"--{each.name.replace('_', '-')}", type=type(each.default), default=each.default)
    parser.add_argument("--a", type=Path, required=True)
    parser.add_argument("--b", type=Path, required=True)
    parser.add_argument("--control", action="store_true", help="obey JSON lines on stdin")
    options = vars(parser.parse_args())
    relay = Relay(Line(**{each.name: options[each.name] for each in dataclasses.fields(Line)}), options["a"], options["b"])
    print(json.dumps({"a": str(options["a"]), "b": str(options["b"])}), flush=True)  # noqa: T201
    never, keep_open = os.pipe()
    try:
        relay.run(sys.stdin.fileno() if options["control"] else never)
    except KeyboardInterrupt:
        pass
    finally:
        relay.a.close()
        relay.b.close()
        os.close(keep_open)


if __name__ == "__main__":
    main()
