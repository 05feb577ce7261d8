"""Tier 1: the firmware's logic on MicroPython's unix port, with the machine module replaced."""

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "micropython"
MODULES = sorted(path.stem for path in HERE.glob("logic_*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_logic(module: str, unix_port: Path, pod_sources: Path) -> None:
    path = f"{HERE}:{pod_sources / 'unix'}:{pod_sources}:.frozen"
    environment = {**os.environ, "MICROPYPATH": path, "POD_VECTORS": str(pod_sources / "vectors.json")}
    done = subprocess.run([unix_port, HERE / "runner.py", module], env=environment, capture_output=True, timeout=60, check=False)
    text = (done.stdout + done.stderr).decode(errors="replace")  # fault frames are part of it
    lines = text.splitlines()
    assert done.returncode == 0, text
    assert sum("ok test_" in line for line in lines) >= 3


def test_every_logic_module_is_there() -> None:
    assert MODULES == ["logic_behaviour", "logic_config", "logic_frame", "logic_start"]
