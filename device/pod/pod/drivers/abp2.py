# Honeywell ABP2 and MPR pressure sensors over I2C: both take the same command and answer with status and 24 bits.
from micropython import const

_MEASURE = b"\xaa\x00\x00"
_POWERED = const(0x40)
_BUSY = const(0x20)
_INTEGRITY = const(0x04)
_SATURATED = const(0x01)
_COUNTS_LOW = const(1677722)  # 10 % of 2^24: transfer function A of both datasheets
_SPAN_SHIFTED = const(52428)  # 80 % of 2^24, divided by 256
_BUSY_MAX = const(10)


class ABP2:
    def __init__(self, i2c, address):
        self._i2c = i2c
        self._address = address
        self._buffer = bytearray(4)
        self._busy = 0
        self.trigger()

    def trigger(self):
        # A measurement takes 5 ms.
        self._i2c.writeto(self._address, _MEASURE)

    def read(self, low_hpa, high_hpa):
        # Pressure in hPa, or None when the measurement is not ready.
        buffer = self._buffer
        self._i2c.readfrom_into(self._address, buffer)
        status = buffer[0]
        if status & (_INTEGRITY | _SATURATED) or not status & _POWERED:
            raise OSError("ABP2: status 0x%02x" % status)
        if status & _BUSY:
            self._busy += 1
            if self._busy >= _BUSY_MAX:  # the last value is no measurement any more
                raise OSError("ABP2: always busy")
            return None
        self._busy = 0
        counts = buffer[1] << 16 | buffer[2] << 8 | buffer[3]
        # Divided by 256 first: small integers on the RP2040 have 31 bits.
        return low_hpa + ((counts - _COUNTS_LOW + 128 >> 8) * (high_hpa - low_hpa) + _SPAN_SHIFTED // 2) // _SPAN_SHIFTED
