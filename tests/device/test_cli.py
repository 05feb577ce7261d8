import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom.data.data_manager import DATA_ROOT

from barbotage_device.cli import run_command_line
from barbotage_models.bundle import bundled_model
from barbotage_models.contract.card import card_path

KEYS = {"path", "frame", "scale_mm_per_px", "needle", "deposits", "bone", "quality"}


@pytest.fixture(autouse=True)
def _no_user_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Inputs by name, good and bad."""
    tmp_path = tmp_path_factory.mktemp("inputs")
    picture = np.random.default_rng(5).integers(0, 120, (300, 400), dtype=np.uint8)
    good, second, tiny = tmp_path / "good.png", tmp_path / "second.png", tmp_path / "tiny.png"
    cv2.imwrite(str(good), picture)
    cv2.imwrite(str(second), picture[::-1])
    cv2.imwrite(str(tiny), picture[:1, :1])
    text = tmp_path / "text.dcm"
    text.write_text("not DICOM at all\n" * 40)
    cut = tmp_path / "cut.png"
    cut.write_bytes(good.read_bytes()[:2000])
    ct = Path(DATA_ROOT) / "test_files" / "CT_small.dcm"
    return {
        "good": str(good),
        "second": str(second),
        "tiny": str(tiny),
        "text": str(text),
        "cut": str(cut),
        "ct": str(ct),
        "video": str(truncated_video(tmp_path)),
        "gone": str(tmp_path / "gone.png"),
        "card": str(mismatched(tmp_path)),
    }


def truncated_video(folder: Path) -> Path:
    import av

    path = folder / "video.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(40):
            noise = np.random.default_rng(number).integers(0, 255, (240, 320, 3), dtype=np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def mismatched(folder: Path) -> Path:
    copy = folder / "other.tflite"
    copy.write_bytes(bundled_model("int8").read_bytes() + b"\0")
    shutil.copy(card_path(bundled_model("int8")), card_path(copy))
    return copy


def test_detect_says_one_json_object_a_frame_with_the_promised_keys(
    places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["detect", "--json", places["good"], places["second"]]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["path"] for line in lines] == [places["good"], places["second"]]
    assert all(set(line) == KEYS for line in lines)
    assert [(line["frame"], line["scale_mm_per_px"]) for line in lines] == [(0, None), (0, None)]


def test_the_given_scale_is_told(places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["detect", "--json", "--mm-per-px", "0.12", places["good"]]) == 0
    assert json.loads(capsys.readouterr().out)["scale_mm_per_px"] == 0.12


def test_words_for_people_end_with_a_summary(places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["detect", places["good"]]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{places['good']} #0 | needle")
    assert last.startswith("1 frames of 1 files")


@pytest.mark.parametrize(
    ("bad", "code", "words"),
    [
        ("gone", 3, "no file or folder"),
        ("tiny", 1, "too small"),
        ("text", 1, "text.dcm"),
        ("ct", 1, "ultrasound"),
        ("cut", 1, "cut.png"),
        ("video", 1, "video.mkv"),
    ],
)
def test_a_bad_input_gets_one_line_and_the_others_go_on(
    places: dict[str, str], capsys: pytest.CaptureFixture[str], bad: str, code: int, words: str
) -> None:
    assert run_command_line(["detect", "--json", places[bad], places["good"]]) == code
    said = capsys.readouterr()
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert words in errors[0]
    assert "Traceback" not in said.err
    assert json.loads(said.out.splitlines()[-1])["path"] == places["good"]


def test_the_worst_of_several_errors_decides(places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["detect", places["tiny"], places["gone"], places["text"], places["good"]]) == 3
    assert capsys.readouterr().err.count("error: ") == 3


BAD_COMMANDS = [
    (["detect", "--mm-per-px", "0", "{good}"], 2, "--mm-per-px"),
    (["detect", "--mm-per-px", "nan", "{good}"], 2, "nan"),
    (["detect", "--mm-per-px", "-0.1", "{good}"], 2, "-0.1"),
    (["detect", "--mm-per-px", "wide", "{good}"], 2, "--mm-per-px"),
    (["detect"], 2, "PATH"),
    (["detect", "--model", "{card}", "{good}"], 4, "does not match its card"),
    (["detect", "--model", "{gone}", "{good}"], 3, "no model at"),
    (["detect", "--threads", "0", "{good}"], 2, "--threads"),
    (["run", "--headless"], 2, "--source"),
    (["run", "--headless", "--source", "v4l2:/dev/video77"], 3, "/dev/video77"),
    (["run", "--headless", "--source", "file:{gone}"], 3, "gone.png"),
    (["run", "--headless", "--source", "dicom:{text}"], 1, "text.dcm"),
    (["run", "--headless", "--source", "fil:{good}"], 2, "file"),
    (["run", "--headless", "--source", "igtl:localhost:18944"], 4, "not in this version"),
    (["run", "--headless", "--source", "file:{good}", "--mm-per-px", "0"], 2, "--mm-per-px"),
    (["run", "--headless", "--source", "file:{good}", "--language", "de"], 2, "de"),
    (["run", "--source", "file:{good}", "--size", "800"], 2, "--size"),
    (["run", "--source", "file:{good}", "--size", "80x48"], 2, "too small"),
    (["run", "--headless", "--source", "file:{good}", "--frames", "0"], 2, "--frames"),
    (["run", "--headless", "--source", "file:{good}", "--config", "{gone}"], 3, "--config"),
    (["run", "--headless", "--source", "file:{good}", "--model", "{card}"], 4, "does not match its card"),
    (["check", "--threads", "many"], 2, "--threads"),
    (["bench", "--size", "axb"], 2, "axb"),
    (["fly"], 2, "fly"),
]


@pytest.mark.parametrize(("command", "code", "words"), BAD_COMMANDS, ids=[" ".join(command) for command, _, _ in BAD_COMMANDS])
def test_a_bad_command_ends_with_its_code_and_one_clear_line(
    places: dict[str, str], capsys: pytest.CaptureFixture[str], command: list[str], code: int, words: str
) -> None:
    assert run_command_line([part.format(**places) for part in command]) == code
    said = capsys.readouterr()
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert words in errors[0]
    assert said.out == ""


def test_a_headless_run_of_a_recording_says_a_summary_in_json(places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["run", "--headless", "--json", "--threads", "1", "--source", f"file:{places['good']}"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (summary["event"], summary["frames"], summary["error"]) == ("summary", 1, None)
    assert summary["health"]["peak_rss_mb"] > 0


def test_a_damaged_recording_ends_the_run_with_what_could_be_read(
    places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["run", "--headless", "--json", "--threads", "1", "--source", f"file:{places['video']}"]) == 1
    said = capsys.readouterr()
    summary = json.loads(said.out.splitlines()[-1])
    assert summary["frames"] > 5
    assert "video.mkv" in summary["error"]
    assert said.err.count("error: ") == 1


def test_without_a_display_the_run_says_so_and_goes_on_headless(
    places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["run", "--threads", "1", "--source", f"file:{places['good']}"]) == 0
    assert "no window" in capsys.readouterr().err


def test_bench_measures_every_stage(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("barbotage_device.runtime.bench.RENDERED", 3)
    assert run_command_line(["bench", "--frames", "12", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert set(record["stages_ms"]) == {"resample", "inference", "see", "track", "aim", "draw"}
    assert record["total_ms"]["count"] == 12


def test_check_names_each_part_and_fails_with_a_wrong_model(places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["check", "--json", "--model", places["card"]]) == 1
    report = json.loads(capsys.readouterr().out)
    verdicts = {one["name"]: one["verdict"] for one in report["checks"]}
    assert report["ok"] is False
    assert verdicts["model"] == "fail"
    assert verdicts["parts"] == "ok"
    assert {"window", "temperature", "disk", "memory"} <= set(verdicts)


def test_help_and_version_start_without_the_heavy_parts() -> None:
    code = "import sys; from barbotage_device.cli import run_command_line as r; r(['--version']); r(['run', '--help']); print(sorted({'cv2', 'numpy', 'scipy', 'av', 'pydicom', 'PIL', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ))
    lines = done.stdout.splitlines()
    assert lines[0].startswith("barbotage-device ")
    assert "Examples:" in done.stdout
    assert lines[-1] == "[]"


def test_a_reader_that_goes_away_is_no_error(places: dict[str, str]) -> None:
    code = "import sys; from barbotage_device.cli import main; sys.argv[1:] = sys.argv[2:]; main()"
    arguments = ["detect", "--json", "--model", str(bundled_model("int8")), *[places["good"]] * 40]
    command = [sys.executable, "-c", code, "barbotage-device", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        error = process.stderr.read()
        assert process.wait(60) == 0
    assert error == ""
