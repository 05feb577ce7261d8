"""What a device tells while it works: received, kept, and shown in a terminal."""
