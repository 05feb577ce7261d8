"""Updates at the start of ``run`` and ``serve``: activation, and which model and software then run."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.console import Console
from barbotage_device.update.activation import Activation, active_model
from barbotage_device.update.errors import UpdateBusyError, UpdateError
from barbotage_device.update.launcher import VARIABLE, become
from barbotage_device.update.manifest import Kind
from barbotage_device.update.selftest import SelfTests
from barbotage_device.update.store import Updates, UpdateStore


@dataclass(frozen=True, slots=True)
class Started:
    """What a start found: the file of the active model, None for the one that the software brought."""

    model: Path | None


def start_updates(state: Path, console: Console, in_procedure: Callable[[], bool] = lambda: False) -> Started:
    """Activates what is staged, and goes on as the active software when that is another than this: then it does not return.

    Nothing is activated while another process is in a procedure. What is wrong with updates is said and stops nothing.
    """
    store = UpdateStore(state)
    try:
        if not store.is_used:
            updates = Updates()
        elif in_procedure():
            updates = store.load()
            if updates.model.candidate or updates.software.candidate:
                console.note("update: a procedure is running; what is staged waits for the next start")
        else:
            updates = Activation(store, SelfTests(), console.note, running_software(os.environ)).start()
    except UpdateBusyError as error:
        console.note(f"update: {error}")
        updates = store.load()
    except (UpdateError, OSError) as error:
        console.warning(f"updates are left alone: {error}")
        return Started(None)
    _continue_as_active(store, updates)
    return Started(active_model(store, updates))


def active_model_of(state: Path) -> Path | None:
    """The active model of a state folder for commands that activate nothing; None for the one that the software brought."""
    store = UpdateStore(state)
    try:
        return active_model(store, store.load())
    except (UpdateError, OSError):
        return None


def running_software(environ: Mapping[str, str]) -> Path | None:
    """The folder of the software update that runs; None for the installed software."""
    folder = environ.get(VARIABLE)
    return None if folder is None else Path(folder)


def _continue_as_active(store: UpdateStore, updates: Updates) -> None:
    slot = updates.software.active
    wanted = None if slot is None else store.folder(Kind.SOFTWARE, slot).absolute()
    if wanted != running_software(os.environ):
        become(wanted, sys.argv[1:], os.environ)
