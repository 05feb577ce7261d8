"""Pairing by a code on the device's screen: SPAKE2 turns the code into a strong key, tries are few (docs/protocol.md, section 6). No clock."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from spake2 import SPAKE2_A, SPAKE2_B, SPAKEError

from barbotage_device.link.errors import CallError, Code, MalformedError
from barbotage_device.link.roles import Role

CODE_DIGITS = 8
CODE_VALID_S = 60.0
TRIES = 3
REST_S = 60.0
REST_MAX_S = 3600.0
HOST_IDENTITY = b"barbotage host"
DEVICE_IDENTITY = b"barbotage device"


def random_code() -> str:
    """A code of 8 digits."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


class PairingScreen(Protocol):
    """Where the person at the device sees the code."""

    def show_code(self, code: str, name: str, role: Role, valid_s: float) -> None:
        """Shows ``code``, and who asks for what."""
        ...

    def hide_code(self, paired: bool) -> None:
        """Takes the code away; ``paired`` tells whether it was used well."""
        ...


class HostPairing:
    """The host's half of SPAKE2."""

    def __init__(self, code: str) -> None:
        self._spake = SPAKE2_A(code.encode("ascii"), idA=HOST_IDENTITY, idB=DEVICE_IDENTITY)
        self.message: bytes = self._spake.start()

    def finish(self, message: bytes) -> bytes:
        """The key of 32 bytes; equal at both ends only when the code was. Raises MalformedError."""
        return _finish(self._spake, message)


def _finish(spake: SPAKE2_A | SPAKE2_B, message: bytes) -> bytes:
    try:
        return bytes(spake.finish(message))
    except (SPAKEError, ValueError, AssertionError) as error:
        raise MalformedError("the other end's pairing message makes no sense") from error


@dataclass(slots=True)
class _Offer:
    code: str
    name: str
    role: Role
    ends_s: float
    tries: int = 0
    psk: bytes | None = None


class PairingDesk:
    """The device's half: hands out codes, counts tries, rests after failures."""

    def __init__(
        self,
        screen: PairingScreen,
        new_code: Callable[[], str] = random_code,
        in_procedure: Callable[[], bool] = lambda: False,
    ) -> None:
        """``in_procedure``: no code is shown while a procedure is running."""
        self._screen = screen
        self._new_code = new_code
        self._in_procedure = in_procedure
        self._offer: _Offer | None = None
        self._rest_until_s = 0.0
        self._rest_s = REST_S

    def start(self, name: str, role: Role, now_s: float) -> dict[str, object]:
        """Shows a new code. The same host asking again while its code is valid keeps it.

        Raises CallError during a procedure and while resting.
        """
        self.tick(now_s)
        if self._in_procedure():
            raise CallError(Code.BUSY, "a procedure is running; the device pairs when it has ended")
        if now_s < self._rest_until_s:
            raise CallError(Code.BUSY, f"too many wrong codes; pairing rests for {self._rest_until_s - now_s:.0f} s")
        if self._offer is None or (self._offer.name, self._offer.role) != (name, role):
            self._offer = _Offer(self._new_code(), name, role, now_s + CODE_VALID_S, self._offer.tries if self._offer else 0)
            self._screen.show_code(self._offer.code, name, role, CODE_VALID_S)
        return {"digits": CODE_DIGITS, "valid_s": round(self._offer.ends_s - now_s)}

    def step(self, message: bytes, now_s: float) -> dict[str, object]:
        """Answers the host's SPAKE2 message; this is a try. Raises CallError."""
        self.tick(now_s)
        offer = self._offer
        if offer is None:
            raise CallError(Code.NOT_FOUND, "no code is shown; start pairing again")
        if offer.tries >= TRIES:
            self._void(now_s)
            raise CallError(Code.BUSY, f"{TRIES} wrong codes; pairing rests for {self._rest_until_s - now_s:.0f} s")
        offer.tries += 1
        spake = SPAKE2_B(offer.code.encode("ascii"), idA=HOST_IDENTITY, idB=DEVICE_IDENTITY)
        answer: bytes = spake.start()
        try:
            offer.psk = _finish(spake, message)
        except MalformedError as error:
            raise CallError(Code.BAD_REQUEST, str(error)) from error
        return {"spake": answer}

    def take_psk(self, now_s: float) -> bytes | None:
        """The key for one handshake; None when there is no try under way."""
        self.tick(now_s)
        psk = self._offer.psk if self._offer else None
        if self._offer:
            self._offer.psk = None
        return psk

    def succeeded(self) -> tuple[str, Role] | None:
        """Ends the offer after a handshake with its key; who was paired. None when it has run out meanwhile."""
        offer, self._offer = self._offer, None
        if offer is None:
            return None
        self._rest_s = REST_S
        self._screen.hide_code(paired=True)
        return offer.name, offer.role

    def failed(self, now_s: float) -> None:
        """A handshake with the key failed: the code was wrong."""
        if self._offer and self._offer.tries >= TRIES:
            self._void(now_s)

    def tick(self, now_s: float) -> None:
        """Takes a code away whose time is over."""
        if self._offer and now_s >= self._offer.ends_s:
            if self._offer.tries >= TRIES:
                self._void(now_s)
            else:
                self._offer = None
                self._screen.hide_code(paired=False)

    def _void(self, now_s: float) -> None:
        self._offer = None
        self._rest_until_s = now_s + self._rest_s
        self._rest_s = min(REST_MAX_S, self._rest_s * 2)
        self._screen.hide_code(paired=False)
