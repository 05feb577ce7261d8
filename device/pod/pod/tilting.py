# The tilt of the probe, fifty times a second.
from time import ticks_us

from micropython import const

from pod import protocol
from pod.drivers.lsm6dsox import LSM6DSOX
from pod.motion import Motion
from pod.sensing import Sensing

_TICKS_MASK = const(0x3FFFFFFF)


class Tilting(Sensing):
    fault = protocol.FAULT_CODE_IMU

    def __init__(self, pod):
        super().__init__(pod)
        self.motion = Motion(pod.config.values)
        self.sample = None
        self._time_us = 0
        self._is_new = False
        self._index = 0

    def open(self):
        return LSM6DSOX(self.pod.bus, self.pod.config.values["imu_address"])

    def step(self):
        self._time_us = ticks_us() & _TICKS_MASK
        self.sample = self.part.read()
        self._is_new = True

    def conclude(self):
        # Half a period later: reading and concluding at once would make a command wait twice as long.
        if not self._is_new:
            return
        self._is_new = False
        motion = self.motion
        motion.add(self.sample)
        flags = protocol.TILT_FLAGS_MOVED if motion.moved else 0
        self.pod.link.send(
            protocol.TILT,
            protocol.TILT_LAYOUT,
            self._time_us,
            self._index,
            motion.pitch_cdeg,
            motion.roll_cdeg,
            motion.rate_cdps,
            flags,
            motion.moves,
        )
        self._index = self._index + 1 & 0xFFFF
