"""The error of a session that cannot be written or read."""

from barbotage_device.errors import BarbotageError


class SessionError(BarbotageError):
    """A session exists but cannot be read, written or recovered as asked; the message says what to do."""
