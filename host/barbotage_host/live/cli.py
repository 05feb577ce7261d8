"""The command ``barbotage live``: options and help."""

from typing import Annotated

import typer

from barbotage_host.devices.options import (
    BaudOption,
    DeviceOption,
    JsonOption,
    PortOption,
    StateOption,
    WithinOption,
    make_context,
    run_command,
)


def add_commands(app: typer.Typer) -> None:
    """Mounts the command on the command line ``barbotage``."""
    app.command(name="live")(live_command)


def live_command(
    topics: Annotated[
        str | None,
        typer.Option(
            "--topics", metavar="A,B,…", help="What to listen to; by default status,guidance,health. Events come always."
        ),
    ] = None,
    hz: Annotated[float, typer.Option("--hz", min=0.1, max=60.0, help="How often each topic comes at most.")] = 10.0,
    for_s: Annotated[
        float | None, typer.Option("--for", metavar="S", min=0.1, help="End after so many seconds; else Ctrl-C ends it.")
    ] = None,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    within: WithinOption = 30.0,
    as_json: JsonOption = False,
) -> int:
    """Shows what a device tells while it works: rates, distances, prompts, health, the link. A cut line comes back by itself.

    In a terminal it fills the screen; elsewhere it writes one line for each status and event, with --json one object for each message.

    \b
    Examples:
      barbotage live
      barbotage live --device "theatre 2" --hz 25
      barbotage live --topics health --json --for 60 > health.jsonl
    """
    from barbotage_host.live.commands import LiveRequest, show_live

    return run_command(
        lambda context: show_live(context, LiveRequest(topics, hz, for_s)),
        make_context(port, device, baud, state, None, as_json, within),
    )
