"""Devices on a serial line: finding and pairing them, copying their sessions into an archive."""
