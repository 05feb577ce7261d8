"""The bedside screen as a process for virtual procedures."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from barbotage_device.errors import InvalidInputError
from barbotage_device.guidance.prompter import PrompterSettings
from barbotage_device.runtime.virtual_screen import main, serve
from barbotage_models.evaluation.virtual_procedure.errors import load_errors
from barbotage_models.simulator.scenario.live import LiveScene, shoulder_start
from barbotage_models.simulator.scenario.operator import Told


def announced(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", sequence: int) -> bytes:
    height, width = pixels.shape
    head = {"width_px": width, "height_px": height, "mm_per_px": 0.1, "sequence": sequence, "capture_ns": sequence * 50_000_000}
    return json.dumps(head).encode() + b"\n" + pixels.tobytes()


def test_every_frame_is_answered_with_what_the_screen_tells() -> None:
    scene, out = LiveScene(shoulder_start(0)), io.BytesIO()
    stream = b"".join(announced(scene.step(0.05).pixels, sequence) for sequence in range(6))
    assert serve(None, io.BytesIO(stream), out) == 0
    about, *answers = (json.loads(line) for line in out.getvalue().splitlines())
    assert about["model"]["name"] == "barbotage"
    assert len(answers) == 6
    assert Told(**answers[-1]["told"]).target_proposed
    centre = scene.world.deposits[0].centre
    assert np.hypot(answers[-1]["target_mm"][0] - centre.x_mm, answers[-1]["target_mm"][1] - centre.z_mm) < 3.0


@pytest.mark.parametrize("stream", [b"hello\n", b"{}\n", announced(np.zeros((4, 4), dtype=np.uint8), 0)[:-1]])
def test_a_damaged_stream_is_told(stream: bytes) -> None:
    with pytest.raises(InvalidInputError):
        serve(None, io.BytesIO(stream), io.BytesIO())


def test_a_missing_model_ends_with_its_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", str(tmp_path / "none.tflite")]) == 3
    assert "virtual screen: " in capsys.readouterr().err


def test_the_shipped_error_model_prompts_as_the_device_does() -> None:
    errors, prompter = load_errors(), PrompterSettings()
    assert (errors.prompt_after_s, errors.prompt_travel_mm) == (prompter.unseen_moving_s, prompter.unseen_travel_mm)
