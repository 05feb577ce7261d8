"""The commands ``barbotage export …``: options, help and exit codes. What they do is in ``export.commands``."""

from pathlib import Path
from typing import Annotated

import typer

from barbotage_device.console import Console, guarded

app = typer.Typer(
    help="Pictures, videos, tables, procedures, measures and labels out of recorded sessions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

SessionArgument = Annotated[
    Path, typer.Argument(metavar="SESSION", help="A session, or a folder that holds just one.", show_default=False)
]
SessionsArgument = Annotated[
    Path, typer.Argument(metavar="PATH", help="A session, or a folder that holds sessions (two levels deep).", show_default=False)
]
LanguageOption = Annotated[str, typer.Option("--language", metavar="fr|en", help="Language of the overlay.")]
ReviewerOption = Annotated[
    list[str] | None, typer.Option("--reviewer", metavar="NAME", help="Only this reviewer; may be given several times.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of words.")]


@app.command(name="frame")
def frame_command(
    session: SessionArgument,
    frame: Annotated[int, typer.Option("--frame", min=0, metavar="N", help="Which frame, counted from 0.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The PNG to write.")],
    overlay: Annotated[bool, typer.Option("--overlay", help="With the overlay, as the bedside screen draws it.")] = False,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
) -> int:
    """One recorded frame as PNG: as it was captured, or with the overlay.

    \b
    Examples:
      barbotage export frame demo --frame 120 --out frame.png
      barbotage export frame demo --frame 120 --out seen.png --overlay --language fr
    """

    def action() -> int:
        from barbotage_host.export.commands import FrameExport, export_frame

        return export_frame(FrameExport(session, frame, out, overlay, language, as_json), console)

    console = Console()
    return guarded(action, console)


@app.command(name="video")
def video_command(
    session: SessionArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The MP4 to write.")],
    first: Annotated[int, typer.Option("--from", min=0, metavar="N", help="First frame.")] = 0,
    end: Annotated[
        int | None, typer.Option("--to", min=1, metavar="N", help="The frame after the last; the end by default.")
    ] = None,
    original: Annotated[bool, typer.Option("--original", help="The recorded frames without the overlay.")] = False,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
) -> int:
    """A part of a session as MP4 (H.264), with the overlay as the bedside screen draws it.

    Frames that came while the network was busy were never processed; with the overlay they keep the picture of the frame before,
    as the screen did.

    \b
    Examples:
      barbotage export video demo --out procedure.mp4
      barbotage export video demo --out approach.mp4 --from 300 --to 900 --language fr
      barbotage export video demo --out scan.mp4 --original
    """

    def action() -> int:
        from barbotage_host.export.commands import VideoExport, export_video

        return export_video(VideoExport(session, out, first, end, not original, language, as_json), console)

    console = Console()
    return guarded(action, console)


@app.command(name="series")
def series_command(
    session: SessionArgument,
    form: Annotated[str, typer.Option("--format", metavar="csv|jsonl", help="Table or JSON Lines.")] = "csv",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A file instead of stdout.")] = None,
) -> int:
    """The curves of a session, one line per recorded frame: distance, angle error, confidence, latency, time per stage, pressure.

    A value that was not known is an empty field (CSV) or null.

    \b
    Examples:
      barbotage export series demo > series.csv
      barbotage export series demo --format jsonl --out series.jsonl
    """

    def action() -> int:
        from barbotage_host.export.commands import export_series

        return export_series(session, form, out, console)

    console = Console()
    return guarded(action, console)


@app.command(name="measures")
def measures_command(
    path: SessionsArgument,
    reviewer: ReviewerOption = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A file instead of stdout.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines instead of CSV.")] = False,
) -> int:
    """Deposit sizes before and after the lavage: the device's own and the reviewers', per plane.

    \b
    Examples:
      barbotage export measures ~/sessions > measures.csv
      barbotage export measures demo --reviewer AB --json
    """

    def action() -> int:
        from barbotage_host.export.commands import export_measures

        return export_measures(path, reviewer or [], out, console, as_json=as_json)

    console = Console()
    return guarded(action, console)


@app.command(name="procedure")
def procedure_command(
    path: SessionsArgument,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A file instead of stdout.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines (one session a line) instead of CSV.")] = False,
) -> int:
    """The procedure of each session: states with what led into them, checklist, agents, lavage cycles, complications, outcome.

    Everything as it was typed, in the units of its name. An item of the checklist without a value was not recorded. A procedure
    that was cut and gone on with is told with the sessions before, where they lie in the same folder.

    \b
    Examples:
      barbotage export procedure ~/sessions > procedures.csv
      barbotage export procedure ~/sessions/01J8ZC3V9Q4T5N6P7R8S9A0BCD --json
    """

    def action() -> int:
        from barbotage_host.export.commands import export_procedures

        return export_procedures(path, out, console, as_json=as_json)

    console = Console()
    return guarded(action, console)


@app.command(name="labels")
def labels_command(
    path: SessionsArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The new folder for pictures and labels.")],
    reviewer: ReviewerOption = None,
    split: Annotated[
        str | None, typer.Option("--split", metavar="train|val|test", help="Where all sessions go; by default each by its id.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Corrected and accepted frames as a training set that barbotage-models train takes (--data DIR).

    Where reviewers disagree about a frame, name whom to follow with --reviewer (the first named counts).

    \b
    Examples:
      barbotage export labels ~/sessions --out labels
      barbotage export labels demo --out labels --reviewer AB --split train --json
    """

    def action() -> int:
        from barbotage_host.export.commands import LabelsRequest, export_label_folder

        return export_label_folder(LabelsRequest(path, out, tuple(reviewer or ()), split, as_json), console)

    console = Console()
    return guarded(action, console)
