"""The commands ``barbotage-device sessions …``: options and help. What they do is in ``runtime.sessions``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from barbotage_device.console import Console, guarded

app = typer.Typer(
    help="Recorded sessions on this computer: list, verify, recover, mark, prune, small videos.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PathArgument = Annotated[
    Path, typer.Argument(metavar="PATH", help="A session's folder, or a folder with sessions.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of words.")]


@app.callback(invoke_without_command=True)
def _alone(context: typer.Context) -> None:
    """Recorded sessions on this computer: list, verify, recover, mark, prune, small videos."""
    if context.invoked_subcommand is None:
        Console().result(context.get_help())


@app.command(name="list")
def list_command(path: PathArgument, as_json: JsonOption = False) -> int:
    """The sessions, oldest first: when, how long, how large, how far the procedure went, marked, synced, in need of recovery."""

    def action() -> int:
        from barbotage_device.runtime.sessions import list_sessions

        return list_sessions(path, console, as_json)

    console = Console()
    return guarded(action, console)


@app.command(name="verify")
def verify_command(path: PathArgument, as_json: JsonOption = False) -> int:
    """Checks every file against its digest and every event against the chain. Ends with 1 and names the first event that breaks it."""

    def action() -> int:
        from barbotage_device.runtime.sessions import verify_sessions

        return verify_sessions(path, console, as_json)

    console = Console()
    return guarded(action, console)


@app.command(name="recover")
def recover_command(path: PathArgument, as_json: JsonOption = False) -> int:
    """Makes sessions whole after a pulled plug, a full disk or damage; says what is lost. Whole sessions are left as they are."""

    def action() -> int:
        from barbotage_device.runtime.sessions import recover_sessions

        return recover_sessions(path, console, as_json)

    console = Console()
    return guarded(action, console)


@app.command(name="mark")
def mark_command(path: PathArgument) -> int:
    """Keeps sessions from being removed when room is needed."""

    def action() -> int:
        from barbotage_device.runtime.sessions import mark_sessions

        return mark_sessions(path, True, console)

    console = Console()
    return guarded(action, console)


@app.command(name="unmark")
def unmark_command(path: PathArgument) -> int:
    """Allows sessions to be removed again, once they are synced."""

    def action() -> int:
        from barbotage_device.runtime.sessions import mark_sessions

        return mark_sessions(path, False, console)

    console = Console()
    return guarded(action, console)


@app.command(name="prune")
def prune_command(
    path: PathArgument,
    budget_gb: Annotated[
        float | None, typer.Option("--budget-gb", min=0.0, help="Room for all sessions; the configured one by default.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="TOML", help="Configuration file.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Removes the oldest sessions that are synced and not marked, until all fit the budget and enough of the disk is free.

    Never removes another. Ends with 4, having removed nothing, when that is not enough.
    """

    def action() -> int:
        from barbotage_device.config import load_config
        from barbotage_device.runtime.recording.room import retention
        from barbotage_device.runtime.sessions import prune_sessions

        chosen = load_config(config, os.environ).recording
        settings = retention(chosen.disk_budget_gb if budget_gb is None else budget_gb, chosen.keep_free_gb)
        return prune_sessions(path, settings, console, as_json)

    console = Console()
    return guarded(action, console)


@app.command(name="proxy")
def proxy_command(path: PathArgument, as_json: JsonOption = False) -> int:
    """Makes key frames and the small H.264 video of a session, or of every session in a folder that lacks one of them."""

    def action() -> int:
        from barbotage_device.runtime.sessions import make_proxies

        return make_proxies(path, console, as_json)

    console = Console()
    return guarded(action, console)
