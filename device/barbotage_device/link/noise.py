"""The Noise handshakes XX and XXpsk3 over Curve25519, ChaCha20-Poly1305 and SHA-256 (Noise protocol framework, revision 34)."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from barbotage_device.link.errors import MalformedError
from barbotage_device.link.sealing import nonce_of

KEY_BYTES = 32
TAG_BYTES = 16
Token = Literal["e", "s", "ee", "es", "se", "psk"]
XX: tuple[tuple[Token, ...], ...] = (("e",), ("e", "ee", "s", "es"), ("s", "se"))
XX_PSK3: tuple[tuple[Token, ...], ...] = (*XX[:2], (*XX[2], "psk"))


def public_key(private: X25519PrivateKey) -> bytes:
    """The 32 bytes of the public key."""
    return private.public_key().public_bytes_raw()


@dataclass(frozen=True, slots=True)
class TransportKeys:
    """What a handshake ends in: keys of both directions and the hash that binds to it."""

    host_to_device: bytes
    device_to_host: bytes
    handshake_hash: bytes


def _hkdf(chaining_key: bytes, material: bytes, outputs: int) -> list[bytes]:
    secret = hmac.digest(chaining_key, material, "sha256")
    blocks = [b""]
    for index in range(1, outputs + 1):
        blocks.append(hmac.digest(secret, blocks[-1] + bytes((index,)), "sha256"))
    return blocks[1:]


class _Symmetric:
    """The framework's SymmetricState with its CipherState."""

    def __init__(self, name: bytes, prologue: bytes) -> None:
        self.hash = name.ljust(32, b"\0") if len(name) <= 32 else hashlib.sha256(name).digest()
        self.chaining_key = self.hash
        self.key: bytes | None = None
        self.counter = 0
        self.mix_hash(prologue)

    def mix_hash(self, data: bytes) -> None:
        self.hash = hashlib.sha256(self.hash + data).digest()

    def mix_key(self, material: bytes) -> None:
        self.chaining_key, self.key = _hkdf(self.chaining_key, material, 2)
        self.counter = 0

    def mix_key_and_hash(self, material: bytes) -> None:
        self.chaining_key, mixed, self.key = _hkdf(self.chaining_key, material, 3)
        self.mix_hash(mixed)
        self.counter = 0

    def seal(self, plain: bytes) -> bytes:
        sealed = plain if self.key is None else ChaCha20Poly1305(self.key).encrypt(self._nonce(), plain, self.hash)
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed: bytes) -> bytes:
        try:
            plain = sealed if self.key is None else ChaCha20Poly1305(self.key).decrypt(self._nonce(), sealed, self.hash)
        except InvalidTag as error:
            raise MalformedError("a handshake message does not open") from error
        self.mix_hash(sealed)
        return plain

    def _nonce(self) -> bytes:
        self.counter += 1
        return nonce_of(self.counter - 1)


class Handshake:
    """One side of a handshake. ``write`` and ``read`` alternate; the initiator (the host) writes first.

    ``psk`` (32 bytes) makes it XXpsk3. ``new_key`` makes ephemeral keys; tests hand in known ones. A handshake that raised is void.
    """

    def __init__(
        self,
        initiator: bool,
        static: X25519PrivateKey,
        prologue: bytes,
        psk: bytes | None = None,
        new_key: Callable[[], X25519PrivateKey] = X25519PrivateKey.generate,
    ) -> None:
        self._initiator = initiator
        self._static = static
        self._psk = psk
        self._new_key = new_key
        self._pattern = XX if psk is None else XX_PSK3
        name = b"Noise_XX%s_25519_ChaChaPoly_SHA256" % (b"" if psk is None else b"psk3")
        self._state = _Symmetric(name, prologue)
        self._ephemeral: X25519PrivateKey | None = None
        self._remote_ephemeral: bytes | None = None
        self.remote_static: bytes | None = None
        self.step = 0

    @property
    def done(self) -> bool:
        """Whether all messages have passed."""
        return self.step == len(self._pattern)

    def write(self, payload: bytes = b"") -> bytes:
        """The next message."""
        parts = [self._write_token(token) for token in self._pattern[self.step]]
        self.step += 1
        return b"".join(parts) + self._state.seal(payload)

    def read(self, message: bytes) -> bytes:
        """The payload of the other side's next message. Raises MalformedError when it is not genuine."""
        for token in self._pattern[self.step]:
            message = message[self._read_token(token, message) :]
        payload = self._state.open(message)
        self.step += 1
        return payload

    def split(self) -> TransportKeys:
        """The transport keys, once done."""
        first, second = _hkdf(self._state.chaining_key, b"", 2)
        return TransportKeys(first, second, self._state.hash)

    def _write_token(self, token: Token) -> bytes:
        if token == "e":  # noqa: S105
            self._ephemeral = self._new_key()
            public = public_key(self._ephemeral)
            self._mix_ephemeral(public)
            return public
        if token == "s":  # noqa: S105
            return self._state.seal(public_key(self._static))
        self._mix_secret(token)
        return b""

    def _read_token(self, token: Token, message: bytes) -> int:
        if token in ("e", "s"):
            length = KEY_BYTES + (TAG_BYTES if token == "s" and self._state.key is not None else 0)  # noqa: S105
            if len(message) < length:
                raise MalformedError("a handshake message is too short")
            if token == "e":  # noqa: S105
                self._remote_ephemeral = message[:length]
                self._mix_ephemeral(message[:length])
            else:
                self.remote_static = self._state.open(message[:length])
            return length
        self._mix_secret(token)
        return 0

    def _mix_ephemeral(self, public: bytes) -> None:
        self._state.mix_hash(public)
        if self._psk is not None:
            self._state.mix_key(public)

    def _mix_secret(self, token: Token) -> None:
        if token == "psk":  # noqa: S105
            self._state.mix_key_and_hash(self._psk or b"")
            return
        # "es": the initiator's ephemeral with the responder's static key; "se" the other way round.
        own_static = token != "ee" and (token[0] == "s") == self._initiator  # noqa: S105
        remote_static = token != "ee" and not own_static  # noqa: S105
        own = self._static if own_static else self._ephemeral
        remote = self.remote_static if remote_static else self._remote_ephemeral
        if own is None or remote is None:
            raise MalformedError("a handshake message came out of turn")
        try:
            self._state.mix_key(own.exchange(X25519PublicKey.from_public_bytes(remote)))
        except ValueError as error:  # a public key of small order gives an all-zero secret
            raise MalformedError("a handshake message holds a worthless key") from error
