# The tasks of pedal and buttons.
from time import ticks_ms

import asyncio
from micropython import const
from pod import protocol
from pod.drivers.contact import Contact
from pod.gesture import Gesture

_TICKS_MASK = const(0x3FFFFFFF)
_TICK_MS = const(20)


class Touching:
    def __init__(self, pod, number, pin):
        self._pod = pod
        self._number = number
        self._contact = Contact(pin, pod.config.values)
        self._gesture = Gesture(pod.config.values)
        self._changed = asyncio.Event()
        self._count = 0
        self._began_us = 0

    async def follow_edges(self):
        contact = self._contact
        while True:
            self._began_us = await contact.edge() & _TICKS_MASK
            if contact.pressed:
                self._count = self._count + 1 & 0xFFFF
            self._send(protocol.ACTION_PRESS if contact.pressed else protocol.ACTION_RELEASE)
            self._send(self._gesture.edge(contact.pressed, ticks_ms()))
            self._changed.set()

    async def follow_time(self):
        gesture = self._gesture
        while True:
            due_ms = gesture.due_ms(ticks_ms())
            if due_ms is None:
                self._changed.clear()
                await self._changed.wait()
            else:
                await asyncio.sleep_ms(min(due_ms, _TICK_MS))
                self._send(gesture.tick(ticks_ms()))

    def _send(self, action):
        if action is not None:
            self._pod.link.send(protocol.INPUT, protocol.INPUT_LAYOUT, self._began_us, self._number, action, self._count)
