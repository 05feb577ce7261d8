# The pins of the probe pod.
from machine import I2C, Pin
from micropython import const

_SDA = const(4)
_SCL = const(5)
_PEDAL = const(10)
_BUTTON_A = const(11)
_BUTTON_B = const(12)
_RING = const(16)
_BUZZER = const(17)
_I2C_HZ = const(400_000)


def sensor_bus():
    return I2C(0, sda=Pin(_SDA), scl=Pin(_SCL), freq=_I2C_HZ)


def contact_pins():
    # In the order of the inputs in protocol.json: pedal, button a, button b.
    return Pin(_PEDAL), Pin(_BUTTON_A), Pin(_BUTTON_B)


def ring_pin():
    return Pin(_RING)


def buzzer_pin():
    return Pin(_BUZZER)
