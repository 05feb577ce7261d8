"""Signed updates on the PC: keys, packing bundles, sending them to a device (docs/update.md)."""
