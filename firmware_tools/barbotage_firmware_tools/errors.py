"""Errors of the pod's tools; see BarbotageError for the exit codes."""

from barbotage_device.errors import BarbotageError


class BuildError(BarbotageError):
    """A compiler or a package manager failed; the message names its log or its last line."""


class PodToolError(BarbotageError):
    """A pod was reached and did not do what was asked."""
