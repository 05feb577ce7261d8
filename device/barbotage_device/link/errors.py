"""Errors of the link, and the codes that travel in answers (docs/protocol.md, section 2)."""

from enum import IntEnum

from barbotage_device.errors import BarbotageError, NotFoundError, RefusedError


class Code(IntEnum):
    """Why a request failed, as the other end says it."""

    BAD_REQUEST = 1
    UNKNOWN_METHOD = 2
    NOT_PAIRED = 3
    FORBIDDEN = 4
    BUSY = 5
    NOT_FOUND = 6
    STALE_HANDLE = 7
    REVISION_CONFLICT = 8
    NO_SPACE = 9
    BAD_SIGNATURE = 10
    INPUT_OUTPUT = 11
    UNSUPPORTED_VERSION = 12


class LinkError(BarbotageError):
    """The link does not do what was asked; the message says what to do."""


class MalformedError(LinkError):
    """Bytes that are not what the protocol says; counted and dropped by who receives them."""


class LinkLostError(NotFoundError, LinkError):
    """Nothing comes from the other end any more, or the port is gone; it may come back."""


class PeerRefusedError(RefusedError, LinkError):
    """The other end is not who it was, does not know us, or must be updated."""


class AnswerError(LinkError):
    """The other end answered a request with an error: ``code`` is a Code or a number of a newer version."""

    def __init__(self, code: int, text: str, method: str = "") -> None:
        self.code = code
        self.text = text
        super().__init__(f"{method}: {text}" if method else text)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """3 for what is not there, 4 for what is refused, else 1."""
        if self.code in (Code.NOT_FOUND, Code.STALE_HANDLE):
            return NotFoundError.exit_code
        return RefusedError.exit_code if self.code in _REFUSALS else LinkError.exit_code


_REFUSALS = (
    Code.NOT_PAIRED,
    Code.FORBIDDEN,
    Code.BUSY,
    Code.REVISION_CONFLICT,
    Code.BAD_SIGNATURE,
    Code.UNSUPPORTED_VERSION,
)


class CallError(BarbotageError):
    """Raised by what serves a request: answered to the other end with ``code`` and the message."""

    def __init__(self, code: Code, text: str) -> None:
        self.code = code
        super().__init__(text)
