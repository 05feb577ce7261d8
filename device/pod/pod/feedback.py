# What ring and buzzer show: what the device commands, or by themselves that it has gone silent.
# Every state differs in shape, not in colour alone.
from micropython import const

from pod.protocol import AIM_LEFT, AIM_OFF, AIM_ON_TARGET, AIM_RIGHT, AIM_UNCERTAIN

LEDS = const(12)  # 0 at the top, clockwise
_RIGHT = (3, 2, 4, 1, 5, 0)
_LEFT = (9, 10, 8, 11, 7, 0)


def paint(ring, aim, level):
    ring.clear()
    if aim == AIM_LEFT:
        _side(ring, _LEFT, level)
    elif aim == AIM_RIGHT:
        _side(ring, _RIGHT, level)
    elif aim == AIM_ON_TARGET:
        for led in range(LEDS):
            ring.set(led, 0, 255, 60)
    elif aim == AIM_UNCERTAIN:
        for led in range(0, LEDS, 3):
            ring.set(led, 120, 120, 120)


def picture_of(aim, level):
    # Which picture it is: there are few, and each is painted once.
    return aim * 8 + (1 + level * 5 // 256 if aim in (AIM_LEFT, AIM_RIGHT) else 0)


def _side(ring, leds, level):
    # One LED at the side when nearly there, five when far off.
    for led in leds[: 1 + level * 5 // 256]:
        ring.set(led, 0, 80, 255)


def paint_stale(ring, blink):
    # Every other LED, amber, changing places with blink (0 or 1).
    ring.clear()
    for led in range(blink, LEDS, 2):
        ring.set(led, 255, 110, 0)


def paint_waiting(ring):
    # No device yet since the start.
    ring.clear()
    ring.set(0, 60, 60, 60)


def is_known(aim):
    return aim in (AIM_OFF, AIM_LEFT, AIM_RIGHT, AIM_ON_TARGET, AIM_UNCERTAIN)
