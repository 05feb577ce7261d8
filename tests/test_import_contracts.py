"""Every import contract fails when it is violated: a contract that cannot fail protects nothing."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOPS = ("models", "device", "host", "firmware_tools")

# Contract id: (file to spoil, line that breaks the contract).
VIOLATIONS = {
    "distribution": ("models/barbotage_models/simulator/settings.py", "import barbotage_device.errors"),
    "device-uses-contract-and-simulator-only": (
        "device/barbotage_device/runtime/models.py",
        "import barbotage_models.training.shards",
    ),
    "models-inside": ("models/barbotage_models/contract/taxonomy.py", "import barbotage_models.simulator.settings"),
    "device-inside": ("device/barbotage_device/perception/scene.py", "import barbotage_device.guidance.aim"),
    "session-stands-alone": ("device/barbotage_device/session/__init__.py", "import cv2"),
    "link-stands-alone": ("device/barbotage_device/link/__init__.py", "import barbotage_device.capture.region"),
    "link-cores-are-pure": ("device/barbotage_device/link/outbox.py", "import time"),
    "capture-stands-alone": ("device/barbotage_device/capture/region.py", "import barbotage_device.perception.scene"),
    "contract-is-light": ("models/barbotage_models/contract/geometry.py", "import scipy"),
    "pod-client-stands-alone": ("device/barbotage_device/probe_pod/client.py", "import barbotage_device.capture.region"),
    "pod-codec-pure": ("device/barbotage_device/probe_pod/state.py", "import threading"),
    "one-emulator-module": ("firmware_tools/barbotage_firmware_tools/emulate.py", "import rp2040py"),
    "pure-cores": ("device/barbotage_device/guidance/aim.py", "import time"),
}


def _lint(tree: Path) -> str:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--config", str(tree / "pyproject.toml")]
    path = ":".join(str(tree / top) for top in TOPS)
    done = subprocess.run(
        command,
        cwd=tree,
        env={"PYTHONPATH": path, "PATH": "/usr/bin:/bin", "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def _copy(to: Path) -> Path:
    for top in TOPS:
        shutil.copytree(ROOT / top, to / top, ignore=shutil.ignore_patterns("__pycache__", "*.tflite", "*.otf"))
    shutil.copy(ROOT / "pyproject.toml", to / "pyproject.toml")
    return to


def test_each_contract_breaks_when_it_is_violated(tmp_path: Path) -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {c["id"]: c["name"] for c in config["tool"]["importlinter"]["contracts"]}
    assert contracts.keys() == VIOLATIONS.keys(), "every contract needs a violation here"

    tree = _copy(tmp_path)
    clean = _lint(tree)
    assert f"Contracts: {len(contracts)} kept, 0 broken" in clean, clean

    for file, line in VIOLATIONS.values():
        path = tree / file
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    spoilt = _lint(tree)
    kept = [name for name in contracts.values() if not re.search(re.escape(name) + r"\s+BROKEN", spoilt)]
    assert not kept, f"not broken: {kept}\n{spoilt}"
