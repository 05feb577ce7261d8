"""A recorded session plays as it was captured."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from barbotage_device.capture.clock import Clock
from barbotage_device.capture.frame import Delivery
from barbotage_device.capture.live import LiveSource
from barbotage_device.capture.opening import open_source, parse_src
from barbotage_device.capture.session_source import SessionSource, recorded_frame
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.errors import InvalidInputError
from barbotage_device.session.errors import SessionError
from barbotage_device.session.reader import SessionReader
from barbotage_models.contract.geometry import Scale

STORED = Path(__file__).parents[2] / "data" / "session-small"


def test_every_frame_comes_with_its_time_number_and_scale() -> None:
    source = open_source(parse_src(f"session:{STORED}"))
    frames = list(source.frames())
    assert isinstance(source, SessionSource)
    assert source.delivery is Delivery.EVERY_FRAME
    assert [frame.sequence for frame in frames] == list(range(42, 74))
    assert {int(step) for step in np.diff([frame.capture_ns for frame in frames])} == {50_000_000}
    assert {frame.scale for frame in frames} == {Scale.isotropic(0.2)}
    assert frames[0].pixels.shape == (192, 192)
    assert frames[0].pixels.dtype == np.uint8
    assert source.notes == ()
    source.close()


def test_an_option_overrides_the_recorded_scale() -> None:
    source = SessionSource(STORED, CaptureSettings(scale=Scale.isotropic(0.1)))
    assert next(source.frames()).scale == Scale.isotropic(0.1)
    source.close()


def test_live_plays_it_at_its_own_speed() -> None:
    now_ns = [7_000]

    def sleep(seconds: float) -> None:
        now_ns[0] += round(seconds * 1e9)

    spec = parse_src(f"session:{STORED}")
    source = open_source(spec, CaptureSettings(live=True), clock=Clock(lambda: now_ns[0], sleep))
    assert isinstance(source, LiveSource)
    last = list(source.frames())[-1]
    assert last.sequence == 73
    assert now_ns[0] == 7_000 + 31 * 50_000_000
    source.close()


def test_a_session_that_must_be_recovered_says_so(tmp_path: Path) -> None:
    copy = tmp_path / "cut"
    shutil.copytree(STORED, copy)
    video = copy / "video-0000.mcap"
    video.write_bytes(video.read_bytes()[:-500])
    with pytest.raises(SessionError, match="recover"):
        open_source(parse_src(f"session:{copy}"))


def test_a_frame_beyond_the_end_is_refused() -> None:
    with SessionReader.open(STORED) as reader, pytest.raises(InvalidInputError, match="no frame 32"):
        recorded_frame(reader, 32)
