# Ring and buzzer: what the device commands, and the stale pattern when it falls silent.
from time import ticks_diff, ticks_ms

import asyncio
from micropython import const
from pod import feedback, protocol
from pod.board import buzzer_pin, ring_pin
from pod.drivers.buzzer import STALE, Buzzer
from pod.drivers.ring import Ring

_TURN_MS = const(10)
_SILENCE_MS = protocol.SILENCE_MS - 2 * _TURN_MS  # found out and shown by the end of the silence that is allowed
_BEEP_EVERY_MS = const(3000)


class Showing:
    def __init__(self, pod):
        self._pod = pod
        self._ring = Ring(ring_pin(), feedback.LEDS)
        self.buzzer = Buzzer(buzzer_pin())
        self.stale = False
        self._heard_ms = None
        self._beeped_ms = 0
        self._sound = 0
        self.configure()

    def configure(self):
        self._ring.brightness = self._pod.config.values["ring_brightness"]
        self.buzzer.on = bool(self._pod.config.values["buzzer_on"])

    def command(self, aim, level, sound):
        # Shown at once: the time from command to light is what the operator feels.
        self._heard_ms, self.stale = ticks_ms(), False
        feedback.paint(self._ring, aim, level)
        self._ring.show()
        if sound != self._sound:
            self._sound = sound
            self.buzzer.play(sound)

    def turn(self, now_ms):
        if self._heard_ms is None:
            feedback.paint_waiting(self._ring)
        elif self.stale or ticks_diff(now_ms, self._heard_ms) >= _SILENCE_MS:
            self._go_stale(now_ms)
        else:
            return
        self._ring.show()

    def _go_stale(self, now_ms):
        if not self.stale or ticks_diff(now_ms, self._beeped_ms) >= _BEEP_EVERY_MS:
            self.buzzer.play(STALE)
            self._beeped_ms = now_ms
        self.stale, self._sound = True, 0
        feedback.paint_stale(self._ring, now_ms)

    async def run(self):
        bit = self._pod.supervisor.register()
        while True:
            self.turn(ticks_ms())
            self._pod.supervisor.report(bit)
            await asyncio.sleep_ms(_TURN_MS)
