import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support.bundles import FOREIGN_KEY, KEY

from barbotage_device.update.errors import SignatureError
from barbotage_device.update.minisign import parse_public_key, parse_secret_key, parse_signature

DATA = Path(__file__).parents[2] / "data" / "update"
MESSAGE = (DATA / "message.txt").read_bytes()
MINISIGN = shutil.which("minisign")


def text(name: str) -> str:
    return (DATA / name).read_text(encoding="utf-8")


def test_a_signature_of_the_program_minisign_verifies() -> None:
    signature = parse_signature(text("prehashed.minisig"))
    key = parse_public_key(text("vector.pub"))
    assert signature.verify(MESSAGE, key) == "barbotage model vector 1.0 security-version 3"
    assert f"public key {key.name}" in text("vector.pub")


def test_a_secret_key_of_the_program_signs_what_its_public_key_verifies() -> None:
    secret, public = parse_secret_key(text("vector.key")), parse_public_key(text("vector.pub"))
    assert secret.public == public
    assert parse_secret_key(secret.encode()) == secret
    assert parse_signature(secret.sign(b"other", "words")).verify(b"other", public) == "words"


def test_ed25519_is_deterministic_so_that_signatures_are_those_of_the_program_byte_for_byte() -> None:
    made = parse_secret_key(text("vector.key")).sign(MESSAGE, "barbotage model vector 1.0 security-version 3")
    assert made.splitlines()[1:] == text("prehashed.minisig").splitlines()[1:]


def test_what_was_changed_does_not_verify() -> None:
    key = parse_public_key(text("vector.pub"))
    whole = text("prehashed.minisig")
    with pytest.raises(SignatureError, match="changed after it was signed"):
        parse_signature(whole).verify(MESSAGE + b" ", key)
    with pytest.raises(SignatureError, match="changed after it was signed"):
        parse_signature(whole.replace("security-version 3", "security-version 4")).verify(MESSAGE, key)
    with pytest.raises(SignatureError, match="not of key"):
        parse_signature(whole).verify(MESSAGE, KEY.public)


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (text("legacy.minisig"), "legacy form"),
        ("", "not one of minisign"),
        ("untrusted comment: x\nRUQ\ntrusted comment: y\nRUQ", "base64"),
        ("untrusted comment: x\nRUQA\ntrusted comment: y\nRUQA", "wrong length"),
        (text("prehashed.minisig").replace("trusted comment", "comment", 2), "not one of minisign"),
    ],
    ids=["legacy", "empty", "base64", "short", "no trusted comment"],
)
def test_what_is_no_prehashed_signature_is_refused(spoilt: str, why: str) -> None:
    with pytest.raises(SignatureError, match=why):
        parse_signature(spoilt)


@pytest.mark.parametrize("spoilt", ["", "RW", "words", text("vector.key"), text("prehashed.minisig")])
def test_what_is_no_public_key_is_refused(spoilt: str) -> None:
    with pytest.raises(SignatureError):
        parse_public_key(spoilt)


def test_a_secret_key_with_a_password_is_refused_with_the_way_out() -> None:
    import base64

    body = bytearray(base64.b64decode(KEY.encode().splitlines()[1]))
    body[2:4] = b"Sc"
    with pytest.raises(SignatureError, match="sign with minisign itself"):
        parse_secret_key(f"untrusted comment: x\n{base64.b64encode(bytes(body)).decode()}\n")


def test_keys_survive_windows_line_ends_and_a_bare_second_line() -> None:
    assert parse_public_key(KEY.public.encode().replace("\n", "\r\n")) == KEY.public
    assert parse_public_key(FOREIGN_KEY.public.encode().splitlines()[1]) == FOREIGN_KEY.public


@pytest.mark.skipif(MINISIGN is None, reason="the program minisign is not installed")
def test_the_program_minisign_verifies_our_signatures_and_signs_for_us(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(MESSAGE)
    (tmp_path / "k.pub").write_text(KEY.public.encode())
    (tmp_path / "k.key").write_text(KEY.encode())
    (tmp_path / "m.minisig").write_text(KEY.sign(MESSAGE, "said"))
    seen = subprocess.run(["minisign", "-V", "-p", "k.pub", "-m", "m"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Trusted comment: said" in seen.stdout
    subprocess.run(["minisign", "-S", "-s", "k.key", "-m", "m", "-t", "again"], cwd=tmp_path, capture_output=True, check=True)
    assert parse_signature((tmp_path / "m.minisig").read_text()).verify(MESSAGE, KEY.public) == "again"
