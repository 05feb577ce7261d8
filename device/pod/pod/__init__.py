# Firmware of the probe pod.
