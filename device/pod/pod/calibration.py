# Zeroing of a sensor: the mean over a second, refused when the sensor was not at rest.
import asyncio
from micropython import const
from pod import protocol
from pod.motion import turn

_SAMPLES = const(50)
_EVERY_MS = const(20)
_FIRST_MS = const(100)  # asked right after its start, the pod has not measured yet
_SPREAD_MAX_HPA = const(20)
_SPREAD_MAX_COUNTS = const(200)  # 3.5 degrees/s; a pod on a table shows a tenth of it


async def calibrate(pod, what, sequence):
    collect = _imu if what == protocol.CALIBRATION_IMU else _pressure
    await asyncio.sleep_ms(_FIRST_MS)
    result = protocol.RESULT_DONE if await collect(pod) else protocol.RESULT_FAILED
    pod.link.send(protocol.REPLY, protocol.REPLY_LAYOUT, protocol.CALIBRATE, sequence, result)


async def _pressure(pod):
    total, low, high = 0, None, None
    for _ in range(_SAMPLES):
        if not pod.pressing.works:
            return False
        hpa = pod.pressing.raw_hpa
        total += hpa
        low = hpa if low is None else min(low, hpa)
        high = hpa if high is None else max(high, hpa)
        await asyncio.sleep_ms(_EVERY_MS)
    if high - low > _SPREAD_MAX_HPA:
        return False
    return _put(pod, "pressure_zero_hpa", round(total / _SAMPLES))


async def _imu(pod):
    totals, lows, highs = [0, 0, 0], [32767] * 3, [-32768] * 3
    for _ in range(_SAMPLES):
        if not pod.tilting.works or pod.tilting.sample is None:
            return False
        for axis in range(3):
            counts = pod.tilting.sample[axis]
            totals[axis] += counts
            lows[axis] = min(lows[axis], counts)
            highs[axis] = max(highs[axis], counts)
        await asyncio.sleep_ms(_EVERY_MS)
    if max(high - low for low, high in zip(lows, highs)) > _SPREAD_MAX_COUNTS:
        return False
    values, motion = pod.config.values, pod.tilting.motion
    pitch = turn(values["pitch_zero_cdeg"] + motion.pitch_cdeg)
    roll = turn(values["roll_zero_cdeg"] + motion.roll_cdeg)
    good = all([_put(pod, "gyro_zero_" + name, round(total / _SAMPLES)) for name, total in zip("xyz", totals)])
    return good and _put(pod, "pitch_zero_cdeg", pitch) and _put(pod, "roll_zero_cdeg", roll)


def _put(pod, name, value):
    try:
        pod.config.put(name, value)
    except ValueError:
        return False
    return True
