"""Devices on a serial line: finding, choosing, pairing and asking them."""
