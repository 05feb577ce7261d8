"""The demo's session tells the procedure: phases, sizes before and after, lavage cycles, the line's pressure."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import ScreenSize
from barbotage_device.capture.encoding import LOSSLESS, Encoding
from barbotage_device.capture.frame import Frame
from barbotage_device.runtime.demo.procedure import Demo, DemoRequest
from barbotage_device.runtime.demo.session import DemoSession
from barbotage_device.runtime.interpreter import Interpreter, LoadedModel, open_model
from barbotage_device.runtime.pipeline import Pipeline
from barbotage_device.runtime.recording.recording import Clocks
from barbotage_device.runtime.recording.starting import RecordingRequest, Subject, start_recording
from barbotage_device.session.audit import verify
from barbotage_device.session.reader import SessionReader
from barbotage_models.bundle import bundled_model
from barbotage_models.contract.card import ModelCard
from barbotage_models.contract.geometry import PointMm

MakeFrame = Callable[..., Frame]


@pytest.fixture
def session(tmp_path: Path, drawn: Interpreter, card: ModelCard) -> DemoSession:
    subject = Subject("sim:procedure", simulated=True, started_capture_ns=0)
    return DemoSession(start_recording(RecordingRequest(tmp_path, LOSSLESS), subject, LoadedModel(drawn, card), Clocks(None), {}))


def test_what_the_operator_does_is_told_after_what_he_saw(
    session: DemoSession, drawn: Interpreter, card: ModelCard, picture: MakeFrame
) -> None:
    pipeline = Pipeline(drawn, card)
    session.enter("scan")
    for sequence in range(10):
        frame = picture(sequence, (100, 120))
        session.frame(frame)
        session.line(sequence, frame.capture_ns)
        guidance = pipeline.step(frame)
        if sequence == 3:
            pipeline.accept_target()
            assert session.measure_before(guidance, pipeline.accepted) is not None
            session.enter("advance")
            session.enter("advance")
        session.look_after(guidance)
        session.turn(guidance, pipeline.accepted, {})
    assert session.measure_after() is not None
    assert pipeline.last is not None
    session.turn(pipeline.last, pipeline.accepted, {})
    manifest = session.close()
    with SessionReader.open(session.recording.path) as reader:
        events = [(one.kind, one.by) for one in reader.events()]
        pressures = [one.value["pressure_kpa"] for one in reader.messages("/pod")]
    assert events == [
        ("session-started", "device"),
        ("phase", "operator"),
        ("target-accepted", "operator"),
        ("measurement", "device"),
        ("phase", "operator"),
        ("measurement", "device"),
        ("session-ended", "device"),
    ]
    assert pressures == list(range(10))
    assert manifest.summary is not None
    assert manifest.summary.deposit_before == manifest.summary.deposit_after is not None


def test_what_lies_elsewhere_is_not_what_is_left(
    session: DemoSession, drawn: Interpreter, card: ModelCard, picture: MakeFrame
) -> None:
    pipeline = Pipeline(drawn, card)
    for sequence in range(4):
        pipeline.step(picture(sequence, (100, 120)))
    guidance = pipeline.last
    assert guidance is not None
    identity = pipeline.accept_target()
    session.measure_before(guidance, identity)
    track = guidance.tracks.deposits[0]
    far = replace(track, deposit=replace(track.deposit, centre=PointMm(track.deposit.centre.x_mm + 9.0, 3.0)))
    session.look_after(replace(guidance, tracks=replace(guidance.tracks, deposits=(far,))))
    assert session.measure_after() is None
    session.close()


@pytest.mark.slow
def test_the_demo_leaves_a_whole_session_of_the_whole_procedure(tmp_path: Path) -> None:
    request = DemoRequest(tmp_path, Language.EN, ScreenSize(800, 480), encoding=Encoding(quality=60))
    said: list[str] = []
    result = Demo(request, open_model(bundled_model("int8"), 1), said.append).run()
    assert result.placed
    assert verify(result.session_path).problems == ()
    summary = result.session.summary
    assert summary is not None
    assert (summary.phase_reached, summary.frames) == ("close", result.summary["frames"])
    assert summary.deposit_before is not None
    assert result.session.drops.recorder_frames == 0
    lavage = result.summary["lavage"]
    assert abs(lavage["counted_cycles"]["both"] - lavage["true_cycles"]) <= 1
    with SessionReader.open(result.session_path) as reader:
        phases = [one.value["to"] for one in reader.events() if one.kind == "phase"]
        counts = [one.value["count"] for one in reader.events() if one.kind == "lavage-cycle"]
        assert max(one.value["pressure_kpa"] for one in reader.messages("/pod")) > 30.0
    assert phases == ["scan", "plan", "advance", "lavage", "post-scan", "close"]
    assert counts == list(range(1, lavage["counted_cycles"]["both"] + 1))
