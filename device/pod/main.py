# Starts the pod; returning from here leads to MicroPython's prompt.
import startup

startup.run()
