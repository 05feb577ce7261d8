# Ring and buzzer: what the device commands, and the stale pattern when it falls silent.
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const
from pod import feedback, protocol
from pod.board import buzzer_pin, ring_pin
from pod.drivers.buzzer import STALE, Buzzer
from pod.drivers.ring import Ring

_MARGIN_MS = const(40)  # a turn, and what may hold it up: stale is shown before the silence that is allowed is over
_SILENCE_MS = protocol.SILENCE_MS - _MARGIN_MS
_BLINK_MS = const(250)
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
        self._blink = 0
        self._pictures = {}
        self.configure()
        feedback.paint_waiting(self._ring)
        self._ring.show()

    def configure(self):
        self._ring.brightness = self._pod.config.values["ring_brightness"]
        self._pictures.clear()
        self.buzzer.on = bool(self._pod.config.values["buzzer_on"])

    def command(self, aim, level, sound):
        # Shown at once: the time from command to light is what the operator feels.
        self._heard_ms, self.stale = ticks_ms(), False
        self._paint(aim, level)
        self._ring.show()
        if sound != self._sound:
            self._sound = sound
            self.buzzer.play(sound)

    def _paint(self, aim, level):
        # Painting takes 1 ms in Python, copying nearly nothing.
        key = feedback.picture_of(aim, level)
        picture = self._pictures.get(key)
        if picture is None:
            feedback.paint(self._ring, aim, level)
            self._pictures[key] = self._ring.copy()
        else:
            self._ring.put(picture)

    def turn(self, now_ms):
        # Called every 20 ms.
        if self._heard_ms is not None and ticks_diff(now_ms, self._heard_ms) >= _SILENCE_MS:
            self._be_stale(now_ms)

    def _be_stale(self, now_ms):
        if not self.stale or ticks_diff(now_ms, self._beeped_ms) >= _BEEP_EVERY_MS:
            self.buzzer.play(STALE)
            self._beeped_ms = now_ms
        blink = now_ms // _BLINK_MS & 1
        if not self.stale or blink != self._blink:
            self._blink = blink
            feedback.paint_stale(self._ring, blink)
            self._ring.show()
        self.stale, self._sound = True, 0
        # Ticks wrap: what is silent stays silent.
        self._heard_ms = ticks_add(now_ms, -_SILENCE_MS)
