"""The trials of a candidate: the device's own self-test, in a process of its own that may crash or hang."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from barbotage_device.update.launcher import environment_of

TRIAL_S = 180.0
"""The self-test takes 6 s on a PC and under a minute on a Raspberry Pi 4; what takes longer than this hangs."""
RUN = "import sys; from barbotage_device.cli import run_command_line; sys.exit(run_command_line(sys.argv[1:]))"
PROBE = """
import importlib, json, pathlib
from importlib.metadata import version
for name in ("cli", "link.device_end", "link.host_end", "link.server", "runtime.linking", "runtime.running", "update.starting", "update.desk"):
    importlib.import_module("barbotage_device." + name)
import barbotage_device, barbotage_models
roots = [str(pathlib.Path(each.__file__).resolve().parent.parent) for each in (barbotage_device, barbotage_models)]
print(json.dumps({"roots": roots, "version": version("barbotage")}))
"""
"""Whether the new code is what Python finds, can be imported with its link, and can itself be updated again."""


class SelfTests:
    """Runs the self-test (``barbotage-device check``) in child processes with this environment."""

    def __init__(self, environ: Mapping[str, str] | None = None, limit_s: float = TRIAL_S) -> None:
        self._environ = dict(os.environ if environ is None else environ)
        self._limit_s = limit_s

    def model(self, file: Path) -> str | None:
        """As in Trials: card and contract, a simulated frame with a known answer, time per stage."""
        return self._check(self._environ, file)

    def software(self, folder: Path, version: str, model: Path | None) -> str | None:
        """As in Trials: imports, the link's code, then the whole self-test by the new software."""
        environ = environment_of(folder, self._environ)
        done = self._run(["-c", PROBE], environ)
        if isinstance(done, str):
            return done
        if done.returncode:
            return f"it cannot be imported: {_last_line(done.stderr)}"
        try:
            found = json.loads(done.stdout)
            right = {Path(each) for each in found["roots"]} == {folder.resolve()} and found["version"] == version
        except (ValueError, KeyError, TypeError):
            return "it cannot be imported: it did not say what it is"
        if not right:
            return f"Python finds other software than the update: {found['version']} in {', '.join(found['roots'])}"
        return self._check(environ, model)

    def _check(self, environ: Mapping[str, str], model: Path | None) -> str | None:
        # Without a model the one that the software brings is meant: a state folder without updates has no other.
        named = [] if model is None else ["--model", str(model)]
        environ = {**environ, "XDG_STATE_HOME": os.devnull} if model is None else environ
        done = self._run(["-c", RUN, "check", "--json", *named], environ)
        if isinstance(done, str):
            return done
        failed = _failed_checks(done.stdout)
        if done.returncode == 0 and failed == []:
            return None
        if failed:
            return f"its self-test failed: {'; '.join(failed)}"
        return f"its self-test did not end well (code {done.returncode}): {_last_line(done.stderr)}"

    def _run(self, arguments: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str] | str:
        try:
            return subprocess.run(  # noqa: S603 - this Python, with code and paths of our own
                [sys.executable, "-P", *arguments],
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self._limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"its self-test was not done after {self._limit_s:.0f} s"


def _failed_checks(text: str) -> list[str] | None:
    """The checks that failed; None when there is no report."""
    try:
        checks = json.loads(text)["checks"]
        return [f"{each['name']}: {each['detail']}" for each in checks if each["verdict"] == "fail"]
    except (ValueError, KeyError, TypeError):
        return None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"
