"""Copying sessions of devices into an archive, and what may happen to them there and on the device."""
