"""From the firmware's sources to .mpy files, a UF2 image and MicroPython's unix port."""
