"""A tty is set up whatever the last program left, and closing it does not wait for a peer that does not read."""

import os
import termios
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from barbotage_device.link import transport
from barbotage_device.link.transport import TtyTransport


@dataclass
class Pair:
    """A pseudo-terminal: ``path`` is opened by the transport, ``kept`` is another descriptor of the same end."""

    other_end: int
    kept: int
    path: str


@pytest.fixture
def pair() -> Iterator[Pair]:
    other_end, kept = os.openpty()
    yield Pair(other_end, kept, os.ttyname(kept))
    os.close(other_end)
    os.close(kept)


def test_what_the_last_program_left_on_the_port_is_undone(pair: Pair) -> None:
    attributes = termios.tcgetattr(pair.kept)
    attributes[0] |= termios.IXON | termios.ICRNL | termios.ISTRIP
    attributes[1] |= termios.OPOST
    attributes[2] = attributes[2] & ~termios.CLOCAL | termios.CSTOPB
    attributes[3] |= termios.ECHO | termios.ICANON
    termios.tcsetattr(pair.kept, termios.TCSANOW, attributes)
    port = TtyTransport(pair.path)
    try:
        flags = termios.tcgetattr(port.descriptor)
        assert not flags[0] & (termios.IXON | termios.ICRNL | termios.ISTRIP)
        assert not flags[1] & termios.OPOST
        assert flags[2] & termios.CLOCAL
        assert not flags[2] & termios.CSTOPB
        assert not flags[3] & (termios.ECHO | termios.ICANON)
        every_byte = bytes(range(256))
        os.write(pair.other_end, every_byte)
        assert port.wait(5.0, want_write=False)
        assert port.read() == every_byte
        assert port.write(every_byte) == 256
        assert os.read(pair.other_end, 4096) == every_byte
    finally:
        port.close()


@pytest.mark.parametrize("with_rate", [False, True])
def test_flow_control_stays_as_it_was_set_by_hand(pair: Pair, with_rate: bool) -> None:
    attributes = termios.tcgetattr(pair.kept)
    attributes[2] |= termios.CRTSCTS
    termios.tcsetattr(pair.kept, termios.TCSANOW, attributes)
    port = TtyTransport(pair.path, 115_200 if with_rate else None)
    try:
        assert termios.tcgetattr(port.descriptor)[2] & termios.CRTSCTS
    finally:
        port.close()


def test_closing_does_not_wait_for_a_driver_that_waits_for_its_peer(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    read_at_last, closed = threading.Event(), threading.Event()
    close = os.close

    def slow_close(descriptor: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            read_at_last.wait(30)
        close(descriptor)
        if threading.current_thread() is not threading.main_thread():
            closed.set()

    port = TtyTransport(pair.path)
    others = set(threading.enumerate())
    monkeypatch.setattr(transport, "CLOSE_WITHIN_S", 0.01)
    monkeypatch.setattr(os, "close", slow_close)
    port.close()
    port.close()
    assert not closed.is_set()
    assert all(each.daemon for each in threading.enumerate() if each not in others)
    read_at_last.set()
    assert closed.wait(30)
