"""The commands ``barbotage archive list|verify|rebuild``: options and help."""

from typing import Annotated

import typer

from barbotage_host.devices.options import ArchiveOption, JsonOption, make_context, run_command

app = typer.Typer(
    help="Sessions in the archive: list, verify, make the catalogue again.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

OfDeviceOption = Annotated[str | None, typer.Option("--device", metavar="SERIAL", help="Only sessions of this device.")]
SinceOption = Annotated[str | None, typer.Option("--since", metavar="YYYY-MM-DD", help="Only sessions from this day (UTC) on.")]


@app.callback(invoke_without_command=True)
def _alone(context: typer.Context) -> None:
    """Sessions in the archive: list, verify, make the catalogue again."""
    if context.invoked_subcommand is None:
        from barbotage_device.console import Console

        Console().result(context.get_help())


@app.command(name="list")
def list_command(
    device: OfDeviceOption = None, since: SinceOption = None, archive: ArchiveOption = None, as_json: JsonOption = False
) -> int:
    """The sessions in the archive, oldest first: device, when, how long, how large, how far the procedure went, who reviewed.

    \b
    Examples:
      barbotage archive list
      barbotage archive list --device 10000000abcdef01 --since 2026-11-01 --json
    """  # noqa: D301 - click needs a real backspace character before examples
    from barbotage_host.sync.archive_commands import Choice, list_archive

    return run_command(
        lambda context: list_archive(context, Choice(device, since)), make_context(None, None, None, None, archive, as_json)
    )


@app.command(name="verify")
def verify_command(
    device: OfDeviceOption = None, since: SinceOption = None, archive: ArchiveOption = None, as_json: JsonOption = False
) -> int:
    """Checks every file against its digest and every event against the chain. Ends with 1 when a session is not as it was closed.

    \b
    Examples:
      barbotage archive verify
      barbotage archive verify --since 2026-11-01
    """  # noqa: D301 - click needs a real backspace character before examples
    from barbotage_host.sync.archive_commands import Choice, verify_archive

    return run_command(
        lambda context: verify_archive(context, Choice(device, since)), make_context(None, None, None, None, archive, as_json)
    )


@app.command(name="rebuild")
def rebuild_command(archive: ArchiveOption = None, as_json: JsonOption = False) -> int:
    """Makes the catalogue (catalogue.sqlite) anew from the folders. It holds nothing that is not in them.

    \b
    Examples:
      barbotage archive rebuild --archive ~/archive
    """  # noqa: D301 - click needs a real backspace character before examples
    from barbotage_host.sync.archive_commands import rebuild_catalogue

    return run_command(rebuild_catalogue, make_context(None, None, None, None, archive, as_json))
