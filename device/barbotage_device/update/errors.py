"""Errors of updates; all of them are refusals (exit code 4)."""

from barbotage_device.errors import RefusedError


class UpdateError(RefusedError):
    """An update is refused; the message says why and what to do."""


class SignatureError(UpdateError):
    """The signature is missing, wrong, or of a key that is not trusted."""


class UpdateBusyError(UpdateError):
    """Another program changes the updates of this device right now, or a procedure is running."""
