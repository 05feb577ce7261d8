# A piezo buzzer on a PWM pin: short tunes that play by themselves.
import asyncio
import machine
from micropython import const

_DUTY = const(20000)  # of 65535; louder than this only wastes current
_TUNES = {
    1: ((2000, 30),),  # tick
    2: ((1500, 60), (2250, 90)),  # confirm
    3: ((2500, 80), (0, 60), (2500, 80)),  # attention
    4: ((400, 90),),  # stale
}
STALE = const(4)


class Buzzer:
    def __init__(self, pin):
        self._pin = pin
        self._pwm = None
        pin.init(machine.Pin.OUT, value=0)
        self._wanted = asyncio.Event()
        self._tune = None
        self.on = True

    def play(self, tune):
        self._tune = _TUNES.get(tune)
        self._wanted.set()

    async def run(self):
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            for frequency, duration_ms in self._tune or ():
                self._tone(frequency if self.on else 0)
                await asyncio.sleep_ms(duration_ms)
            self._tone(0)

    def _tone(self, frequency):
        # Without a tone there is no PWM: the pin is low, and nothing runs.
        if frequency:
            self._pwm = self._pwm or machine.PWM(self._pin)
            self._pwm.freq(frequency)
            self._pwm.duty_u16(_DUTY)
        elif self._pwm:
            self._pwm.deinit()
            self._pwm = None
            self._pin.init(machine.Pin.OUT, value=0)
