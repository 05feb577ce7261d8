"""The commands ``barbotage update …``: options and help."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from barbotage_device.console import Console, guarded
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

app = typer.Typer(
    name="update",
    help="Signed updates: keys, packing bundles, installing them on a device, going back.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
pack_app = typer.Typer(
    name="pack",
    help="Packs a model or the device's software into a signed bundle.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(pack_app)

BundleArgument = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A .barbotage file.", show_default=False)]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="The secret key; without one the bundle is left unsigned, for minisign itself."),
]
VersionOption = Annotated[
    str | None, typer.Option("--version", metavar="V", help="Must be the version that the content says; only a check.")
]
SecurityVersionOption = Annotated[
    int,
    typer.Option(
        "--security-version", metavar="N", min=0, help="Never lower than before: devices refuse to go below the highest."
    ),
]
OutOption = Annotated[Path, typer.Option("--out", metavar="FILE", help="The bundle: NAME-VERSION.barbotage.")]


def add_commands(application: typer.Typer) -> None:
    """Mounts the commands on the command line ``barbotage``."""
    application.add_typer(app, name="update")


@app.command(name="keygen")
def keygen_command(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the two files go.")] = Path(),
) -> int:
    """Makes a pair of keys in minisign's format: one signs bundles, the other goes to the devices.

    \b
    Examples:
      barbotage update keygen --out ~/release-keys
    """
    from barbotage_host.update import commands

    return _run(lambda console: commands.keygen(out, console))


@pack_app.command(name="model")
def pack_model_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .tflite file with its card beside it.", show_default=False)],
    security_version: SecurityVersionOption,
    out: OutOption,
    key: KeyOption = None,
    version: VersionOption = None,
) -> int:
    """Packs a model and its card.

    \b
    Examples:
      barbotage update pack model shoulder.tflite --key barbotage-update.key --security-version 2 --out shoulder-0.2.0.barbotage
    """
    from barbotage_device.update.manifest import Kind
    from barbotage_host.update import commands

    return _run(lambda console: commands.pack(Kind.MODEL, model, key, version, security_version, out, console))


@pack_app.command(name="software")
def pack_software_command(
    wheel: Annotated[Path, typer.Argument(metavar="WHEEL", help="A pure wheel of barbotage.", show_default=False)],
    security_version: SecurityVersionOption,
    out: OutOption,
    key: KeyOption = None,
    version: VersionOption = None,
) -> int:
    """Packs the device's software.

    \b
    Examples:
      barbotage update pack software barbotage-0.2.0-py3-none-any.whl --key barbotage-update.key --security-version 2 --out barbotage-0.2.0.barbotage
    """
    from barbotage_device.update.manifest import Kind
    from barbotage_host.update import commands

    return _run(lambda console: commands.pack(Kind.SOFTWARE, wheel, key, version, security_version, out, console))


@app.command(name="show")
def show_command(bundle: BundleArgument, as_json: JsonOption = False) -> int:
    """What a bundle is, once every file of it was found whole. Whether the signature is right, the device says.

    \b
    Examples:
      barbotage update show shoulder-0.2.0.barbotage
    """
    from barbotage_host.update import commands

    return _run(lambda console: commands.show(bundle, console, as_json))


@app.command(name="install")
def install_command(
    bundle: BundleArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    retry_for: Annotated[
        float,
        typer.Option("--retry-for", metavar="S", min=0.0, help="After a lost line, seconds without a byte until it gives up."),
    ] = 60.0,
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    within: WithinOption = 30.0,
) -> int:
    """Sends a bundle to a device, which verifies and stages it. It is tested and becomes active at the device's next start.

    A lost line or an interrupted command loses nothing: run it again and it goes on where it stopped. Refused during a procedure.

    \b
    Examples:
      barbotage update install shoulder-0.2.0.barbotage
      barbotage update install barbotage-0.2.0.barbotage --yes --json
    """
    from barbotage_host.update import commands

    ask = None if yes else _asker()
    return run_command(
        lambda context: commands.install(context, bundle, ask, retry_for),
        make_context(port, device, baud, state, None, as_json, within),
    )


@app.command(name="status")
def status_command(
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    within: WithinOption = 30.0,
) -> int:
    """Where updates stand on a device: staged, active, rolled back and why.

    \b
    Examples:
      barbotage update status
    """
    from barbotage_host.update import commands

    return run_command(commands.show_status, make_context(port, device, baud, state, None, as_json, within))


@app.command(name="rollback")
def rollback_command(
    kind: Annotated[str, typer.Argument(metavar="model|software", help="What to go back with.", show_default=False)],
    port: PortOption = None,
    device: DeviceOption = None,
    baud: BaudOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    within: WithinOption = 30.0,
) -> int:
    """Lets the device go back to what was active before, from its next start on; what was staged is dropped.

    \b
    Examples:
      barbotage update rollback model
    """
    from barbotage_host.update import commands

    return run_command(
        lambda context: commands.rollback(context, kind), make_context(port, device, baud, state, None, as_json, within)
    )


def _asker() -> Callable[[str], bool]:
    def ask(question: str) -> bool:
        import sys

        from barbotage_device.errors import UsageError

        if not sys.stdin.isatty():
            raise UsageError("there is nobody to ask; add --yes")
        return typer.confirm(question, err=True)

    return ask


def _run(action: Callable[[Console], int]) -> int:
    console = Console()
    return guarded(lambda: action(console), console)
