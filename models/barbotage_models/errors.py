"""Errors of the models package."""


class BarbotageError(Exception):
    """Root of every error that this software raises on purpose.

    The message says what went wrong, with which value, and what to do. ``exit_code`` is what a
    command ends with when the error reaches it: 1 failed, 3 not found or not connected, 4 refused.
    """

    exit_code = 1


class NotFoundError(BarbotageError):
    """Something named by the user is not there."""

    exit_code = 3


class RefusedError(BarbotageError):
    """Refused for safety, version or signature."""

    exit_code = 4


class CardError(RefusedError):
    """The model and its card do not belong together, or the card is malformed."""


class InvalidInputError(BarbotageError):
    """A value or array is outside what the function accepts."""
