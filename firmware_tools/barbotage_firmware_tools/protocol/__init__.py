"""The link's table (device/pod/protocol.json): read here, and written out for both sides."""
