import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.bundles import Judge, make_model_bundle, make_software_bundle, make_store

from barbotage_device.update import launcher, starting
from barbotage_device.update.activation import Activation
from barbotage_device.update.store import UpdateStore

SAYS_WHO_IT_IS = {
    "barbotage_device/__init__.py": "",
    "barbotage_device/cli.py": (
        "import sys, json\n"
        "from importlib.metadata import version\n"
        "def main():\n"
        "    print(json.dumps([version('barbotage'), __file__, sys.argv[1:]]))\n"
    ),
}
STARTS = "from barbotage_device.update import launcher; import os, sys; launcher.redirect(sys.argv[1:], os.environ); print('installed')"


def activate(state: Path, bundle: Path) -> None:
    from barbotage_device.update.staging import stage

    store, keys = make_store(state)
    stage(store, keys, bundle)
    Activation(UpdateStore(state), Judge(), lambda _: None).start()


def started(home: Path, *arguments: str, **environ: str) -> str:
    """What a start of the installed software prints."""
    clean = {key: value for key, value in os.environ.items() if key != launcher.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-P", "-c", STARTS, *arguments],
        env={**clean, "XDG_STATE_HOME": str(home), **environ},
        capture_output=True,
        text=True,
        check=True,
        cwd=home,
    )
    return done.stdout.strip()


def test_the_active_software_takes_over_with_its_own_version_and_the_same_arguments(tmp_path: Path) -> None:
    state = tmp_path / "barbotage"
    (tmp_path / "barbotage_device").mkdir()  # a folder of this name where the command is started must not be run
    (tmp_path / "barbotage_device" / "cli.py").write_text("raise SystemExit(9)")
    (tmp_path / "barbotage_device" / "__init__.py").touch()
    assert started(tmp_path, "run") == "installed"
    activate(state, make_software_bundle(tmp_path, "9.0", files=SAYS_WHO_IT_IS))
    version, file, arguments = json.loads(started(tmp_path, "run", "--source", "sim"))
    assert (version, arguments) == ("9.0", ["run", "--source", "sim"])
    assert Path(file).is_relative_to(state / "software")
    assert json.loads(started(tmp_path / "barbotage", "run", "--state", str(state)))[0] == "9.0"
    assert started(tmp_path, "run", f"--state={tmp_path / 'other'}") == "installed"


def test_the_commands_that_mend_updates_and_what_was_started_already_stay_as_they_are(tmp_path: Path) -> None:
    activate(tmp_path / "barbotage", make_software_bundle(tmp_path, "9.0", files=SAYS_WHO_IT_IS))
    assert started(tmp_path, "update", "status") == "installed"
    assert started(tmp_path, "run", **{launcher.VARIABLE: "anything"}) == "installed"


def test_software_with_a_damaged_file_is_not_started(tmp_path: Path) -> None:
    activate(tmp_path / "barbotage", make_software_bundle(tmp_path, "9.0", files=SAYS_WHO_IT_IS))
    folder = launcher.active_software(tmp_path / "barbotage")
    assert folder is not None
    (folder / "barbotage_device" / "cli.py").write_text("def main(): raise SystemExit(9)")
    assert started(tmp_path, "run") == "installed"


@pytest.mark.parametrize(
    "state", ["", "{", "[]", '{"software": {"active": {"folder": "gone"}}}', '{"software": {"active": null}}']
)
def test_a_state_that_cannot_be_read_starts_the_installed_software(tmp_path: Path, state: str) -> None:
    path = tmp_path / "barbotage" / "update" / "state.json"
    path.parent.mkdir(parents=True)
    path.write_text(state)
    assert launcher.active_software(tmp_path / "barbotage") is None


def test_the_path_of_python_names_one_update_at_a_time_and_keeps_what_was_there() -> None:
    first = launcher.environment_of(Path("/s/1"), {"PYTHONPATH": "/mine"})
    assert first == {"PYTHONPATH": "/s/1:/mine", launcher.VARIABLE: "/s/1"}
    assert launcher.environment_of(Path("/s/2"), first) == {"PYTHONPATH": "/s/2:/mine", launcher.VARIABLE: "/s/2"}
    assert launcher.environment_of(None, first) == {"PYTHONPATH": "/mine"}
    assert launcher.environment_of(None, launcher.environment_of(Path("/s/1"), {})) == {}


class Saying:
    """A console that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, line: str) -> None:
        self.lines.append(line)

    warning = note


def test_a_start_leaves_a_device_without_updates_alone(tmp_path: Path) -> None:
    assert starting.start_updates(tmp_path / "state", Saying()).model is None  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_activated_while_another_program_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from barbotage_device.update.staging import stage

    monkeypatch.setattr(starting, "SelfTests", Judge)
    store, keys = make_store(tmp_path / "state")
    stage(store, keys, make_model_bundle(tmp_path))
    console = Saying()
    assert starting.start_updates(tmp_path / "state", console, lambda: True).model is None  # type: ignore[arg-type]
    assert "waits for the next start" in console.lines[0]
    model = starting.start_updates(tmp_path / "state", console).model  # type: ignore[arg-type]
    assert model == starting.active_model_of(tmp_path / "state")
    assert model is not None
    assert model.read_bytes() == b"not a network 1.0"


def test_a_damaged_state_warns_and_the_bundled_model_runs(tmp_path: Path) -> None:
    path = tmp_path / "state" / "update" / "state.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    console = Saying()
    assert starting.start_updates(tmp_path / "state", console).model is None  # type: ignore[arg-type]
    assert "is damaged" in console.lines[0]
    assert starting.active_model_of(tmp_path / "state") is None


def test_after_activation_the_process_goes_on_as_the_new_software(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[Path | None] = []
    monkeypatch.setattr(starting, "become", lambda folder, *_: became.append(folder))
    monkeypatch.setattr(starting, "SelfTests", Judge)
    from barbotage_device.update.staging import stage

    store, keys = make_store(tmp_path / "state")
    stage(store, keys, make_software_bundle(tmp_path, "9.0"))
    starting.start_updates(tmp_path / "state", Saying())  # type: ignore[arg-type]
    assert [each.parent.name for each in became if each] == ["software"]
    monkeypatch.setenv(launcher.VARIABLE, str(became[0]))
    starting.start_updates(tmp_path / "state", Saying())  # type: ignore[arg-type]
    assert len(became) == 1, "it runs already"
