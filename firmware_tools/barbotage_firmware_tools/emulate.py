"""The command ``emulate``: a pod on a pseudo-terminal, moved by a script or by lines typed at it."""

import os
import select
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.errors import InvalidInputError, NotFoundError, UsageError
from barbotage_device.session.files import replace_atomically
from barbotage_firmware_tools.board.quick import QuickPod
from barbotage_firmware_tools.errors import PodToolError
from barbotage_firmware_tools.orders import HELP, Hand, read_script

_TURN_MS = 20.0
_READ_BYTES = 4096
_MORE = "show | help | quit"
_HELP = f"{HELP} | {_MORE}"


@dataclass(frozen=True, slots=True)
class EmulateRequest:
    """What to run: the whole board with ``image``, or (quick) ``program``, the unix port, on the firmware's ``sources``.

    ``flash`` is a file that keeps the whole board's flash between runs; ``seconds`` ends by itself.
    """

    link: Path | None
    script: Path | None
    seconds: float | None
    image: Path | None = None
    flash: Path | None = None
    program: Path | None = None
    sources: Path | None = None


@dataclass(frozen=True, slots=True)
class Voice:
    """Where the command speaks: ``ready`` gets the port's path, ``said`` answers to orders."""

    ready: Callable[[str], None]
    said: Callable[[str], None]


def emulate(request: EmulateRequest, voice: Voice) -> None:
    """Runs until the time is over, ``quit`` is typed, or Ctrl-C. Raises InvalidInputError for a script or flash that cannot be used."""
    if request.image is not None:
        _whole_board(request, request.image, voice)
    elif request.program is not None and request.sources is not None:
        _quick_pod(request, request.program, request.sources, voice)


class Keyboard:
    """Orders from stdin, while it lasts. ``show`` gives the words for the pod's outputs; ``ends`` is set by ``quit``."""

    def __init__(self, hand: Hand, show: Callable[[], str], said: Callable[[str], None]) -> None:
        self._hand = hand
        self._show = show
        self._said = said
        self._open = True
        self._unread = b""
        self.ends = False

    def turn(self) -> None:
        """Obeys what has been typed."""
        # Past Python's own buffer, of whose lines select() knows nothing.
        while self._open and select.select([sys.stdin], [], [], 0)[0]:
            data = os.read(sys.stdin.fileno(), _READ_BYTES)
            self._open = bool(data)
            *lines, self._unread = (self._unread + (data or b"\n")).split(b"\n")
            for line in lines:
                text = line.decode(errors="replace").strip()
                if text and not self.ends:
                    self._obey(text)

    def _obey(self, text: str) -> None:
        if text == "quit":
            self.ends = True
            return
        try:
            if text == "show":
                self._said(self._show())
            elif text == "help":
                self._said(_HELP)
            else:
                self._hand.give(text)
        except PodToolError as error:
            self._said(str(error))
        except UsageError as error:
            self._said(f"{error} | {_MORE}")


def ring_text(leds: list[tuple[int, ...]]) -> str:
    """The ring as twelve marks, from the top clockwise: # is lit."""
    return "".join("#" if any(led) else "." for led in leds)


def _script(request: EmulateRequest) -> list[tuple[float, str]]:
    return read_script(request.script) if request.script is not None else []


def _quick_pod(request: EmulateRequest, program: Path, sources: Path, voice: Voice) -> None:
    def now_ms() -> float:
        return time.monotonic() * 1000

    def show() -> str:
        leds, tone_hz = pod.shown()
        return f"ring {ring_text([*leds])}  buzzer {tone_hz:.0f} Hz"

    orders = _script(request)
    with _Replaceable(lambda: QuickPod(program, sources, request.link)) as pod:
        hand = Hand(pod, now_ms)
        hand.play(orders)
        keyboard = Keyboard(hand, show, voice.said)
        voice.ready(pod.port)
        started_ms = now_ms()
        while not keyboard.ends and (request.seconds is None or now_ms() - started_ms < request.seconds * 1000):
            hand.turn()
            keyboard.turn()
            pod.restart_when_ended()
            time.sleep(_TURN_MS / 1000)


class _Replaceable:
    """A quick pod that starts anew where a real one would restart, or when its power is taken."""

    def __init__(self, start: Callable[[], QuickPod]) -> None:
        self._start = start
        self._pod = start()

    def __enter__(self) -> "_Replaceable":
        return self

    def __exit__(self, *_ignored: object) -> None:
        self._pod.unplug()

    @property
    def port(self) -> str:
        return self._pod.port

    def feel(self, name: str, value: float) -> None:
        self._pod.feel(name, value)

    def press(self, pin: int) -> None:
        self._pod.press(pin)

    def release(self, pin: int) -> None:
        self._pod.release(pin)

    def shown(self) -> tuple[list[tuple[int, int, int]], float]:
        return self._pod.shown()

    def power_cycle(self) -> None:
        self._pod.unplug()
        self._pod = self._start()

    def restart_when_ended(self) -> None:
        if not self._pod.runs:
            self.power_cycle()


def _whole_board(request: EmulateRequest, image: Path, voice: Voice) -> None:
    from barbotage_firmware_tools.board.emulator import NS_PER_MS, EmulatedBoard
    from barbotage_firmware_tools.board.terminal import BoardTerminal

    orders = _script(request)
    board = EmulatedBoard(image, _read_flash(request.flash), i2c_byte_ns=0)

    def show() -> str:
        leds = list(board.shown[-1].leds) if board.shown else []
        return f"ring {ring_text(leds)}  buzzer {board.tone_hz:.0f} Hz  {board.now() / 1e9:.1f} s on the board's clock"

    def turn() -> None:
        hand.turn()
        keyboard.turn()
        if keyboard.ends:
            terminal.end()

    hand = Hand(board, lambda: board.now() / NS_PER_MS)
    hand.play(orders)
    keyboard = Keyboard(hand, show, voice.said)
    with BoardTerminal(board, request.link) as terminal:
        board.every(_TURN_MS, turn)
        started_s = time.monotonic()
        voice.ready(terminal.port)
        try:
            terminal.run(lambda: request.seconds is None or time.monotonic() - started_s < request.seconds)
        finally:
            if request.flash is not None:
                replace_atomically(request.flash, board.flash)


def _read_flash(file: Path | None) -> bytes | None:
    from barbotage_firmware_tools.board.emulator import FLASH_BYTES

    if file is not None and not file.parent.is_dir():
        raise NotFoundError(f"--flash {file}: the folder is not there")
    if file is None or not file.is_file():
        return None
    content = file.read_bytes()
    if len(content) != FLASH_BYTES:
        raise InvalidInputError(
            f"{file}: {len(content)} bytes, a flash has {FLASH_BYTES}; give a file that emulate --flash has written"
        )
    return content
