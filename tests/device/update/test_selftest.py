import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.bundles import make_model, make_model_bundle, make_real_wheel, make_store, pack_wheel

from barbotage_device.update.selftest import SelfTests
from barbotage_device.update.staging import stage
from barbotage_device.update.store import UpdateStore
from barbotage_models.bundle import bundled_model


@pytest.mark.slow
def test_a_model_that_is_no_model_fails_with_the_reason(tmp_path: Path) -> None:
    why = SelfTests().model(make_model(tmp_path, "1.0"))
    assert why is not None
    assert "model: small.tflite cannot be loaded" in why


@pytest.mark.slow
def test_a_model_that_sees_nothing_fails_and_the_bundled_one_passes(tmp_path: Path) -> None:
    good = bundled_model().read_bytes()
    middle = len(good) // 2
    spoilt = good[: middle - 60_000] + bytes(120_000) + good[middle + 60_000 :]
    why = SelfTests().model(make_model(tmp_path, "1.0", spoilt))
    assert why is not None
    assert "self-test" in why
    assert SelfTests().model(bundled_model()) is None


FAKES = {
    "does not import": ({"barbotage_device/cli.py": "raise ImportError('broken on purpose')"}, "broken on purpose"),
    "is not all there": ({"barbotage_device/cli.py": ""}, "cannot be imported"),
    "ends in silence": ({"barbotage_device/cli.py": "import os; os._exit(0)"}, "did not say what it is"),
    "hangs": ({"barbotage_device/cli.py": "import time; time.sleep(60)"}, "not done after"),
}


@pytest.mark.parametrize("fake", FAKES)
def test_software_that_cannot_run_fails_with_the_reason(tmp_path: Path, fake: str) -> None:
    files, why = FAKES[fake]
    folder = tmp_path / "software"
    for name, text in {"barbotage_device/__init__.py": "", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    said = SelfTests(limit_s=1.5 if fake == "hangs" else 60).software(folder, "9.0", None)
    assert said is not None
    assert why in said


def run_device(home: Path, *arguments: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
    """The device's command as it is installed, with updates under ``home``."""
    environ = {**os.environ, "XDG_STATE_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    command = "from barbotage_device.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", command, *arguments], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.slow
def test_this_very_software_is_updated_to_another_version_of_itself_and_a_broken_one_is_rolled_back(tmp_path: Path) -> None:
    state = tmp_path / "barbotage"
    store, keys = make_store(state)
    stage(store, keys, pack_wheel(make_real_wheel(tmp_path / "good", "9.9.9")))
    stage(store, keys, make_model_bundle(tmp_path, content=bundled_model().read_bytes()))
    run = ("run", "--source", "sim", "--headless", "--frames", "5", "--record", str(tmp_path / "sessions"))
    done = run_device(tmp_path, *run)
    assert "software barbotage 9.9.9 passed its self-test and is active" in done.stderr
    assert "model small 1.0 passed its self-test and is active" in done.stderr
    folder = store.load().software.active
    assert folder is not None
    assert f"9.9.9 (update in {state / 'software' / folder.folder})" in run_device(tmp_path, "--version").stdout
    header = json.loads(next((tmp_path / "sessions").glob("*/session.json")).read_text())
    assert '"9.9.9"' in json.dumps(header), "the session names the software that recorded it"
    assert '"small"' in json.dumps(header), "and the model"

    broken = make_real_wheel(tmp_path / "broken", "10.0.0")
    _spoil(broken)
    stage(store, keys, pack_wheel(broken))
    done = run_device(tmp_path, *run)
    assert "software barbotage 10.0.0 rolled back: its self-test failed: simulated" in done.stderr
    assert "9.9.9" in run_device(tmp_path, "--version").stdout
    run_device(tmp_path, "update", "rollback", "software")
    assert "update in" not in run_device(tmp_path, "--version").stdout
    status = json.loads(run_device(tmp_path, "update", "status", "--json").stdout)
    assert status["software"]["active"] is None
    assert UpdateStore(state).load().software.previous is None


def _spoil(wheel: Path) -> None:
    """Software that imports well and sees nothing."""
    import zipfile

    from tests.support.bundles import make_wheel

    with zipfile.ZipFile(wheel) as archive:
        files: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist() if ".dist-info" not in name}
    name = "barbotage_device/runtime/detection.py"
    source = files[name]
    assert isinstance(source, bytes)
    text = source.decode()
    assert "model.interpreter.run(" in text
    files[name] = text.replace("model.interpreter.run(", "model.interpreter.run(0 * ")
    make_wheel(wheel.parent, "10.0.0", files)
