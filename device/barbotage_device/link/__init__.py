"""The link to the host over a serial line; docs/protocol.md is its contract. The cores here do no I/O and read no clock."""
