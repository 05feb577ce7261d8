"""The same model over the same frames says the same, byte for byte; another says where it differs."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from barbotage_device.capture.encoding import Encoding, decode, encoder_of
from barbotage_device.runtime.interpreter import Interpreter, LoadedModel, open_model
from barbotage_device.runtime.replay import Difference, differences, recorded_settings, replay
from barbotage_device.session.audit import verify
from barbotage_device.session.manifest import Header
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.recorder import RecordedFrame, Recorder
from barbotage_models.bundle import bundled_model
from barbotage_models.contract.geometry import GreyImage
from barbotage_models.contract.output import ModelOutput

STORED = Path(__file__).parents[2] / "data" / "session-small"
AGAIN = "make it again: .venv/bin/python tests/data/make_session_small.py"


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return open_model(bundled_model("int8"), 1)


@pytest.fixture
def stored() -> Iterator[SessionReader]:
    with SessionReader.open(STORED) as reader:
        yield reader


def test_the_stored_session_is_intact_and_of_the_bundled_model(stored: SessionReader, model: LoadedModel) -> None:
    assert verify(STORED).problems == ()
    assert stored.manifest.header.model.sha256 == model.card.sha256, AGAIN
    assert stored.manifest.header.image_format == "png"


def test_a_lossless_session_run_again_gives_the_same_bytes(stored: SessionReader, model: LoadedModel) -> None:
    rows = list(replay(stored, model))
    assert len(rows) == stored.frame_count == 32
    for row in rows:
        assert row.recorded is not None
        assert row.again is not None
        assert json.dumps(row.again["detections"]) == json.dumps(row.recorded["detections"]), AGAIN
        assert differences(row.index, row.recorded, row.again) == []
    followed = [row for row in rows if row.guidance is not None and row.guidance.aim.target is not None]
    assert len(followed) >= 20, "the accepted target is accepted again"


def _copied(stored: SessionReader, root: Path, encoding: Encoding, leave_out: frozenset[int] = frozenset()) -> Path:
    """The stored session again with its frames in another encoding, without the telemetry of some frames."""
    header: Header = replace(stored.manifest.header, image_format=encoding.image_format, image_quality=encoding.quality)
    recorder = Recorder(root, header, encoder_of(encoding))
    for event in stored.events():
        recorder.event(event.kind, event.at_ns, event.by, event.value)
    for topic in ("/config", "/detections", "/guidance"):
        for message in stored.messages(topic):
            if message.value.get("sequence") not in leave_out:
                recorder.message(topic, message.capture_ns, lambda value=message.value: value)  # type: ignore[misc]
    for index in range(stored.frame_count):
        frame = stored.frame(index)
        pixels = decode(frame.data, "x")
        recorder.frame(RecordedFrame(pixels, frame.capture_ns, frame.sequence, 0, 0, (0.2, 0.2)))
    recorder.close()
    return recorder.path


def test_jpeg_runs_agree_with_each_other_and_list_what_the_loss_changed(
    stored: SessionReader, model: LoadedModel, tmp_path: Path
) -> None:
    path = _copied(stored, tmp_path, Encoding(quality=60))
    with SessionReader.open(path) as reader:
        first = [json.dumps(row.again["detections"]) for row in replay(reader, model) if row.again]
        second = [json.dumps(row.again["detections"]) for row in replay(reader, model) if row.again]
        found = [differences(row.index, row.recorded, row.again) for row in replay(reader, model)]
    assert len(first) == 32
    assert first == second
    assert sum("detections.output_crc32" in {one.what for one in each} for each in found) > 20


def test_frames_that_were_not_processed_live_are_not_run_again(stored: SessionReader, model: LoadedModel, tmp_path: Path) -> None:
    path = _copied(stored, tmp_path, Encoding("png", None), leave_out=frozenset({50, 51, 60}))
    with SessionReader.open(path) as reader:
        rows = list(replay(reader, model))
    missing = [row for row in rows if row.recorded is None]
    assert [row.sequence for row in missing] == [50, 51, 60]
    assert all(row.again is None and row.guidance is None for row in missing)


class Listening:
    """A network of two planes that notes which frame it was given as the one before."""

    name = "listening"
    number_format = "int8"

    def __init__(self, inner: Interpreter) -> None:
        self._inner = inner
        self.given: list[tuple[GreyImage, GreyImage | None]] = []

    def run(self, pixels: GreyImage, previous: GreyImage | None = None) -> ModelOutput:
        self.given.append((pixels, previous))
        return self._inner.run(pixels)


def test_a_network_of_two_planes_is_given_the_frame_processed_before_as_live(
    stored: SessionReader, model: LoadedModel, tmp_path: Path
) -> None:
    path = _copied(stored, tmp_path, Encoding("png", None), leave_out=frozenset({50, 51, *range(60, 66)}))
    network = Listening(model.interpreter)
    pairs = replace(model, interpreter=network, card=replace(model.card, planes=2, previous_frame_ms=150.0))
    with SessionReader.open(path) as reader:
        processed = [row for row in replay(reader, pairs) if row.guidance is not None]
    times_ns = [row.guidance.frame.capture_ns for row in processed if row.guidance is not None]
    assert network.given[0][1] is None
    for number in range(1, len(processed)):
        near = times_ns[number] - times_ns[number - 1] <= 150e6
        assert near is (processed[number].sequence != 66), "40 ms a frame: two missing frames are bridged, six are a gap"
        assert network.given[number][1] is (network.given[number - 1][0] if near else None)


def test_a_session_without_detections_is_run_whole(stored: SessionReader, model: LoadedModel, tmp_path: Path) -> None:
    path = _copied(stored, tmp_path, Encoding("png", None), leave_out=frozenset(range(42, 74)))
    with SessionReader.open(path) as reader:
        rows = list(replay(reader, model))
    assert all(row.recorded is None and row.again is not None for row in rows)
    assert len(rows) == 32


def test_the_recorded_settings_are_used(stored: SessionReader, tmp_path: Path) -> None:
    header = stored.manifest.header
    recorder = Recorder(tmp_path, header, encoder_of(Encoding("png", None)))
    recorder.message("/config", 0, lambda: {"tracker": {"coast_s": 0.35, "from_the_future": 1}, "prompter": "nonsense"})
    recorder.close()
    with SessionReader.open(recorder.path) as reader:
        settings = recorded_settings(reader)
    assert settings.tracker.coast_s == 0.35
    assert settings.prompter == recorded_settings(stored).prompter


BASE: dict[str, Any] = {
    "detections": {"deposits": [{"outline_px": [[1, 2]], "shadow": "none"}], "needle": None},
    "guidance": {"stale": False, "stages_ms": {"see": 1.0}, "latency_ms": 3.0, "drops": 0},
}
CASES: list[tuple[str, dict[str, Any], list[Difference]]] = [
    ("the speed of the run", {"guidance": BASE["guidance"] | {"stages_ms": {"see": 9.0}, "latency_ms": 8.0, "drops": 4}}, []),
    (
        "a shadow",
        {"detections": {"deposits": [{"outline_px": [[1, 2]], "shadow": "clear"}], "needle": None}},
        [Difference(7, "detections.deposits.0.shadow", "none", "clear")],
    ),
    (
        "a deposit more",
        {"detections": {"deposits": [], "needle": None}},
        [Difference(7, "detections.deposits", BASE["detections"]["deposits"], [])],
    ),
    (
        "a needle",
        {"detections": BASE["detections"] | {"needle": {"angle_deg": 3}}},
        [Difference(7, "detections.needle", None, {"angle_deg": 3})],
    ),
]


@pytest.mark.parametrize(("again", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_differences_name_the_value(again: dict[str, Any], expected: list[Difference]) -> None:
    assert differences(7, BASE, BASE | again) == expected


def test_the_stored_session_is_small() -> None:
    size = sum(file.stat().st_size for file in STORED.iterdir())
    assert size < 1_000_000
