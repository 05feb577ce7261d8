# Tap, double and hold from debounced edges.
from time import ticks_add, ticks_diff

from pod.protocol import ACTION_DOUBLE, ACTION_HOLD, ACTION_TAP


class Gesture:
    def __init__(self, settings):
        self._settings = settings
        self._pressed_ms = None
        self._released_ms = None
        self._held = False

    def edge(self, pressed, now_ms):
        # The action that this edge completes, or None.
        if pressed:
            self._pressed_ms, self._held = now_ms, False
            return None
        if self._pressed_ms is None:
            return None
        self._pressed_ms = None
        if self._held:
            return None
        if self._released_ms is not None:
            self._released_ms = None
            return ACTION_DOUBLE
        self._released_ms = now_ms
        return None

    def tick(self, now_ms):
        # The action that time completes, or None.
        settings = self._settings
        if self._pressed_ms is not None:
            if not self._held and ticks_diff(now_ms, self._pressed_ms) >= settings["hold_ms"]:
                self._held, self._released_ms = True, None
                return ACTION_HOLD
            return None
        if self._released_ms is not None and ticks_diff(now_ms, self._released_ms) >= settings["double_ms"]:
            self._released_ms = None
            return ACTION_TAP
        return None

    def due_ms(self, now_ms):
        # How long until tick() may have something to say; None when only an edge can.
        settings = self._settings
        if self._pressed_ms is not None:
            due = None if self._held else ticks_add(self._pressed_ms, settings["hold_ms"])
        else:
            due = None if self._released_ms is None else ticks_add(self._released_ms, settings["double_ms"])
        return None if due is None else max(ticks_diff(due, now_ms), 0)
