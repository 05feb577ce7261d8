"""What a run leaves in a session: records of what was known, events, the recording itself, the proxy."""
