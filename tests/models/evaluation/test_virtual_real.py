"""The real screen at the other end of a pipe: what it is sent, what comes back, and what happens when it dies."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from barbotage_models.errors import BarbotageError
from barbotage_models.evaluation.virtual_procedure import real
from barbotage_models.evaluation.virtual_procedure.patients import patient
from barbotage_models.evaluation.virtual_procedure.real import RealScreen, ScreenError, ScreenProcess, run_real
from barbotage_models.evaluation.virtual_procedure.situation import Observer
from barbotage_models.simulator.probe import SimulatedFrame, SimulatedProbe
from barbotage_models.simulator.scenario.motion import SceneMotion

ANSWERS = """
import json, sys
print(json.dumps({"model": {"name": "m"}, "prompt_after_s": 0.5, "prompt_travel_mm": 2.0}), flush=True)
while line := sys.stdin.buffer.readline():
    said = json.loads(line)
    pixels = sys.stdin.buffer.read(said["width_px"] * said["height_px"])
    told = {"shaft_seen": True, "tip_seen": True, "distance_mm": float(said["sequence"])}
    print(json.dumps({"told": told, "tip_mm": TIP, "angle_deg": 20.0, "target_mm": TARGET, "processing_ns": sum(pixels)}), flush=True)
    if said["sequence"] == 1:
        sys.exit(7)
"""


def process(tip: str = "[1.0, 2.0]", target: str = "None") -> ScreenProcess:
    return ScreenProcess(None, (sys.executable, "-c", ANSWERS.replace("TIP", tip).replace("TARGET", target)))


def test_a_frame_goes_over_whole_and_a_dead_process_is_told() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    frame = SimulatedFrame(pixels, 0.1, SimulatedProbe(patient(0).world).render(SceneMotion(patient(0)).move(0.0)).truth)
    with process() as screen:
        assert screen.about["prompt_after_s"] == 0.5
        assert screen.ask(frame, 0)["processing_ns"] == 66
        assert screen.ask(frame, 1)["told"]["distance_mm"] == 1.0
        with pytest.raises(ScreenError, match=r"ended|said b''"):
            screen.ask(frame, 2)


def test_a_program_that_is_no_screen_is_told() -> None:
    with pytest.raises(BarbotageError, match="said b'hello"):
        ScreenProcess(None, (sys.executable, "-c", "print('hello')"))


def test_what_is_shown_is_measured_against_the_truth_along_the_needle() -> None:
    start = patient(3, 0.0)
    start = replace(start, pose=replace(start.pose, inserted_mm=30.0))
    motion = SceneMotion(start)
    state = motion.move(0.0)
    truth_frame = SimulatedProbe(start.world).render(state)
    needle = truth_frame.truth.needle
    if needle is None:
        pytest.fail("the patient's needle does not reach the picture")
    dx = np.cos(np.deg2rad(needle.angle_deg)) * (1.0 if needle.side.value == "left" else -1.0)
    dz = np.sin(np.deg2rad(needle.angle_deg))
    centre = truth_frame.truth.deposits[0].centre
    tip, target = [needle.tip.x_mm + 2.0 * dx, needle.tip.z_mm + 2.0 * dz], [centre.x_mm - dx, centre.z_mm - dz]
    with process(json.dumps(tip), json.dumps(target)) as running:
        screen = RealScreen(running, truth_frame)
        told = screen.tell(Observer(motion).look(), 0.05)
    assert told.distance_mm == 0.0
    (seen,) = screen.seen
    assert (seen.along_mm, seen.across_mm) == pytest.approx((2.0, 0.0), abs=1e-6)
    assert (seen.target_along_mm, seen.target_across_mm) == pytest.approx((-1.0, 0.0), abs=1e-3), "before the deposit's centre"
    assert seen.angle_error_deg == pytest.approx(20.0 - needle.angle_deg)


@pytest.mark.slow
def test_the_devices_own_screen_guides_a_procedure(monkeypatch: pytest.MonkeyPatch) -> None:
    import barbotage_models.evaluation.virtual_procedure.trial as trial

    monkeypatch.setattr(trial, "LIMIT_S", 12.0)
    runs = run_real(1, 50_003, None, lambda _done, _total: None)
    assert runs.errors.pooled.visible.shown_share > 0.3
    assert runs.errors.measured_on["model"]["name"] == "barbotage"
    assert runs.errors.latency_ms == real.LATENCY_MS
