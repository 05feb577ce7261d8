# A chain of WS2812 LEDs.
import machine
from micropython import const

_TIMING_NS = (400, 850, 800, 450)  # WS2812B datasheet: zero high, zero low, one high, one low
_FULL = const(255)


class Ring:
    def __init__(self, pin, leds, brightness=_FULL):
        self._pin = pin
        self._buffer = bytearray(3 * leds)
        self._dark = bytes(3 * leds)
        self._shown = None
        self.brightness = brightness
        pin.init(machine.Pin.OUT, value=0)

    def clear(self):
        self._buffer[:] = self._dark

    def set(self, led, red, green, blue):
        at, buffer, brightness = 3 * led, self._buffer, self.brightness
        buffer[at] = green * brightness // _FULL
        buffer[at + 1] = red * brightness // _FULL
        buffer[at + 2] = blue * brightness // _FULL

    def copy(self):
        return bytes(self._buffer)

    def put(self, picture):
        self._buffer[:] = picture

    def show(self):
        # Only when something changed: writing the chain stops interrupts for 0.4 ms.
        if self._shown != self._buffer:
            machine.bitstream(self._pin, 0, _TIMING_NS, self._buffer)
            self._shown = bytes(self._buffer)
