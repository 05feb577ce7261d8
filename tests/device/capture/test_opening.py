"""SRC texts, and which source each opens."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from barbotage_device.capture.chain import ChainedSource
from barbotage_device.capture.clock import Clock
from barbotage_device.capture.dicom import DicomSource
from barbotage_device.capture.frame import Delivery
from barbotage_device.capture.images import ImageSource
from barbotage_device.capture.live import LiveSource
from barbotage_device.capture.opening import SourceKind, SourceSpec, open_source, parse_src
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.errors import BarbotageError, NotFoundError, RefusedError, UsageError

GOOD = [
    ("sim", SourceSpec(SourceKind.SIM, "")),
    ("sim:hard", SourceSpec(SourceKind.SIM, "hard")),
    ("file:/a/b.png", SourceSpec(SourceKind.FILE, "/a/b.png")),
    ("file:a:b.mp4", SourceSpec(SourceKind.FILE, "a:b.mp4")),
    ("dicom:study", SourceSpec(SourceKind.DICOM, "study")),
    ("v4l2:/dev/video0", SourceSpec(SourceKind.V4L2, "/dev/video0")),
    ("igtl:localhost:18944", SourceSpec(SourceKind.IGTL, "localhost:18944")),
    ("session:s1", SourceSpec(SourceKind.SESSION, "s1")),
]


@pytest.mark.parametrize(("text", "spec"), GOOD, ids=[row[0] for row in GOOD])
def test_a_src_text_and_back(text: str, spec: SourceSpec) -> None:
    assert parse_src(text) == spec
    assert str(spec) == text


BAD: list[tuple[str, type[BarbotageError], str]] = [
    ("", UsageError, "no source given"),
    ("file:", UsageError, "names nothing after the colon"),
    ("sim:", UsageError, "names nothing after the colon"),
    ("v4l2", UsageError, "names nothing after the colon"),
    ("dicon:x", UsageError, "did you mean 'dicom'?"),
    ("camera", UsageError, "unknown source 'camera'"),
    ("folder/not_there.png", NotFoundError, "no file or folder at"),
    ("not_there.png", NotFoundError, "no file or folder at"),
]


@pytest.mark.parametrize(("text", "error", "fragment"), BAD, ids=[row[0] or "empty" for row in BAD])
def test_a_malformed_src_is_refused(text: str, error: type[BarbotageError], fragment: str) -> None:
    with pytest.raises(error) as caught:
        parse_src(text)
    assert fragment in str(caught.value)


def _picture(path: Path) -> Path:
    Image.fromarray(np.full((40, 40), 7, np.uint8)).save(path)
    return path


def test_a_path_alone_is_a_file(tmp_path: Path) -> None:
    path = _picture(tmp_path / "a.png")
    assert parse_src(str(path)) == SourceSpec(SourceKind.FILE, str(path))


def test_each_kind_opens_its_source(tmp_path: Path) -> None:
    path = _picture(tmp_path / "a.png")
    assert isinstance(open_source(SourceSpec(SourceKind.FILE, str(path))), ImageSource)
    assert isinstance(open_source(SourceSpec(SourceKind.FILE, str(tmp_path))), ChainedSource)
    assert isinstance(open_source(SourceSpec(SourceKind.DICOM, str(path))), DicomSource)


def test_live_plays_a_file_as_if_it_came_from_a_probe(tmp_path: Path) -> None:
    for index in range(3):
        _picture(tmp_path / f"{index}.png")
    now_ns = [1_000]

    def sleep(seconds: float) -> None:
        now_ns[0] += round(seconds * 1e9)

    spec = SourceSpec(SourceKind.FILE, str(tmp_path))
    source = open_source(spec, CaptureSettings(live=True, fps_hz=10), clock=Clock(lambda: now_ns[0], sleep))
    frames = list(source.frames())
    assert isinstance(source, LiveSource)
    assert source.delivery is Delivery.NEWEST_ONLY
    assert frames[-1].sequence == 2
    assert frames[-1].capture_ns == 1_000 + 200_000_000
    source.close()


def test_a_word_of_the_design_that_is_not_built_is_refused() -> None:
    with pytest.raises(RefusedError, match="not in this version") as caught:
        open_source(parse_src("igtl:host:18944"))
    assert caught.value.exit_code == 4


def test_an_absent_session_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no session there"):
        open_source(parse_src(f"session:{tmp_path / 'gone'}"))


def test_an_absent_grabber_is_told_before_any_thread_starts() -> None:
    with pytest.raises(NotFoundError, match="no video device /dev/no_such_grabber"):
        open_source(SourceSpec(SourceKind.V4L2, "/dev/no_such_grabber"))
