# Starts the pod; returning from here leads to MicroPython's prompt.
import micropython

micropython.kbd_intr(-1)  # first of all: a frame that arrives during the start may contain 0x03, and is no wish for the prompt

import startup  # noqa: E402

startup.run()
