# A contact to ground (pedal, button): edges with the time at which they began, free of bounce.
import time

import asyncio
import machine


class Contact:
    # The interrupt only notes the time; the task decides after the contact has settled.
    def __init__(self, pin, settings):
        self._pin = pin
        self._settings = settings
        self._flag = asyncio.ThreadSafeFlag()
        self._edge_us = 0
        self._armed = True
        self.pressed = False
        pin.init(machine.Pin.IN, machine.Pin.PULL_UP)
        pin.irq(self._on_edge, machine.Pin.IRQ_FALLING | machine.Pin.IRQ_RISING)

    def _on_edge(self, _pin):
        if self._armed:
            self._armed = False
            self._edge_us = time.ticks_us()
            self._flag.set()

    async def edge(self):
        # Waits for an edge: the time at which it began, in us; pressed then tells which.
        while True:
            await self._flag.wait()
            began_us = self._edge_us
            await asyncio.sleep_ms(self._settings["settle_ms"])
            self._armed = True
            pressed = not self._pin.value()
            if pressed != self.pressed:
                self.pressed = pressed
                return began_us
