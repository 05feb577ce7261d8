# Tilt of the probe from accelerometer and gyroscope, and whether the probe has moved.
from math import atan2, degrees, sqrt

from micropython import const

_STEP_MS = const(20)
_STEP_S = 0.02
_TRUST_ACCELERATION = 0.04  # time constant 0.5 s: hand tremor averages out, drift of the gyroscope does not build up
_COUNTS_TO_CDPS = 1.75  # LSM6DSOX at 500 degrees/s: 17.5 mdps a count (datasheet table 2)


class Motion:
    def __init__(self, settings):
        self._settings = settings
        self._pitch = None
        self._roll = 0.0
        self.pitch_cdeg = 0
        self.roll_cdeg = 0
        self.rate_cdps = 0
        self.moved = False
        self.moves = 0
        self._rest = None
        self._still_ms = 0

    def add(self, sample):
        # sample: gyroscope x, y, z and acceleration x, y, z in counts.
        gx, gy, gz, ax, ay, az = sample
        settings = self._settings
        gx -= settings["gyro_zero_x"]
        gy -= settings["gyro_zero_y"]
        gz -= settings["gyro_zero_z"]
        self._tilt(gx, gy, ax, ay, az)
        self.pitch_cdeg = turn(int(self._pitch * 100) - settings["pitch_zero_cdeg"])
        self.roll_cdeg = turn(int(self._roll * 100) - settings["roll_zero_cdeg"])
        self.rate_cdps = min(int(sqrt(gx * gx + gy * gy + gz * gz) * _COUNTS_TO_CDPS), 0xFFFF)
        self._judge()

    def _tilt(self, gx, gy, ax, ay, az):
        pitch = degrees(atan2(-ax, sqrt(ay * ay + az * az)))
        roll = degrees(atan2(ay, az))
        if self._pitch is None:
            self._pitch, self._roll = pitch, roll
            return
        turned = _COUNTS_TO_CDPS / 100 * _STEP_S
        self._pitch = _blend(self._pitch + gy * turned, pitch)
        self._roll = _blend(self._roll + gx * turned, roll)

    def _judge(self):
        settings = self._settings
        if self._rest is None:
            self._rest = (self.pitch_cdeg, self.roll_cdeg)
        fast = self.rate_cdps >= settings["moved_cdps"]
        away = max(abs(turn(self.pitch_cdeg - self._rest[0])), abs(turn(self.roll_cdeg - self._rest[1])))
        if not self.moved and (fast or away >= settings["moved_cdeg"]):
            self.moved = True
            self.moves = self.moves + 1 & 0xFF
            self._still_ms = 0  # told for as long, also when it crept
        self._still_ms = 0 if self.rate_cdps * 2 >= settings["moved_cdps"] else self._still_ms + _STEP_MS
        if self.moved and self._still_ms >= settings["still_ms"]:
            self.moved = False
            self._rest = (self.pitch_cdeg, self.roll_cdeg)


def _blend(predicted, measured):
    difference = (measured - predicted + 180) % 360 - 180
    return (predicted + _TRUST_ACCELERATION * difference + 180) % 360 - 180


def turn(cdeg):
    # The same angle between -180 and 180 degrees: a sensor may be mounted upside down.
    return (cdeg + 18000) % 36000 - 18000
