"""Sessions open in somebody else's viewer, whole and cut: rerun reads pictures and telemetry."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.sessions import Script, write_session

from barbotage_device.runtime.recording.keyframes import make_keyframes

pytestmark = pytest.mark.slow
FRAMES = 60
RERUN = Path(sys.executable).with_name("rerun")


def rerun(*arguments: str) -> str:
    """What the command says on stdout and stderr; fails when it fails."""
    done = subprocess.run([str(RERUN), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return re.sub(r"\x1b\[\d*m", "", done.stdout + done.stderr)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_session(tmp_path_factory.mktemp("sessions"), Script(frames=FRAMES))
    make_keyframes(path)
    return path


def test_the_viewer_counts_the_frames_and_names_the_topics(session: Path) -> None:
    video = rerun("mcap", "info", str(session / "video-0000.mcap"))
    assert re.search(rf"/camera/us\s+{FRAMES}\s.*foxglove\.CompressedImage\s+protobuf", video)
    keyframes = rerun("mcap", "info", str(session / "keyframes-0000.mcap"))
    assert re.search(r"/camera/us_key\s+[1-9]\d*\s.*foxglove\.CompressedImage\s+protobuf", keyframes)
    telemetry = rerun("mcap", "info", str(session / "telemetry-0000.mcap"))
    for topic in ("/session", "/geometry", "/detections", "/guidance", "/events", "/pod"):
        assert re.search(rf"{topic}\s+[1-9]\d*\s.*jsonschema / json", telemetry), topic


@pytest.mark.parametrize("name", ["video-0000.mcap", "telemetry-0000.mcap", "keyframes-0000.mcap"])
def test_the_viewer_finds_no_fault(session: Path, name: str) -> None:
    rows = re.findall(r"^(\w+)\s+\d+\s+\d+\s+/\S+\s+(.*)$", rerun("mcap", "check", "--full", str(session / name)), re.MULTILINE)
    assert rows
    assert {status for status, _ in rows} == {"ok"}


def test_the_viewer_shows_the_pictures_also_of_a_cut_file(session: Path, tmp_path: Path) -> None:
    whole = (session / "video-0000.mcap").read_bytes()
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(whole[: len(whole) // 2])
    for source, option in ((session / "video-0000.mcap", []), (cut, ["--recover"])):
        converted = tmp_path / f"{source.stem}.rrd"
        rerun("mcap", "convert", *option, str(source), "-o", str(converted))
        assert "EncodedImage:blob" in rerun("rrd", "stats", str(converted))
