"""Errors of the device package; see BarbotageError for the exit codes."""

from barbotage_models.errors import BarbotageError, InvalidInputError, NotFoundError, RefusedError

__all__ = [
    "BarbotageError",
    "ConfigError",
    "InvalidInputError",
    "NotFoundError",
    "RefusedError",
    "SourceError",
    "SourceLostError",
    "UsageError",
]


class UsageError(BarbotageError):
    """What was asked for is not a valid request (a malformed SRC, an option out of bounds)."""

    exit_code = 2


class ConfigError(BarbotageError):
    """A configuration file is malformed; the message names file and key."""

    exit_code = 2


class SourceError(BarbotageError):
    """A source exists but its content cannot be used."""


class SourceLostError(BarbotageError):
    """A live source went away (unplugged, stream ended unexpectedly); it may come back."""

    exit_code = 3
