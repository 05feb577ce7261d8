import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.bundles import (
    FOREIGN_KEY,
    KEY,
    make_model_bundle,
    make_software_bundle,
    make_store,
    make_wheel,
    pack_wheel,
    record_of,
    rewrite,
    with_kind,
)

from barbotage_device.errors import NotFoundError
from barbotage_device.update.bundle import MAX_BUNDLE_BYTES
from barbotage_device.update.errors import SignatureError, UpdateBusyError, UpdateError
from barbotage_device.update.manifest import MANIFEST_NAME, SIGNATURE_NAME, BundleManifest, Kind
from barbotage_device.update.staging import stage
from barbotage_device.update.store import UpdateStore
from barbotage_device.update.trust import TrustedKeys

Members = dict[str, bytes]


def staged(state: Path, bundle: Path) -> str:
    store, keys = make_store(state)
    stage(store, keys, bundle)
    slot = store.load().model.candidate or store.load().software.candidate
    assert slot is not None
    return slot.folder


def refusal(state: Path, bundle: Path) -> str:
    """Why a bundle is refused; nothing of it may be left where it could be used."""
    store, keys = make_store(state)
    with pytest.raises(UpdateError) as caught:
        stage(store, keys, bundle)
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)
    updates = store.load()
    assert not updates.model.slots
    assert not updates.software.slots
    seen = [path for kind in Kind for path in store.root(kind).glob("[!.]*")]
    assert not seen
    return str(caught.value)


def test_a_model_is_staged_with_its_card_and_its_signature(tmp_path: Path) -> None:
    folder = staged(tmp_path / "state", make_model_bundle(tmp_path))
    names = {path.name for path in (tmp_path / "state" / "models" / folder).iterdir()}
    assert names == {"small.tflite", "small.card.json", MANIFEST_NAME, SIGNATURE_NAME}


def test_software_is_unpacked_under_its_version(tmp_path: Path) -> None:
    folder = staged(tmp_path / "state", make_software_bundle(tmp_path, "9.0"))
    assert folder.startswith("9.0-")
    assert (tmp_path / "state" / "software" / folder / "barbotage_device" / "cli.py").read_text() == "VERSION = '9.0'\n"


def test_nothing_is_taken_without_a_trusted_key(tmp_path: Path) -> None:
    bundle = make_model_bundle(tmp_path)
    with pytest.raises(SignatureError, match="barbotage-device update trust"):
        stage(UpdateStore(tmp_path / "state"), TrustedKeys(tmp_path / "state"), bundle)
    assert "which this device does not trust" in refusal(tmp_path / "other", make_model_bundle(tmp_path, key=FOREIGN_KEY))
    assert "not signed" in refusal(tmp_path / "third", make_model_bundle(tmp_path, key=None))


def test_a_key_that_is_trusted_no_more_opens_nothing(tmp_path: Path) -> None:
    store, keys = make_store(tmp_path / "state")
    keys.remove(KEY.public.name.lower())
    keys.add(FOREIGN_KEY.public)
    with pytest.raises(SignatureError):
        stage(store, keys, make_model_bundle(tmp_path))
    with pytest.raises(NotFoundError):
        keys.remove(KEY.public.name)


def _changed(name: str, old: bytes, new: bytes) -> Callable[[Members], Members]:
    def change(members: Members) -> Members:
        assert old in members[name]
        return {**members, name: members[name].replace(old, new)}

    return change


def _foreign_signature(members: Members) -> Members:
    manifest = json.loads(members[MANIFEST_NAME])
    comment = f"barbotage model {manifest['name']} {manifest['version']} security-version 1"
    forged = replace(FOREIGN_KEY, id=KEY.id).sign(members[MANIFEST_NAME], comment)
    return {**members, SIGNATURE_NAME: forged.encode()}


def _other_comment(members: Members) -> Members:
    return {**members, SIGNATURE_NAME: KEY.sign(members[MANIFEST_NAME], "some other file").encode()}


FAULTS: dict[str, tuple[Callable[[Members], Members], str]] = {
    "payload changed": (_changed("small.tflite", b"network", b"netw0rk"), "does not have the digest"),
    "payload longer": (lambda m: {**m, "small.tflite": m["small.tflite"] + b"x"}, "differ in small.tflite"),
    "manifest changed": (
        _changed(MANIFEST_NAME, b'"security_version": 1', b'"security_version": 9'),
        "changed after it was signed",
    ),
    "forged under a known id": (_foreign_signature, "changed after it was signed"),
    "comment of another file": (_other_comment, "trusted comment"),
    "signature cut": (lambda m: {**m, SIGNATURE_NAME: m[SIGNATURE_NAME][:80]}, "not one of minisign"),
    "signature missing": (lambda m: {name: m[name] for name in m if name != SIGNATURE_NAME}, "not signed"),
    "manifest missing": (lambda m: {name: m[name] for name in m if name != MANIFEST_NAME}, "no manifest.json"),
    "payload missing": (lambda m: {name: m[name] for name in m if name != "small.tflite"}, "differ in small.tflite"),
    "payload added": (lambda m: {**m, "more.bin": b"x"}, "differ in more.bin"),
    "path upwards": (lambda m: {**m, "../evil": b"x"}, "only plain file names"),
    "absolute path": (lambda m: {**m, "/etc/evil": b"x"}, "only plain file names"),
    "hidden file": (lambda m: {**m, ".evil": b"x"}, "only plain file names"),
    "backslash": (lambda m: {**m, "..\\evil": b"x"}, "only plain file names"),
    "a thousand members": (lambda m: m | {f"f{index}": b"" for index in range(1000)}, "members"),
    "huge manifest": (lambda m: {**m, MANIFEST_NAME: bytes(300_000)}, "at most"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bundle_that_was_tampered_with_is_refused(tmp_path: Path, fault: str) -> None:
    change, why = FAULTS[fault]
    assert why in refusal(tmp_path / "state", rewrite(make_model_bundle(tmp_path), change))


def test_a_bundle_cut_at_any_length_is_refused(tmp_path: Path) -> None:
    whole = make_model_bundle(tmp_path).read_bytes()
    for length in [*range(0, len(whole), 997), len(whole) - 1]:
        cut = tmp_path / "cut.barbotage"
        cut.write_bytes(whole[:length])
        assert refusal(tmp_path / "state", cut)


def test_any_flipped_byte_of_the_content_is_noticed(tmp_path: Path) -> None:
    """Bytes of the container that change nothing may stay; then what is staged is what was signed."""
    path = make_model_bundle(tmp_path, content=b"the weights")
    whole = bytearray(path.read_bytes())
    store, keys = make_store(tmp_path / "state")
    taken = 0
    for index in range(0, len(whole), 43):
        whole[index] ^= 0x55
        path.write_bytes(whole)
        try:
            stage(store, keys, path)
            taken += 1
        except UpdateError:
            pass
        whole[index] ^= 0x55
        for each in store.root(Kind.MODEL).glob("small-*/small.tflite"):
            assert each.read_bytes() == b"the weights"
    assert taken < len(whole) / 43 / 4


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    def declare(manifest: BundleManifest) -> BundleManifest:
        huge = replace(manifest.files[0], bytes=1 << 40)
        return replace(manifest, files=(huge, *manifest.files[1:]))

    assert "whole number" in refusal(tmp_path / "state", make_model_bundle(tmp_path, change=declare))
    bomb = tmp_path / "bomb.barbotage"
    with bomb.open("wb") as file:
        file.truncate(MAX_BUNDLE_BYTES + 1)
    assert "at most" in refusal(tmp_path / "state", bomb)


@pytest.mark.parametrize(
    ("version", "security_version", "fits"), [("2.0", 5, True), ("2.0", 6, True), ("2.0", 4, False), ("0.5", 5, True)]
)
def test_the_security_version_never_goes_down(tmp_path: Path, version: str, security_version: int, fits: bool) -> None:
    store, keys = make_store(tmp_path / "state")
    updates = store.load()
    updates.model.highest_security_version = 5
    store.save(updates)
    bundle = make_model_bundle(tmp_path, version, security_version)
    if fits:
        stage(store, keys, bundle)
    else:
        with pytest.raises(UpdateError, match="never goes below"):
            stage(store, keys, bundle)


MISFITS: dict[str, tuple[Callable[[BundleManifest], BundleManifest], str]] = {
    "other contract": (
        lambda m: replace(m, requires={"contract": {**m.requires["contract"], "input": {"size_px": 512}}}),
        "needs input",
    ),
    "no contract": (lambda m: replace(m, requires={}), "which contract"),
    "kind": (with_kind(Kind.SOFTWARE), "exactly one .whl"),
    "other version than the card": (lambda m: replace(m, version="7"), "the card is of"),
    "name of a folder": (lambda m: replace(m, name="../escape"), "letters, digits"),
    "negative security version": (lambda m: replace(m, security_version=-1), "whole number"),
    "a file twice": (lambda m: replace(m, files=(*m.files, m.files[0])), "twice"),
    "no files": (lambda m: replace(m, files=()), "1 to"),
    "format of the future": (lambda m: m, "update the older end"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_signed_bundle_that_does_not_fit_is_refused(tmp_path: Path, misfit: str) -> None:
    change, why = MISFITS[misfit]
    path = make_model_bundle(tmp_path, change=change)
    if misfit == "format of the future":

        def newer(members: Members) -> Members:
            manifest = members[MANIFEST_NAME].replace(b'"schema_version": 1', b'"schema_version": 2')
            comment = "barbotage model small 1.0 security-version 1"
            return {**members, MANIFEST_NAME: manifest, SIGNATURE_NAME: KEY.sign(manifest, comment).encode()}

        path = rewrite(path, newer)
    assert why in refusal(tmp_path / "state", path)


@pytest.mark.parametrize(
    ("requires", "why"),
    [
        (("absent-distribution>=1",), "absent-distribution >=1 (not installed)"),
        (("numpy<1",), "numpy <1 (installed"),
        (("absent; extra == 'device'",), "not installed"),
        (("numpy @ file:///tmp/x",), "cannot be understood"),
    ],
)
def test_software_that_needs_what_is_not_installed_is_refused(tmp_path: Path, requires: tuple[str, ...], why: str) -> None:
    assert why in refusal(tmp_path / "state", make_software_bundle(tmp_path, requires=requires))


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("../evil.py", "", "does not belong"),
        ("/etc/evil.py", "", "does not belong"),
        ("barbotage_device/../../evil.py", "", "does not belong"),
        ("numpy/__init__.py", "", "does not belong"),
        ("evil.pth", "import os", "does not belong"),
        ("barbotage_device/fast.so", "", "does not belong"),
        ("barbotage-9.0.data/scripts/evil", "", "does not belong"),
        ("barbotage_device/CLI.py", "", "same name"),
    ],
)
def test_a_wheel_with_what_does_not_belong_there_is_refused(tmp_path: Path, name: str, content: str, why: str) -> None:
    wheel = make_wheel(tmp_path, "9.0", {"barbotage_device/cli.py": ""})
    bundle = pack_wheel(wheel)
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(name, content)
    assert why in refusal(tmp_path / "state", resigned(bundle, wheel))


def test_a_wheel_with_compiled_code_or_a_wrong_record_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "9.0", {"barbotage_device/cli.py": "x = 1"})
    bundle = pack_wheel(wheel)
    for name, change, why in [
        ("barbotage-9.0.dist-info/WHEEL", (b"true", b"false"), "compiled code"),
        ("barbotage_device/cli.py", (b"x = 1", b"x = 2"), "digest of its RECORD"),
        ("barbotage-9.0.dist-info/METADATA", (b"Name: barbotage", b"Name: other"), "not of barbotage"),
        ("barbotage-9.0.dist-info/METADATA", (b">=3.11", b">=3.10"), "not those of the wheel"),
    ]:
        good = wheel.read_bytes()

        def change_member(members: Members, name: str = name, change: tuple[bytes, bytes] = change) -> Members:
            spoilt = {**members, name: members[name].replace(*change)}
            if "METADATA" in name:
                info = name.split("/")[0]
                record = f"{info}/RECORD"
                spoilt[record] = record_of({each: spoilt[each] for each in spoilt if each != record}, info)
            return spoilt

        assert why in refusal(tmp_path / "state", resigned(bundle, rewrite(wheel, change_member)))
        wheel.write_bytes(good)


def resigned(bundle: Path, wheel: Path) -> Path:
    """The bundle with another wheel in it, its digest and signature right: what only the checks of the wheel can refuse."""
    import hashlib

    def change(members: Members) -> Members:
        data = wheel.read_bytes()
        manifest = json.loads(members[MANIFEST_NAME])
        manifest["files"] = [{"name": wheel.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}]
        document = json.dumps(manifest).encode()
        comment = f"barbotage software barbotage {manifest['version']} security-version 1"
        return {wheel.name: data, MANIFEST_NAME: document, SIGNATURE_NAME: KEY.sign(document, comment).encode()}

    return rewrite(bundle, change)


def test_two_programs_never_change_updates_at_once(tmp_path: Path) -> None:
    store, keys = make_store(tmp_path / "state")
    with store.locked(), pytest.raises(UpdateBusyError):
        stage(store, keys, make_model_bundle(tmp_path))


def test_a_damaged_state_is_said_and_changes_nothing(tmp_path: Path) -> None:
    store, keys = make_store(tmp_path / "state")
    store.save(store.load())
    path = tmp_path / "state" / "update" / "state.json"
    for spoilt in (b"", b"{}", b'{"model": 3}', path.read_bytes().replace(b'"tries"', b'"trees"')):
        path.write_bytes(spoilt)
        with pytest.raises(UpdateError, match="is damaged"):
            stage(store, keys, make_model_bundle(tmp_path))
        assert path.read_bytes() == spoilt
