"""Signed updates on the device: bundles, trusted keys, staging, activation at the next start, going back (docs/update.md)."""
