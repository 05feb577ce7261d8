"""The commands ``barbotage-device update …``: options and help. They always run the installed software, whatever is active."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from barbotage_device.console import Console, guarded

app = typer.Typer(
    name="update",
    help="Signed updates of this device: whose bundles it takes, what is active, going back.",
    rich_markup_mode=None,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

StateOption = Annotated[
    Path | None, typer.Option("--state", metavar="DIR", help="Folder of the device's keys, pairings and updates.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of words.")]


@app.command(name="trust")
def trust_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A minisign public key (.pub).", show_default=False)],
    state: StateOption = None,
) -> int:
    """Takes updates that are signed with this key, from now on. Compare the key's id with what its maker says.

    \b
    Examples:
      barbotage-device update trust clinic.pub
    """
    from barbotage_device.update import commands

    return _run(lambda console: commands.trust(_folder(state), file, console))


@app.command(name="untrust")
def untrust_command(
    key: Annotated[
        str,
        typer.Argument(metavar="KEY", help="The id of the key: 16 hexadecimal digits, as 'status' shows it.", show_default=False),
    ],
    state: StateOption = None,
) -> int:
    """Takes updates that are signed with this key no more. What is installed stays.

    \b
    Examples:
      barbotage-device update untrust 4C922A4D2786A210
    """
    from barbotage_device.update import commands

    return _run(lambda console: commands.untrust(_folder(state), key, console))


@app.command(name="status")
def status_command(state: StateOption = None, as_json: JsonOption = False) -> int:
    """What is active, staged and kept to go back to, how the last update ended, and which keys are trusted.

    \b
    Examples:
      barbotage-device update status
      barbotage-device update status --json
    """
    from barbotage_device.update import commands

    return _run(lambda console: commands.show_status(_folder(state), console, as_json))


@app.command(name="rollback")
def rollback_command(
    kind: Annotated[str, typer.Argument(metavar="model|software", help="What to go back with.", show_default=False)],
    state: StateOption = None,
) -> int:
    """Goes back to what was active before, from the next start on; what was staged is dropped.

    \b
    Examples:
      barbotage-device update rollback model
    """
    from barbotage_device.update import commands

    return _run(lambda console: commands.rollback(_folder(state), kind, console))


def _folder(state: Path | None) -> Path:
    from barbotage_device.update.launcher import state_folder

    return state or state_folder(os.environ)


def _run(action: Callable[[Console], int]) -> int:
    console = Console()
    return guarded(lambda: action(console), console)
