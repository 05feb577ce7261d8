# 6-axis IMU LSM6DSOX over I2C (ST datasheet DS12814).
from struct import unpack_from

from micropython import const

_WHO_AM_I = const(0x0F)
_CTRL1_XL = const(0x10)
_CTRL2_G = const(0x11)
_CTRL3_C = const(0x12)
_OUTX_L_G = const(0x22)
_CHIP = const(0x6C)
_XL_104_HZ_2_G = const(0x40)
_G_104_HZ_500_DPS = const(0x44)
_BLOCK_UPDATE_AUTO_INCREMENT = const(0x44)
_EMPTY_MAX = const(10)


class LSM6DSOX:
    def __init__(self, i2c, address):
        self._i2c = i2c
        self._address = address
        self._buffer = bytearray(12)
        self._empty = 0
        chip = i2c.readfrom_mem(address, _WHO_AM_I, 1)[0]
        if chip != _CHIP:
            raise OSError("LSM6DSOX: chip 0x%02x" % chip)
        i2c.writeto_mem(address, _CTRL3_C, bytes((_BLOCK_UPDATE_AUTO_INCREMENT,)))
        i2c.writeto_mem(address, _CTRL1_XL, bytes((_XL_104_HZ_2_G,)))
        i2c.writeto_mem(address, _CTRL2_G, bytes((_G_104_HZ_500_DPS,)))

    def read(self):
        # Gyroscope x, y, z and acceleration x, y, z in counts.
        self._i2c.readfrom_mem_into(self._address, _OUTX_L_G, self._buffer)
        sample = unpack_from("<6h", self._buffer)
        # Gravity is never zero on all axes: a chip that lost its supply for a moment answers, but measures nothing until it is set up again.
        if sample[5] or sample[4] or sample[3]:
            self._empty = 0
        else:
            self._empty += 1
            if self._empty >= _EMPTY_MAX:
                raise OSError("LSM6DSOX: no data")
        return sample
