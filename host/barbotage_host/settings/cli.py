"""The commands ``barbotage config …|time …``: options and help."""

from pathlib import Path
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

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file.", show_default=False)]


def add_commands(app: typer.Typer) -> None:
    """Mounts the commands on the command line ``barbotage``."""
    config = typer.Typer(
        help="The settings of a device: read, check, change, read back. Changes are refused during a procedure.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for name, command in (
        ("get", get_command),
        ("set", set_command),
        ("diff", diff_command),
        ("apply", apply_command),
        ("export", export_command),
        ("import", import_command),
    ):
        config.command(name=name)(command)
    app.add_typer(config, name="config")
    app.command(name="time")(time_command)


def get_command(
    key: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY...]", help="Keys or sections; by default all.", show_default=False)
    ] = None,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    within: WithinOption = 30.0,
    as_json: JsonOption = False,
) -> int:
    """The settings of the device, with their units.

    \b
    Examples:
      barbotage config get
      barbotage config get screen capture.fps_hz
    """
    from barbotage_host.settings.commands import show_settings

    names = tuple(key or ())
    return run_command(
        lambda context: show_settings(context, names), make_context(port, device, baud, state, None, as_json, within)
    )


def set_command(
    pair: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE...", help="What to set; 'none' takes an optional section away.", show_default=False),
    ] = None,
    dry_run: DryRunOption = False,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    within: WithinOption = 30.0,
    as_json: JsonOption = False,
) -> int:
    """Sets keys, all or none of them; the values are checked here and on the device, then read back.

    \b
    Examples:
      barbotage config set screen.language=en
      barbotage config set capture.scale.x_mm_per_px=0.06 capture.scale.z_mm_per_px=0.06
      barbotage config set capture.region=none
    """
    from barbotage_host.settings.commands import set_settings

    words = tuple(pair or ())
    return run_command(
        lambda context: set_settings(context, words, dry_run), make_context(port, device, baud, state, None, as_json, within)
    )


def diff_command(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A TOML file.", show_default=False)] = None,
    factory: Annotated[bool, typer.Option("--factory", help="Against a new device; so it is without FILE.")] = False,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    within: WithinOption = 30.0,
    as_json: JsonOption = False,
) -> int:
    """Where the device's settings differ from those of a new device, or from the keys of FILE. Ends with 0 either way.

    \b
    Examples:
      barbotage config diff
      barbotage config diff clinic.toml
    """
    from barbotage_device.errors import UsageError
    from barbotage_host.devices.context import Context
    from barbotage_host.settings.commands import show_differences

    def action(context: Context) -> int:
        if factory and file is not None:
            raise UsageError("give FILE or --factory, not both")
        return show_differences(context, file)

    return run_command(action, make_context(port, device, baud, state, None, as_json, within))


def apply_command(
    file: FileArgument,
    dry_run: DryRunOption = False,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    within: WithinOption = 30.0,
    as_json: JsonOption = False,
) -> int:
    """Sets the keys that FILE has, all or none of them; every other key stays as it is. See also import.

    \b
    Examples:
      barbotage config apply clinic.toml --dry-run
      barbotage config apply clinic.toml
    """
    from barbotage_host.settings.commands import apply_file

    return run_command(
        lambda context: apply_file(context, file, dry_run), make_context(port, device, baud, state, None, as_json, within)
    )


def export_command(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; by default stdout.", show_default=False)
    ] = None,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    within: WithinOption = 30.0,
    as_json: JsonOption = False,
) -> int:
    """The whole configuration as documented TOML, as 'barbotage-device run --config' reads it.

    \b
    Examples:
      barbotage config export
      barbotage config export device.toml
    """
    from barbotage_host.settings.commands import export_settings

    return run_command(
        lambda context: export_settings(context, file), make_context(port, device, baud, state, None, as_json, within)
    )


def import_command(
    file: FileArgument,
    dry_run: DryRunOption = False,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    within: WithinOption = 30.0,
    as_json: JsonOption = False,
) -> int:
    """Makes FILE the whole configuration: keys that it does not have become as on a new device. An empty FILE resets everything.

    To change only the keys of FILE, use apply.

    \b
    Examples:
      barbotage config import device.toml --dry-run
      barbotage config import device.toml
    """
    from barbotage_host.settings.commands import import_file

    return run_command(
        lambda context: import_file(context, file, dry_run), make_context(port, device, baud, state, None, as_json, within)
    )


def time_command(
    action: Annotated[str | None, typer.Argument(metavar="[set]", help="Set the device's clock.", show_default=False)] = None,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    within: WithinOption = 30.0,
    as_json: JsonOption = False,
) -> int:
    """The device's clock against this computer's: both times, how far apart they are, how sure that is.

    'time set' sets the device's clock from this computer's, corrected by half of the round trip, and looks at it again. It is refused during a procedure.

    \b
    Examples:
      barbotage time
      barbotage time set
    """
    from barbotage_device.errors import UsageError
    from barbotage_host.devices.context import Context
    from barbotage_host.settings.clock import set_device_clock, show_clocks

    def run(context: Context) -> int:
        if action not in (None, "set"):
            raise UsageError(f"'time {action}' is not known; there are 'time' and 'time set'")
        return set_device_clock(context) if action else show_clocks(context)

    return run_command(run, make_context(port, device, baud, state, None, as_json, within))
