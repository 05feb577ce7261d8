"""Keys and signatures in the format of minisign (https://jedisct1.github.io/minisign/): Ed25519 over a BLAKE2b-512 digest. No I/O.

Only the prehashed form ("ED") is made and taken; the legacy form ("Ed") is refused. Secret keys are those of ``minisign -G -W``: without a password.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from barbotage_device.update.errors import SignatureError

KEY_ALGORITHM = b"Ed"
PREHASHED = b"ED"
CHECKSUM_ALGORITHM = b"B2"
KEY_ID_BYTES = 8
SEED_BYTES = 32
SECRET_BYTES = 158
"""2 signature algorithm, 2 derivation, 2 checksum algorithm, 48 salt and limits, 8 key id, 64 secret key, 32 checksum."""
SECRET_AT = 54
SIGNATURE_BYTES = 64
UNTRUSTED = "untrusted comment: "
TRUSTED = "trusted comment: "


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key. ``id`` is 8 bytes drawn when the pair was made."""

    id: bytes
    key: bytes

    @property
    def name(self) -> str:
        """The id as minisign prints it: 16 hexadecimal digits."""
        return f"{int.from_bytes(self.id, 'little'):016X}"

    def encode(self) -> str:
        """The text of a ``.pub`` file."""
        body = base64.b64encode(KEY_ALGORITHM + self.id + self.key).decode()
        return f"{UNTRUSTED}minisign public key {self.name}\n{body}\n"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A secret key: its id and the seed of the Ed25519 key."""

    id: bytes
    seed: bytes

    @property
    def public(self) -> PublicKey:
        """Its public key."""
        return PublicKey(self.id, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def encode(self) -> str:
        """The text of a secret key file without a password, as ``minisign -G -W`` writes it."""
        head = KEY_ALGORITHM + b"\0\0" + CHECKSUM_ALGORITHM + bytes(SECRET_AT - 6)
        body = head + self.id + self.seed + self.public.key + bytes(SECRET_BYTES - SECRET_AT - KEY_ID_BYTES - 2 * SEED_BYTES)
        return f"{UNTRUSTED}minisign secret key {self.public.name}, without a password\n{base64.b64encode(body).decode()}\n"

    def sign(self, data: bytes, trusted_comment: str) -> str:
        """The text of a ``.minisig`` file for ``data``. Raises ValueError for a comment of more than one line."""
        if "\n" in trusted_comment or "\r" in trusted_comment:
            raise ValueError("a trusted comment is one line")
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        signature = key.sign(_prehash(data))
        whole = key.sign(signature + trusted_comment.encode())
        body = base64.b64encode(PREHASHED + self.id + signature).decode()
        return f"{UNTRUSTED}signature of a Barbotage bundle\n{body}\n{TRUSTED}{trusted_comment}\n{base64.b64encode(whole).decode()}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as read, not yet verified."""

    key_id: bytes
    signature: bytes
    trusted_comment: str
    comment_signature: bytes

    @property
    def key_name(self) -> str:
        """The id of the key that it says it is of, as minisign prints it."""
        return PublicKey(self.key_id, b"").name

    def verify(self, data: bytes, key: PublicKey) -> str:
        """The trusted comment, once data and comment are proved to be signed with ``key``. Raises SignatureError."""
        if self.key_id != key.id:
            raise SignatureError(f"the signature is of key {self.key_name}, not of key {key.name}")
        public = Ed25519PublicKey.from_public_bytes(key.key)
        try:
            public.verify(self.signature, _prehash(data))
            public.verify(self.comment_signature, self.signature + self.trusted_comment.encode())
        except InvalidSignature:
            raise SignatureError(
                f"the signature of key {self.key_name} is wrong: the bundle was changed after it was signed"
            ) from None
        return self.trusted_comment


def parse_public_key(text: str) -> PublicKey:
    """The key in the text of a ``.pub`` file, or in its second line alone. Raises SignatureError."""
    body = _decoded(_lines(text)[-1], "a minisign public key")
    if len(body) != 2 + KEY_ID_BYTES + 32 or body[:2] != KEY_ALGORITHM:
        raise SignatureError("that is not a minisign public key (two lines, the second begins with RW)")
    return PublicKey(body[2:10], body[10:])


def parse_secret_key(text: str) -> SecretKey:
    """The key in the text of a secret key file without a password. Raises SignatureError."""
    body = _decoded(_lines(text)[-1], "a minisign secret key")
    if len(body) != SECRET_BYTES or body[:2] != KEY_ALGORITHM or body[4:6] != CHECKSUM_ALGORITHM:
        raise SignatureError("that is not a minisign secret key")
    if body[2:4] != b"\0\0":
        raise SignatureError("the secret key has a password; pack without --key and sign with minisign itself (docs/update.md)")
    at = SECRET_AT + KEY_ID_BYTES
    return SecretKey(body[SECRET_AT:at], body[at : at + SEED_BYTES])


def parse_signature(text: str) -> Signature:
    """The signature in the text of a ``.minisig`` file. Raises SignatureError."""
    lines = _lines(text)
    if len(lines) != 4 or not lines[0].startswith(UNTRUSTED.strip()) or not lines[2].startswith(TRUSTED):
        raise SignatureError("the signature is not one of minisign (four lines with a trusted comment)")
    body, whole = (_decoded(lines[index], "a minisign signature") for index in (1, 3))
    if body[:2] == KEY_ALGORITHM:
        raise SignatureError("the signature is in minisign's legacy form; sign without -l")
    if len(body) != 2 + KEY_ID_BYTES + SIGNATURE_BYTES or body[:2] != PREHASHED or len(whole) != SIGNATURE_BYTES:
        raise SignatureError("the signature is not one of minisign (wrong length or algorithm)")
    return Signature(body[2:10], body[10:], lines[2].removeprefix(TRUSTED), whole)


def _prehash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=64).digest()


def _lines(text: str) -> list[str]:
    lines = [line.rstrip("\r") for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines or [""]


def _decoded(line: str, what: str) -> bytes:
    try:
        return base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureError(f"that is not {what}: its base64 cannot be read") from None
