"""The settings and the clock of a device: read, checked, changed, read back."""
