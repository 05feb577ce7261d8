"""Makes tests/data/session-small again: 32 lossless frames of the simulated probe, a needle on its way into an accepted deposit.

To be run when the bundled model or what is recorded changes: .venv/bin/python tests/data/make_session_small.py
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from barbotage_device.capture.encoding import LOSSLESS
from barbotage_device.capture.simulated import SimulatedSource
from barbotage_device.runtime.interpreter import open_model
from barbotage_device.runtime.pipeline import Pipeline, PipelineSettings
from barbotage_device.runtime.recording.edges import OPERATOR
from barbotage_device.runtime.recording.recording import Clocks
from barbotage_device.runtime.recording.starting import RecordingRequest, Subject, settings_record, start_recording
from barbotage_device.runtime.status import Condition
from barbotage_models.bundle import bundled_model
from barbotage_models.simulator.scenario.live import LiveScene
from barbotage_models.simulator.scenario.script import scenario_start

PLACE = Path(__file__).parent / "session-small"
SKIPPED, FRAMES = 42, 32
"""The needle comes into the picture shortly before and reaches the deposit at the end."""
MM_PER_PX = 0.2
"""192 x 192 pixels show the whole depth."""
ACCEPT_AT, PATIENT_EVENT_AT = 6, 20
STARTED_UTC_NS = 1_767_225_600_000_000_000
"""2026-01-01."""


def make(root: Path) -> Path:
    """Records the session under ``root``; its folder."""
    model = open_model(bundled_model("int8"), 1)
    pipeline = Pipeline(model.interpreter, model.card)
    subject = Subject("sim:procedure", simulated=True, started_capture_ns=0, scale_mm_per_px=(MM_PER_PX, MM_PER_PX))
    recording = start_recording(
        RecordingRequest(root, LOSSLESS),
        subject,
        model,
        Clocks(None, lambda: STARTED_UTC_NS),
        settings_record(PipelineSettings()),
    )
    start, script = scenario_start("procedure", 0)
    small = replace(start.world, image=replace(start.world.image, mm_per_px=MM_PER_PX))
    scene = LiveScene(replace(start, world=small))
    source = SimulatedSource(scene, script(scene), "sim:procedure")
    for frame in source.frames():
        if frame.sequence >= SKIPPED:
            recording.frame(frame)
            guidance = pipeline.step(frame)
            if frame.sequence == SKIPPED + ACCEPT_AT:
                pipeline.accept_target()
                recording.operator("target-accepted", by=OPERATOR)
            if frame.sequence == SKIPPED + PATIENT_EVENT_AT:
                recording.patient_event()
            condition = Condition(frame.sequence, 0, 0, None, None, 0, guidance.processing_ns, recording=True)
            recording.turn(guidance, condition, pipeline.accepted, guidance.stages_ns)
        if frame.sequence == SKIPPED + FRAMES - 1:
            source.close()
    recording.close()
    return recording.path


def main() -> None:
    """Replaces the stored session."""
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder))
        shutil.rmtree(PLACE, ignore_errors=True)
        shutil.move(made, PLACE)


if __name__ == "__main__":
    main()
