import csv
import io
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import cv2
import pytest
from tests.support.sessions import Script, write_session

from barbotage_host.cli import run_command_line

STORED = Path(__file__).parents[1] / "data" / "session-small"
SMALL = Script(frames=40, width_px=320, height_px=320, backgrounds=1, unsure=(20, 26))
START = [sys.executable, "-c", "from barbotage_host.cli import main; main()", "review"]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Inputs by name."""
    root = tmp_path_factory.mktemp("cli")
    whole = write_session(root / "whole", SMALL)
    torn = write_session(root / "torn", Script(frames=5, width_px=320, height_px=320, backgrounds=1, close=False))
    changed = Path(shutil.copytree(whole, root / "changed" / whole.name))
    forge_event(changed)
    both = root / "both"
    for name in ("a", "b"):
        shutil.copytree(whole, both / name)
    (root / "empty").mkdir()
    (root / "file").write_text("x")
    return {
        "whole": str(whole),
        "torn": str(torn),
        "changed": str(changed),
        "both": str(both),
        "empty": str(root / "empty"),
        "gone": str(root / "gone"),
        "out": str(root),
        "stored": str(STORED),
    }


def forge_event(session: Path) -> None:
    """Makes the manifest tell another end of the event chain."""
    manifest = json.loads((session / "session.json").read_text())
    manifest["events"]["digest"] = "0" * 64
    (session / "session.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("verify {whole}", 0, r"intact"),
        ("verify {changed}", 1, r"event 11"),
        ("verify {torn}", 1, r"cut off"),
        ("verify {both}", 0, r"a: intact\n.*b: intact"),
        ("verify {gone}", 3, r"error: there is nothing at"),
        ("verify {empty}", 3, r"error: no session at"),
        ("recover {whole}", 0, r"is whole"),
        ("recover {gone}", 3, r"error:"),
        ("review {gone} --no-browser", 3, r"error: there is nothing at"),
        ("review {whole} --language de", 2, r"--language 'de'"),
        ("review {whole} --model x.tflite", 2, r"go with --compare"),
        ("review {whole} --port 99999", 2, r"--port"),
        ("review {gone} --compare", 3, r"error:"),
        ("review {torn} --compare", 1, r"recover"),
        ("export frame {whole} --frame 40 --out {out}/f.png", 1, r"no frame 40"),
        ("export frame {whole} --frame 16 --out {out}/f.png --overlay", 1, r"not processed"),
        ("export frame {both} --frame 1 --out {out}/f.png", 2, r"holds 2 sessions"),
        ("export frame {whole} --frame 1 --out {out}/none/f.png", 3, r"no folder"),
        ("export frame {whole} --frame 1 --out {out}", 2, r"is a folder"),
        ("export frame {whole} --frame 1", 2, r"--out"),
        ("export video {whole} --out {out}/v.mp4 --from 30 --to 30", 1, r"no frames from 30 to 30"),
        ("export video {whole} --out {out}/v.mp4 --language xx", 2, r"--language"),
        ("export series {whole} --format xlsx", 2, r"--format 'xlsx'"),
        ("export labels {whole} --out {out}/labels", 3, r"error: no frame"),
        ("export labels {whole} --out {out}/labels --split some", 2, r"--split"),
        ("export", 2, r""),
        ("nothing", 2, r"error:"),
        ("--version", 0, r"^barbotage \d"),
        ("--help", 0, r"review .*\n.*recover"),
    ],
)
def test_a_command_ends_with_its_code_and_says_why(
    line: str, code: int, said: str, places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(line.format(**places).split()) == code
    output = "".join(capsys.readouterr())
    assert re.search(said, output, re.DOTALL | re.MULTILINE)
    assert "Traceback" not in output
    assert not list(Path(places["out"]).glob("*.partial"))


def test_recover_makes_a_torn_session_whole_and_says_what_is_lost(
    places: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = str(shutil.copytree(places["torn"], tmp_path / "torn"))
    assert run_command_line(["recover", torn, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["changed"] is True
    assert report["lost"]
    assert run_command_line(["verify", torn]) == 0


def test_verify_as_json_is_one_object_a_session(places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["verify", places["changed"], "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["intact"] is False
    assert any("event 11" in problem for problem in found["problems"])


def test_the_table_of_curves_goes_to_stdout_or_to_a_file(
    places: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["export", "series", places["whole"]]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [int(row["frame"]) for row in table] == list(range(SMALL.frames))
    assert table[16]["latency_ms"] == ""
    assert table[17]["latency_ms"] == "12.5"
    out = tmp_path / "series.jsonl"
    assert run_command_line(["export", "series", places["whole"], "--format", "jsonl", "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [rows[16]["latency_ms"], rows[17]["latency_ms"]] == [None, 12.5]


def test_measures_are_a_table_with_the_devices_own(places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["export", "measures", places["whole"]]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["source"], row["when"], row["longest_mm"]) for row in table] == [
        ("device", "before", "10.8"),
        ("device", "after", "4.32"),
    ]


def test_a_frame_and_a_video_are_written(places: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, video = tmp_path / "f.png", tmp_path / "v.mp4"
    assert run_command_line(["export", "frame", places["whole"], "--frame", "3", "--out", str(picture), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(picture), "frame": 3, "overlay": False}
    read = cv2.imread(str(picture), cv2.IMREAD_UNCHANGED)
    assert read is not None
    assert read.shape == (320, 320)
    assert run_command_line(["export", "video", places["whole"], "--out", str(video), "--to", "6", "--original", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 6
    capture = cv2.VideoCapture(str(video))
    assert int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) == 6


def test_the_comparison_of_a_lossless_session_finds_every_frame_identical(
    places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["review", places["stored"], "--compare", "--json", "--fail-on-difference"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["compared"] == found["identical"] > 0
    assert (found["different"], found["frames_different"], found["list"]) == (0, [], [])


@pytest.mark.parametrize(("option", "code"), [([], 0), (["--fail-on-difference"], 1)])
def test_differences_are_a_result_and_a_failure_only_when_asked(
    option: list[str], code: int, places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["review", places["whole"], "--compare", *option]) == code
    output = capsys.readouterr().out
    assert "frames 40, compared 38, identical 0, different 38" in output
    assert "frames that differ: 0-15, 17-32, 34-39" in output
    assert re.search(r"\d+ frames differ in detections\.output_crc32", output)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_review_serves_until_it_is_asked_to_end_and_leaves_nothing_behind(
    places: dict[str, str], tmp_path: Path, ending: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    command = [*START, places["whole"], "--no-browser", "--json", "--language", "fr"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        assert f":{told['port']}/session/" in told["url"]
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"http://127.0.0.1:{told['port']}/")
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(told["url"]) as page:
            assert b"<html" in page.read()
        with opener.open(f"http://127.0.0.1:{told['port']}/api/launch") as answer:
            assert json.load(answer)["language"] == "fr"
        server.send_signal(ending)
        _, chatter = server.communicate(timeout=10)
        assert server.returncode == 0
    assert "Traceback" not in chatter
    assert told["url"] in chatter
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_said_in_one_line(places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run_command_line(["review", places["whole"], "--no-browser", "--port", str(port)]) == 1
    assert capsys.readouterr().err == f"error: port {port} is in use; give another with --port, or none to take a free one\n"
