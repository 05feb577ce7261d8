"""Finds out what is wrong between this computer and a device, and says what to do."""
