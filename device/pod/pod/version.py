# Version of the firmware. The build writes the hash of the sources in; zeros mean: run from sources.
VERSION = (0, 1, 0)
HASH = b"\x00\x00\x00\x00\x00\x00"
