"""The command ``barbotage``: options, help and exit codes of the PC's side. What the commands do is in ``review``."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from barbotage_device.console import EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, Console, guarded
from barbotage_host.devices import cli as devices_cli
from barbotage_host.doctor import cli as doctor_cli
from barbotage_host.export.cli import app as export_app
from barbotage_host.live import cli as live_cli
from barbotage_host.logs import cli as logs_cli
from barbotage_host.settings import cli as settings_cli
from barbotage_host.sync import cli as sync_cli
from barbotage_host.sync import keeping_cli
from barbotage_host.update import cli as update_cli

if TYPE_CHECKING:
    from barbotage_device.bedside.texts import Language

app = typer.Typer(
    name="barbotage",
    help="Barbotage on the PC: review, measure, correct and export recorded sessions. Research use only.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(export_app, name="export")
devices_cli.add_commands(app)
logs_cli.add_commands(app)
settings_cli.add_commands(app)
keeping_cli.add_commands(app)
sync_cli.add_commands(app)
live_cli.add_commands(app)
doctor_cli.add_commands(app)
update_cli.add_commands(app)

JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of words.")]
PathArgument = Annotated[
    Path, typer.Argument(metavar="PATH", help="A session, or a folder that holds sessions (two levels deep).", show_default=False)
]


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run_command_line(sys.argv[1:]))


def run_command_line(arguments: list[str]) -> int:
    """The exit code of a command line; everything that went wrong is said in one line on stderr."""
    console = Console()
    try:
        code = app(args=arguments or ["--help"], prog_name="barbotage", standalone_mode=False)
    except KeyboardInterrupt:
        console.note("interrupted")
        return EXIT_INTERRUPTED
    except Exception as error:
        # As in barbotage_device.cli: the usage errors of typer's versions share only this method.
        message: Callable[[], str] | None = getattr(error, "format_message", None)
        if message is None:
            raise
        console.error(f"{message()} (see barbotage --help)")
        return EXIT_USAGE
    return code if isinstance(code, int) else EXIT_DONE


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        Console().result(f"barbotage {version('barbotage')}")
        raise typer.Exit(EXIT_DONE)


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Options that every command shares."""


@app.command(name="review")
def review_command(
    path: PathArgument = Path(),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    language: Annotated[
        str | None, typer.Option("--language", metavar="fr|en", help="Language of the page; else the browser's.")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="No page: run the present model over the frames and compare with the record.")
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", metavar="FILE", help="With --compare: a .tflite file with its card; the bundled model by default."
        ),
    ] = None,
    fail_on_difference: Annotated[
        bool, typer.Option("--fail-on-difference", help="With --compare: end with 1 when a frame differs.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """The review page in the browser: replay, measure, correct, compare, export. Ctrl-C ends it.

    The page is served on this machine alone (127.0.0.1), with a key of its own for each launch; nothing leaves the machine.
    With --json, one object with "url" and "port" is printed when the page answers.

    --compare runs the present model over the recorded frames instead, without a page: counts, what differs, and the frames that
    differ; with --json, one object per session. It ends with 0 when the comparison was made, whatever it found.

    \b
    Examples:
      barbotage review demo
      barbotage review ~/sessions --language fr --port 8420
      barbotage review demo --compare
      barbotage review demo --compare --json --fail-on-difference
    """

    def action() -> int:
        if compare:
            from barbotage_host.review.comparing import CompareRequest, compare_sessions

            return compare_sessions(CompareRequest(path, model, as_json, fail_on_difference), console)
        _need_compare(model, fail_on_difference)
        from barbotage_host.review.commands import review_in_browser
        from barbotage_host.review.serve import ServeRequest

        return review_in_browser(
            ServeRequest(path, port, _language(language)), console, with_browser=not no_browser, as_json=as_json
        )

    console = Console()
    return guarded(action, console)


@app.command(name="recover")
def recover_command(path: PathArgument, as_json: JsonOption = False) -> int:
    """Makes sessions whole that were cut off or damaged; says what was lost. Sound sessions stay as they are.

    \b
    Examples:
      barbotage recover demo/sessions/01JZXW5S3M3Q5C8R1T9V7N2K4P
      barbotage recover ~/sessions --json
    """

    def action() -> int:
        from barbotage_host.review.commands import recover_sessions

        return recover_sessions(path, console, as_json=as_json)

    console = Console()
    return guarded(action, console)


@app.command(name="verify")
def verify_command(path: PathArgument, as_json: JsonOption = False) -> int:
    """Whether sessions are as they were closed: every file's digest, and the chain of events.

    Names the event that breaks the chain. Ends with 1 when a session is not intact.

    \b
    Examples:
      barbotage verify demo
      barbotage verify ~/sessions --json
    """

    def action() -> int:
        from barbotage_host.review.commands import verify_sessions

        return verify_sessions(path, console, as_json=as_json)

    console = Console()
    return guarded(action, console)


def _need_compare(model: Path | None, fail_on_difference: bool) -> None:
    from barbotage_device.errors import UsageError

    if model is not None or fail_on_difference:
        raise UsageError("--model and --fail-on-difference go with --compare")


def _language(text: str | None) -> "Language | None":
    from barbotage_device.bedside.texts import Language
    from barbotage_device.errors import UsageError

    try:
        return None if text is None else Language(text)
    except ValueError as error:
        raise UsageError(f"--language {text!r} is not known; use {' or '.join(Language)}") from error
