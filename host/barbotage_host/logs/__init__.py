"""The log of a device: its last lines, and new ones as they come."""
