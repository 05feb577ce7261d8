"""The command setup, from its start to a saved configuration, worked by real Qt events; and left in every way, with nothing saved."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest
from tests.device.runtime.setting_up.scanner import HEIGHT_PX, REGION, TICK_PX, TICKS, WIDTH_PX, scanner_screen

from barbotage_device.config import load_config
from barbotage_device.config_store import ConfigStore

ROOT = Path(__file__).parents[4]
CHILD = [sys.executable, "-m", "tests.device.runtime.setting_up.qt_setup_child"]
BARE = [sys.executable, "-c", "import sys; from barbotage_device.cli import run_command_line as r; sys.exit(r(sys.argv[1:]))"]
LEFT_WITHOUT_SAVING = 130


@pytest.fixture(scope="module")
def qt() -> None:
    """Qt with the system libraries that it links. A bare machine may lack them (the device then runs without a window); CI may not."""
    tried = subprocess.run(
        [sys.executable, "-c", "import PySide6.QtTest"], capture_output=True, text=True, timeout=60, check=False
    )
    if tried.returncode != 0:
        reason = f"Qt cannot be loaded here: {tried.stderr.strip().splitlines()[-1]}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "screenshot.png"
    cv2.imwrite(str(path), scanner_screen())
    return path


def worked(hand: str, tmp_path: Path, source: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The command, worked by a hand of the child; and the configuration's file."""
    config, pages = tmp_path / "etc" / "device.toml", tmp_path / "pages"
    pages.mkdir()
    run = subprocess.run(
        [*CHILD, hand, str(pages), "setup", "--source", source, "--config", str(config), "--json"],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return run, config


def saved(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert run.returncode == 0, run.stderr
    told: dict[str, Any] = json.loads(run.stdout)
    return told


@pytest.mark.usefixtures("qt")
def test_fingers_alone_lead_from_the_picture_to_a_saved_configuration(picture: Path, tmp_path: Path) -> None:
    run, config = worked("by_finger", tmp_path, f"file:{picture}")
    told = saved(run)
    assert (told["config"], told["own_scale"], told["saved"]["screen.language"]) == (str(config), False, "en")
    made = load_config(config, {})
    region, scale = made.capture.region, made.capture.scale
    assert region is not None
    assert scale is not None
    edges = region.x_px, region.y_px, region.x_px + region.width_px, region.y_px + region.height_px
    drawn = REGION.x_px, REGION.y_px, REGION.x_px + REGION.width_px, REGION.y_px + REGION.height_px
    assert edges == pytest.approx(drawn, abs=4)
    assert (scale.x_mm_per_px, scale.z_mm_per_px) == pytest.approx((50 / (TICKS * TICK_PX),) * 2, rel=0.01)
    assert (made.screen.language, made.capture.width_px, made.capture.height_px) == ("en", WIDTH_PX, HEIGHT_PX)
    assert made.capture.device == "/dev/video0", "a picture is no frame grabber"
    assert "v4l2" in run.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("qt")
def test_keys_alone_do_too_and_go_back(picture: Path, tmp_path: Path) -> None:
    run, config = worked("by_keys", tmp_path, f"file:{picture}")
    by_keys = saved(run)["saved"]
    made = load_config(config, {}).capture
    assert made.region is not None
    assert made.scale is not None
    assert by_keys["capture.region.x_px"] == made.region.x_px == pytest.approx(REGION.x_px + 2, abs=4)
    assert made.scale.z_mm_per_px == pytest.approx(50 / (TICKS * TICK_PX), rel=0.01)


@pytest.mark.slow
@pytest.mark.usefixtures("qt")
def test_a_scale_that_is_not_marked_is_unknown_and_not_the_one_of_before(picture: Path, tmp_path: Path) -> None:
    ConfigStore(tmp_path / "etc" / "device.toml").set({"capture.scale.x_mm_per_px": 0.1, "capture.scale.z_mm_per_px": 0.1})
    run, config = worked("without_scale", tmp_path, f"file:{picture}")
    assert saved(run)["saved"]["capture.scale"] is None
    made = load_config(config, {}).capture
    assert made.scale is None
    assert made.region is not None
    assert "nothing will be shown in mm" in run.stderr


@pytest.mark.usefixtures("qt")
@pytest.mark.parametrize(
    "hand", ["closed", *(pytest.param(one, marks=pytest.mark.slow) for one in ("cancelled", "escaped", "interrupted"))]
)
def test_left_on_the_last_page_the_configuration_is_as_it_was(hand: str, picture: Path, tmp_path: Path) -> None:
    config = tmp_path / "etc" / "device.toml"
    config.parent.mkdir()
    before = '# mine\n[screen]\nlanguage = "en"\n'
    config.write_text(before, encoding="utf-8")
    run, _ = worked(hand, tmp_path, f"file:{picture}")
    assert (run.returncode, run.stdout) == (LEFT_WITHOUT_SAVING, ""), run.stderr
    assert config.read_text(encoding="utf-8") == before
    assert [one.name for one in config.parent.iterdir()] == ["device.toml"]


@pytest.mark.usefixtures("qt")
def test_a_source_with_its_own_scale_says_so_and_only_the_language_is_saved(tmp_path: Path) -> None:
    run, config = worked("own_scale", tmp_path, "sim")
    assert saved(run)["saved"] == {"screen.language": "en"}
    assert "sim brings its own region and scale" in run.stderr
    made = load_config(config, {})
    assert (made.capture.region, made.capture.scale, made.screen.language) == (None, None, "en")


def test_without_a_display_the_keys_to_set_by_hand_are_named(picture: Path, tmp_path: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    run = subprocess.run(
        [*BARE, "setup", "--source", f"file:{picture}", "--config", str(tmp_path / "device.toml")],
        env=bare,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stdout) == (3, "")
    assert run.stderr.startswith("error: no display")
    for key in ("screen.language", "capture.region", "capture.scale"):
        assert key in run.stderr
    assert run.stderr.count("\n") == 1
    assert not (tmp_path / "device.toml").exists()
