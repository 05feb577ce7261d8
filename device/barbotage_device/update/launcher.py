"""Starts the active software instead of the installed one: the first thing that ``barbotage-device`` does. Imports next to nothing."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

VARIABLE = "BARBOTAGE_SOFTWARE"
"""The folder of the software update that runs; not set while the installed software runs."""
MAIN = "from barbotage_device.cli import main; main()"
ALWAYS_INSTALLED = ("update",)
"""Commands of the installed software whatever is active: they mend what an update broke."""


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where keys, pairings and updates are kept: ``barbotage`` under $XDG_STATE_HOME, by default ~/.local/state."""
    return Path(environ.get("XDG_STATE_HOME") or Path(environ.get("HOME", "/root")) / ".local" / "state") / "barbotage"


def redirect(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Becomes the active software when there is one and this is not it; otherwise returns."""
    if VARIABLE in environ or (arguments and arguments[0] in ALWAYS_INSTALLED):
        return
    folder = active_software(_state(arguments, environ))
    if folder is not None:
        become(folder, arguments, environ)


def become(folder: Path | None, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Runs the same command with the software in ``folder`` (None: the installed one) in place of this process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, "-P", "-c", MAIN, *arguments], environment_of(folder, environ))  # noqa: S606


def environment_of(folder: Path | None, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which Python finds the software in ``folder`` before any other."""
    changed = {key: value for key, value in environ.items() if key != VARIABLE}
    old = environ.get(VARIABLE)
    paths = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != old]
    if folder is not None:
        paths.insert(0, str(folder))
        changed[VARIABLE] = str(folder)
    changed["PYTHONPATH"] = os.pathsep.join(paths)
    if not paths:
        del changed["PYTHONPATH"]
    return changed


def active_software(state: Path) -> Path | None:
    """The folder of the active software; None when it is the installed one, or state or files are damaged. Takes 30 ms on a PC."""
    try:
        document = json.loads((state / "update" / "state.json").read_bytes())
        slot = document["software"]["active"]
        folder = (state / "software" / slot["folder"]).absolute()
        from barbotage_device.update.disk import tree_digest

        return folder if tree_digest(folder) == slot["digest"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _state(arguments: Sequence[str], environ: Mapping[str, str]) -> Path:
    """The state folder that the command line names, else the default one."""
    for index, argument in enumerate(arguments):
        if argument == "--state" and index + 1 < len(arguments):
            return Path(arguments[index + 1])
        if argument.startswith("--state="):
            return Path(argument.removeprefix("--state="))
    return state_folder(environ)
