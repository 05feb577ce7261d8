"""The PC side: devices, sync, archive, review."""
