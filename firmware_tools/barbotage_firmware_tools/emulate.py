"""The command ``emulate``: the whole board on a pseudo-terminal, moved by a script or by lines typed at it."""

import select
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.errors import InvalidInputError, UsageError
from barbotage_firmware_tools.board.emulator import BUTTON_A, BUTTON_B, FLASH_BYTES, NS_PER_MS, PEDAL, EmulatedBoard
from barbotage_firmware_tools.board.terminal import BoardTerminal

HELP = "pitch DEG | roll DEG | pressure HPA | cycle | pedal tap|double|hold | a | b | unplug-imu | plug-imu | power | show | quit"
_TAP_MS, _GAP_MS, _HOLD_MS = 80.0, 120.0, 900.0
_INJECT_HPA, _SUCK_HPA, _PHASE_MS = 400.0, -120.0, 600.0
_SLIDE_MS, _SLIDE_STEPS = 400.0, 20
_RING = {"off": ".", "lit": "#"}


@dataclass(frozen=True, slots=True)
class Order:
    """What happens to the board, and when: milliseconds of emulated time after it is given."""

    at_ms: float
    action: Callable[[EmulatedBoard], None]


def orders_of(text: str) -> list[Order]:
    """What a line of a script or of the keyboard means. Raises UsageError."""
    words = text.split()
    match words:
        case [("pitch" | "roll" | "pressure") as name, value]:
            return _slide(name, _number(value, text))
        case ["cycle"]:
            return [
                *_slide("pressure", _INJECT_HPA),
                *_after(_PHASE_MS, _slide("pressure", _SUCK_HPA)),
                *_after(2 * _PHASE_MS, _slide("pressure", 0)),
            ]
        case ["pedal", "tap"]:
            return _press(PEDAL, _TAP_MS)
        case ["pedal", "double"]:
            return [*_press(PEDAL, _TAP_MS), *_after(_TAP_MS + _GAP_MS, _press(PEDAL, _TAP_MS))]
        case ["pedal", "hold"]:
            return _press(PEDAL, _HOLD_MS)
        case [("a" | "b") as name]:
            return _press(BUTTON_A if name == "a" else BUTTON_B, _TAP_MS)
        case [("unplug-imu" | "plug-imu") as name]:
            return [Order(0, lambda board: setattr(board.world, "imu_present", name == "plug-imu"))]
        case ["power"]:
            return [Order(0, EmulatedBoard.power_cycle)]
        case _:
            raise UsageError(f"{text!r} is not known; {HELP}")


def read_script(file: Path) -> list[tuple[float, str]]:
    """Lines ``SECONDS ORDER`` of a script; # begins a comment. Raises InvalidInputError naming the line."""
    steps = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        when, _, order = text.partition(" ")
        try:
            orders_of(order.strip())
            steps.append((float(when), order.strip()))
        except (ValueError, UsageError) as error:
            raise InvalidInputError(f"{file}:{number}: {error}") from error
    return steps


def ring_of(board: EmulatedBoard) -> str:
    """The ring as twelve marks, from the top clockwise."""
    if not board.shown:
        return _RING["off"] * 12
    return "".join(_RING["lit" if any(led) else "off"] for led in board.shown[-1].leds)


@dataclass(frozen=True, slots=True)
class EmulateRequest:
    """What to run. ``flash`` is a file that keeps the board's flash between runs; ``seconds`` ends by itself."""

    image: Path
    link: Path | None = None
    script: Path | None = None
    flash: Path | None = None
    seconds: float | None = None
    keyboard: bool = True


def emulate(request: EmulateRequest, said: Callable[[str], None], ready: Callable[[str], None]) -> None:
    """Runs the board until its time is over, ``quit`` is typed or Ctrl-C. ``ready`` gets the port's path."""
    board = EmulatedBoard(request.image, _read_flash(request.flash), i2c_byte_ns=0)
    script = read_script(request.script) if request.script is not None else []
    player = _Player(board)
    for at_s, text in script:
        player.give(text, at_s * 1000)
    with BoardTerminal(board, request.link) as terminal:
        keyboard = _Keyboard(board, player, terminal, said) if request.keyboard else None
        board.every(20.0, lambda: _turn(player, keyboard))
        started_s = time.monotonic()
        ready(terminal.port)
        try:
            terminal.run(lambda: request.seconds is None or time.monotonic() - started_s < request.seconds)
        finally:
            if request.flash is not None:
                request.flash.write_bytes(board.flash)


def _turn(player: "_Player", keyboard: "_Keyboard | None") -> None:
    player.turn()
    if keyboard is not None:
        keyboard.turn()


class _Player:
    """Carries out orders when they are due, in emulated time."""

    def __init__(self, board: EmulatedBoard) -> None:
        self._board = board
        self._due: list[tuple[float, Callable[[EmulatedBoard], None]]] = []

    def give(self, text: str, after_ms: float = 0.0) -> None:
        now_ms = self._board.now() / NS_PER_MS
        self._due += [(now_ms + after_ms + order.at_ms, order.action) for order in orders_of(text)]
        self._due.sort(key=lambda one: one[0])

    def turn(self) -> None:
        while self._due and self._due[0][0] <= self._board.now() / NS_PER_MS:
            self._due.pop(0)[1](self._board)


class _Keyboard:
    """Lines from stdin, while it lasts."""

    def __init__(self, board: EmulatedBoard, player: _Player, terminal: BoardTerminal, said: Callable[[str], None]) -> None:
        self._board = board
        self._player = player
        self._terminal = terminal
        self._said = said
        self._open = True

    def turn(self) -> None:
        for line in self._lines():
            self._obey(line.strip())

    def _lines(self) -> Iterator[str]:
        while self._open and select.select([sys.stdin], [], [], 0)[0]:
            line = sys.stdin.readline()
            self._open = bool(line)
            yield line

    def _obey(self, text: str) -> None:
        if text == "quit":
            self._terminal.end()
        elif text == "show":
            world = self._board.world
            self._said(
                f"ring {ring_of(self._board)}  buzzer {self._board.tone_hz:.0f} Hz  pitch {world.pitch_deg:g} roll {world.roll_deg:g} deg  {world.pressure_hpa:g} hPa"
            )
        elif text:
            try:
                self._player.give(text)
            except UsageError as error:
                self._said(str(error))


def _slide(name: str, target: float) -> list[Order]:
    """The world's value moves there as a hand would move it, not in one jump."""
    attribute = {"pitch": "pitch_deg", "roll": "roll_deg", "pressure": "pressure_hpa"}[name]

    def step(left: int) -> Callable[[EmulatedBoard], None]:
        def action(board: EmulatedBoard) -> None:
            value = getattr(board.world, attribute)
            setattr(board.world, attribute, value + (target - value) / left)

        return action

    return [Order(_SLIDE_MS * number / _SLIDE_STEPS, step(_SLIDE_STEPS - number)) for number in range(_SLIDE_STEPS)]


def _press(pin: int, held_ms: float) -> list[Order]:
    return [Order(0, lambda board: board.press(pin)), Order(held_ms, lambda board: board.release(pin))]


def _after(delay_ms: float, orders: list[Order]) -> list[Order]:
    return [Order(delay_ms + order.at_ms, order.action) for order in orders]


def _number(value: str, text: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise UsageError(f"{text!r}: {value!r} is not a number") from error


def _read_flash(file: Path | None) -> bytes | None:
    if file is None or not file.is_file():
        return None
    content = file.read_bytes()
    if len(content) != FLASH_BYTES:
        raise InvalidInputError(f"{file}: {len(content)} bytes, a flash has {FLASH_BYTES}")
    return content
