"""The live screen worked by real Qt events: a finger on the image switches the overlay, on a frozen image it measures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


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


@pytest.mark.usefixtures("qt")
def test_a_finger_on_the_live_image_is_the_overlay_and_on_a_frozen_one_a_caliper() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.device.runtime.qt_screen_child"],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [
        "begin True",
        "finger on the image True overlay=False",
        "pointer on the image True overlay=True",
        "finger beside the image True",
        "frozen True frozen=True",
        "stroke on the frozen image True",
        "calipers True",
        "thawed True frozen=False",
    ]
