"""What may be done to an emulated pod, in words: for scripts and for lines typed at it. Pure but for reading a script's file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from barbotage_device.errors import InvalidInputError, NotFoundError, UsageError

HELP = "pitch DEG | roll DEG | pressure HPA | cycle | pedal tap|double|hold | a | b | unplug-imu | plug-imu | power"
PEDAL, BUTTON_A, BUTTON_B = 10, 11, 12
"""The pins of device/pod/pod/board.py."""
_TAP_MS, _GAP_MS, _HOLD_MS = 80.0, 120.0, 900.0
_INJECT_HPA, _SUCK_HPA, _PHASE_MS = 400.0, -120.0, 600.0
_SLIDE_MS, _SLIDE_STEPS = 400.0, 20


class Movable(Protocol):
    """An emulated pod, as a hand meets it."""

    def feel(self, name: str, value: float) -> None:
        """Sets ``pitch``, ``roll`` (degrees), ``pressure`` (hPa) or ``imu`` (0 or 1)."""
        ...

    def press(self, pin: int) -> None:
        """Closes a contact."""
        ...

    def release(self, pin: int) -> None:
        """Opens a contact."""
        ...

    def power_cycle(self) -> None:
        """Takes its power away and gives it back."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """What is done, and when: milliseconds after it is given."""

    at_ms: float
    action: Callable[[Movable], None]


class Hand:
    """Carries out orders when they are due. ``now_ms`` is the time of the pod: emulated, or the wall's."""

    def __init__(self, pod: Movable, now_ms: Callable[[], float]) -> None:
        self._pod = pod
        self._now_ms = now_ms
        self._due: list[tuple[float, Callable[[Movable], None]]] = []
        self._values = {"pitch": 0.0, "roll": 0.0, "pressure": 0.0}

    def give(self, text: str, after_ms: float = 0.0) -> None:
        """An order for now, or for later. Raises UsageError."""
        start_ms = self._now_ms() + after_ms
        self._due += [(start_ms + order.at_ms, order.action) for order in orders_of(text, self._values)]
        self._due.sort(key=lambda one: one[0])

    def play(self, script: list[tuple[float, str]]) -> None:
        """The steps of a script, in seconds from now."""
        for at_s, text in script:
            self.give(text, at_s * 1000)

    def turn(self) -> None:
        """Does what is due."""
        while self._due and self._due[0][0] <= self._now_ms():
            self._due.pop(0)[1](self._pod)


def orders_of(text: str, values: dict[str, float]) -> list[Order]:
    """What a line means. ``values`` holds where tilt and pressure were left, and is brought up to date. Raises UsageError."""
    match text.split():
        case [("pitch" | "roll" | "pressure") as name, value]:
            return _slide(name, _number(value, text), values)
        case ["cycle"]:
            inject = _slide("pressure", _INJECT_HPA, values)
            suck = _after(_PHASE_MS, _slide("pressure", _SUCK_HPA, values))
            return [*inject, *suck, *_after(2 * _PHASE_MS, _slide("pressure", 0.0, values))]
        case ["pedal", "tap"]:
            return _press(PEDAL, _TAP_MS)
        case ["pedal", "double"]:
            return [*_press(PEDAL, _TAP_MS), *_after(_TAP_MS + _GAP_MS, _press(PEDAL, _TAP_MS))]
        case ["pedal", "hold"]:
            return _press(PEDAL, _HOLD_MS)
        case [("a" | "b") as name]:
            return _press(BUTTON_A if name == "a" else BUTTON_B, _TAP_MS)
        case [("unplug-imu" | "plug-imu") as name]:
            return [Order(0, lambda pod: pod.feel("imu", float(name == "plug-imu")))]
        case ["power"]:
            return [Order(0, lambda pod: pod.power_cycle())]
        case _:
            raise UsageError(f"{text!r} is not known; {HELP}")


def read_script(file: Path) -> list[tuple[float, str]]:
    """Lines ``SECONDS ORDER`` of a script; # begins a comment. Raises NotFoundError, InvalidInputError naming the line."""
    steps = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise NotFoundError(f"{file}: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        when, _, order = text.partition(" ")
        try:
            orders_of(order.strip(), {"pitch": 0.0, "roll": 0.0, "pressure": 0.0})
            steps.append((float(when), order.strip()))
        except (ValueError, UsageError) as error:
            raise InvalidInputError(f"{file}:{number}: {error}") from error
    return steps


def _slide(name: str, target: float, values: dict[str, float]) -> list[Order]:
    """A value moves there as a hand would move it, not in one jump."""
    start, values[name] = values[name], target

    def step(number: int) -> Callable[[Movable], None]:
        value = start + (target - start) * (number + 1) / _SLIDE_STEPS
        return lambda pod: pod.feel(name, value)

    return [Order(_SLIDE_MS * number / _SLIDE_STEPS, step(number)) for number in range(_SLIDE_STEPS)]


def _press(pin: int, held_ms: float) -> list[Order]:
    return [Order(0, lambda pod: pod.press(pin)), Order(held_ms, lambda pod: pod.release(pin))]


def _after(delay_ms: float, orders: list[Order]) -> list[Order]:
    return [Order(delay_ms + order.at_ms, order.action) for order in orders]


def _number(value: str, text: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise UsageError(f"{text!r}: {value!r} is not a number") from error
