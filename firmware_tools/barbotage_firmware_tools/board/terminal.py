"""The emulated board on a pseudo-terminal, in step with the wall clock."""

import contextlib
import errno
import os
import select
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from barbotage_firmware_tools.board.emulator import EmulatedBoard
from barbotage_firmware_tools.board.pseudoterminal import PseudoTerminal

_STEP_MS = 1.0
"""How often bytes are exchanged, in emulated time: the frame of full-speed USB."""
_LAG_MAX_S = 0.25
"""A board that fell behind (a busy machine) goes on from there instead of racing to catch up."""
_RUN_MS = 1000.0
_READ_BYTES = 4096


class BoardTerminal:
    """Joins a board to a pseudo-terminal. ``port`` is the path that programs open, ``link`` a symbolic link to it, when asked for.

    What nobody reads fills the terminal's buffer, and then the pod meets a host that does not read, as it would on a real port.
    """

    def __init__(self, board: EmulatedBoard, link: Path | None = None) -> None:
        self._board = board
        self._terminal = PseudoTerminal(link)
        self._master, self.port = self._terminal.master, self._terminal.port
        os.set_blocking(self._master, False)
        self._unsent = b""
        self._ends = False
        board.on_data = self._from_pod
        board.every(_STEP_MS, self._step)
        self._emulated_ns = board.now()
        self._wall_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def run(self, each_second: Callable[[], bool]) -> None:
        """Runs the board until ``each_second``, which is asked about once a second, is false, or ``end`` is called."""
        self._emulated_ns, self._wall_s = self._board.now(), time.monotonic()
        while not self._ends and each_second():
            self._board.run(_RUN_MS, until=lambda: self._ends)

    def end(self) -> None:
        """Ends ``run``; may be called from another thread."""
        self._ends = True

    def close(self) -> None:
        """Takes the port away."""
        self._terminal.close()

    def _step(self) -> None:
        ahead_s = (self._board.now() - self._emulated_ns) / 1e9 - (time.monotonic() - self._wall_s)
        if ahead_s < -_LAG_MAX_S:
            self._emulated_ns, self._wall_s = self._board.now(), time.monotonic()
        readable, _, _ = select.select([self._master], [], [], max(0.0, ahead_s))
        if readable:
            self._from_program()
        if self._unsent:
            self._to_program()
        if self._ends:
            self._board.pause()

    def _from_program(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._board.send(os.read(self._master, _READ_BYTES))

    def _from_pod(self, data: bytes) -> None:
        self._unsent += data
        self._to_program()

    def _to_program(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._master, self._unsent) :]
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK):
                raise
        if self._board.host_reads != (not self._unsent):
            self._board.host_reads = not self._unsent
