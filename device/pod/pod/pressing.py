# The pressure of the lavage line, a hundred times a second.
from array import array
from time import ticks_us

from micropython import const

from pod import protocol
from pod.drivers.abp2 import ABP2
from pod.lavage import Lavage
from pod.sensing import Sensing

_TICKS_MASK = const(0x3FFFFFFF)
_SAMPLES = protocol.SAMPLES_PER_PRESSURE_FRAME
_HPA_MAX = const(32767)


class Pressing(Sensing):
    fault = protocol.FAULT_CODE_PRESSURE

    def __init__(self, pod):
        super().__init__(pod)
        self.lavage = Lavage(pod.config.values)
        self.raw_hpa = 0
        self._samples = array("h", [0] * _SAMPLES)
        self._filled = 0
        self._index = 0
        self._first_us = 0

    def open(self):
        return ABP2(self.pod.bus, self.pod.config.values["pressure_address"])

    def step(self):
        # Reads what was asked for a turn ago, then asks again: the measurement runs while others work.
        values = self.pod.config.values
        raw_hpa = self.part.read(values["pressure_low_hpa"], values["pressure_high_hpa"])
        self.part.trigger()
        if raw_hpa is not None:
            self.raw_hpa = raw_hpa
        self._add(max(-_HPA_MAX, min(_HPA_MAX, self.raw_hpa - values["pressure_zero_hpa"])))

    def _add(self, hpa):
        if self._filled == 0:
            self._first_us = ticks_us() & _TICKS_MASK
        self._samples[self._filled] = hpa
        self._filled += 1
        if self.lavage.add(hpa):
            self.send_lavage()
        if self._filled == _SAMPLES:
            self._send()

    def _send(self):
        self.pod.link.send(protocol.PRESSURE, protocol.PRESSURE_LAYOUT, self._first_us, self._index, *self._samples)
        self._filled = 0
        self._index = self._index + _SAMPLES & 0xFFFF

    def send_lavage(self):
        lavage = self.lavage
        time_us = ticks_us() & _TICKS_MASK
        self.pod.link.send(protocol.LAVAGE, protocol.LAVAGE_LAYOUT, time_us, lavage.phase, lavage.cycles, lavage.peak_hpa)
