# The firmware on the unix port, moved by lines in a FIFO: pressure HPA, pitch DEG, pin NUMBER LEVEL.
import _thread
import os
import sys
import time

import pod.protocol
from machine import Pin, world

if os.getenv("POD_PROTOCOL"):
    pod.protocol.PROTOCOL = int(os.getenv("POD_PROTOCOL"))


def _obey(words):
    if words[0] == "pressure":
        world.hpa = 1013 + int(words[1])
    elif words[0] == "pitch":
        world.pitch_deg = float(words[1])
    elif words[0] == "pin":
        Pin(int(words[1])).drive(int(words[2]))


def _follow(path):
    with open(path) as orders:
        while True:
            line = orders.readline()
            if line:
                _obey(line.split())
            else:
                time.sleep_ms(5)


_thread.start_new_thread(_follow, (sys.argv[1],))

import startup

startup.run()
