# The firmware on the unix port, moved by lines in a file: pressure HPA, pitch DEG, roll DEG, pin NUMBER LEVEL, imu 0|1, show FILE.
import _thread
import json
import os
import sys
import time

import pod.protocol
from machine import Pin, world

if os.getenv("POD_PROTOCOL"):
    pod.protocol.PROTOCOL = int(os.getenv("POD_PROTOCOL"))
_ATMOSPHERE_HPA = 1013


def _obey(words):
    name, value = words[0], words[1]
    if name == "pressure":
        world.hpa = _ATMOSPHERE_HPA + float(value)
    elif name == "pitch":
        world.pitch_deg = float(value)
    elif name == "roll":
        world.roll_deg = float(value)
    elif name == "imu":
        world.imu_present = value == "1"
    elif name == "pin":
        Pin(int(value)).drive(int(words[2]))
    elif name == "show":
        with open(value + ".new", "w") as file:
            json.dump({"strip": list(world.strip), "tone_hz": world.tone_hz}, file)
        os.rename(value + ".new", value)


def _follow(path):
    with open(path) as orders:
        while True:
            line = orders.readline()
            if line:
                _obey(line.split())
            else:
                time.sleep_ms(5)


_thread.start_new_thread(_follow, (sys.argv[1],))

import startup  # noqa: E402 - the world is there first

startup.run()
