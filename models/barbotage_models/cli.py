"""The command ``barbotage-models``: make training data, train, export, evaluate."""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from barbotage_models.errors import BarbotageError, NotFoundError
from barbotage_models.progress import EpochWatcher, FrameProgress

EXIT_INTERRUPTED = 130
REAL_SEED = 50_000
"""Procedures with the real network, on which its errors are fitted, meet other patients than those of the table."""
TABLE_WIDTH = 110
"""Columns of a table that goes to a file or a pipe."""

app = typer.Typer(
    name="barbotage-models",
    help="Make training data, train the network, export it for the device, measure it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

Backgrounds = Annotated[
    Path | None,
    typer.Option(help="Folder of folders of real pictures; their README.md names the licences.", show_default="simulation only"),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Seed = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]
DataDir = Annotated[Path, typer.Option("--data", help="Data made by 'simulate'.")]
DataDirs = Annotated[
    list[Path],
    typer.Option("--data", help="Data made by 'simulate', or reviewed frames of 'barbotage export labels'; may be repeated."),
]


@app.command(
    epilog="""
Examples:

`barbotage-models simulate --out work/data --frames 20000 --workers 4`

`barbotage-models simulate --out work/small --frames 64 --backgrounds pictures --preview work/small.png`
"""
)
def simulate(
    out: Annotated[Path, typer.Option(help="New data directory.")],
    frames: Annotated[int, typer.Option(min=8, help="Frames in all: 82 % train, 8 % validation, 10 % test.")] = 20000,
    seed: Seed = 0,
    backgrounds: Backgrounds = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the result does not depend on it.")] = 1,
    preview: Annotated[
        Path | None, typer.Option(help="Also write a contact sheet (PNG) of test frames with their labels.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make labelled frames: simulated worlds, composites on real pictures, real hard negatives. After a stop, run it again to go on."""
    from barbotage_models.training.samples import Recipe, make_data

    recipe = Recipe(frames=frames, seed=seed, backgrounds=backgrounds)
    with FrameProgress("frames", _stderr(), time.monotonic) as progress:
        manifest = make_data(recipe, out, workers, progress.update)
    if preview is not None:
        _write_preview(out, preview)
    if as_json:
        typer.echo(json.dumps(asdict(manifest), sort_keys=True))
        return
    for split, kinds in manifest.counts.items():
        typer.echo(f"{split:>6}: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()))
    typer.echo(f"written to {out}" + (f", preview in {preview}" if preview else ""))


@app.command(
    epilog="""
Examples:

`barbotage-models train --data work/data --out work/run --epochs 25`

`barbotage-models train --data work/data --out work/run --epochs 25 --resume`

`barbotage-models train --data work/data --data reviewed --out work/run`

`barbotage-models train --data reviewed --out work/tuned --begin-with work/run/weights.npz --rate-share 0.2 --epochs 3`
"""
)
def train(
    data: DataDirs,
    out: Annotated[Path, typer.Option(help="Where checkpoint.npz and weights.npz go.")],
    epochs: Annotated[int, typer.Option(min=1)] = 25,
    batch: Annotated[int, typer.Option(min=1, help="Frames per step.")] = 16,
    seed: Seed = 0,
    planes: Annotated[int, typer.Option(min=1, max=2, help="1: the frame alone; 2: also the frame before.")] = 2,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out (after Ctrl-C, too).")] = False,
    begin_with: Annotated[
        Path | None, typer.Option(help="weights.npz of another run to begin with.", show_default="random weights")
    ] = None,
    rate_share: Annotated[
        float, typer.Option(min=0.001, max=1.0, help="With --begin-with: highest learning rate, as a share of the usual one.")
    ] = 0.5,
    validation_frames: Annotated[
        int, typer.Option(min=1, help="Validation frames of each --data looked at after every epoch.")
    ] = 800,
    as_json: Json = False,
) -> None:
    """Train the network (needs the extra `train`); checkpoints are written after every epoch and every five minutes."""
    _need_tensorflow()
    from barbotage_models.training.fit import fit, going_on, with_choices
    from barbotage_models.training.reviewed import load_data
    from barbotage_models.training.shards import Split
    from barbotage_models.training.variants import shipped

    train_samples = load_data(data, Split.TRAIN, planes=planes)
    validation = load_data(data, Split.VALIDATION, validation_frames, planes)
    settings = with_choices(shipped(planes), epochs, batch, seed)
    if begin_with is not None:
        settings = going_on(settings, begin_with, rate_share)
    with EpochWatcher(_stderr()) as watcher:
        weights = fit(train_samples, validation, out, settings, watcher, time.monotonic, resume)
    last = watcher.last
    if as_json:
        typer.echo(json.dumps({"weights": str(weights), "last_epoch": None if last is None else asdict(last)}))
    else:
        typer.echo(f"weights in {weights}")


@app.command(
    epilog="""
Examples:

`barbotage-models ablation --data work/data --out work/ablation --epochs 4 --frames 8000`

`barbotage-models ablation --data work/data --out work/ablation --epochs 4 --frames 8000 --only plain --only mined`
"""
)
def ablation(
    data: DataDir,
    out: Annotated[Path, typer.Option(help="Where the runs go; a finished variant is not trained again.")],
    epochs: Annotated[int, typer.Option(min=1)] = 4,
    frames: Annotated[int | None, typer.Option(min=16, help="Training samples.", show_default="all")] = None,
    seed: Seed = 0,
    only: Annotated[list[str] | None, typer.Option(help="A variant; may be given again.", show_default="every variant")] = None,
    as_json: Json = False,
) -> None:
    """Train variants alike and measure them on validation: what each ingredient is worth (needs the extra `train`)."""
    _need_tensorflow()
    from barbotage_models.conversion.ablation import ablation as run_ablation
    from barbotage_models.conversion.ablation import as_markdown
    from barbotage_models.training.variants import VARIANTS

    with EpochWatcher(_stderr()) as watcher:
        records = run_ablation(data, out, only or list(VARIANTS), epochs, frames, seed, watcher, time.monotonic)
    typer.echo(json.dumps(records) if as_json else as_markdown(records))


@app.command(
    epilog="""
Examples:

`barbotage-models export --weights work/run/weights.npz --data work/data --out work/model`
"""
)
def export(
    weights: Annotated[Path, typer.Option(help="weights.npz made by 'train'.")],
    data: DataDir,
    out: Annotated[Path, typer.Option(help="Where the two models and their cards go.")],
    as_json: Json = False,
) -> None:
    """Convert weights to int8 and float32 models with cards (needs the extra `train`); nothing is written if a gate fails."""
    _need_tensorflow()
    from barbotage_models.conversion.export import export as run_export
    from barbotage_models.training.checkpoint import load_weights

    console = _stderr()
    with console.status("exporting") as status:

        def say(text: str) -> None:
            status.update(text)
            if not console.is_terminal:
                console.print(text, highlight=False)

        shape, values = load_weights(weights)
        done = run_export(values, shape, data, out, say)
    if as_json:
        typer.echo(json.dumps({"files": [str(f) for f in done.files], "parity": done.parity.document()}))
        return
    typer.echo(
        f"int8 {done.int8_bytes / 1000:.0f} kB, float32 {done.float_bytes / 1000:.0f} kB; parity: {done.parity.agreement:.2%} of cells agree"
    )
    for file in done.files:
        typer.echo(str(file))


@app.command(
    epilog="""
Examples:

`barbotage-models evaluate`

`barbotage-models evaluate --model work/model/barbotage-int8.tflite --data work/data --json`

`barbotage-models evaluate --data work/data --against work/model/barbotage-float.tflite`

`barbotage-models evaluate --frames 500 --seed 7 --backgrounds pictures --pictures work/pictures`
"""
)
def evaluate(
    model: Annotated[
        Path | None, typer.Option(help="A .tflite with its card beside it.", show_default="the bundled model")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Data made by 'simulate'; its test split is used.", show_default="new frames")
    ] = None,
    frames: Annotated[int, typer.Option(min=2, help="Without --data: how many test frames to make.")] = 200,
    seed: Seed = 1_000_003,
    backgrounds: Backgrounds = None,
    against: Annotated[
        Path | None, typer.Option(help="Another model on the same frames (int8 against float): how far the figures are apart.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="A folder for pictures: hits by lot, the worst misses, the reliability curves.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a model against the targets: what it finds, misses and claims wrongly, with n and 95 % intervals."""
    from barbotage_models.bundle import bundled_model
    from barbotage_models.contract.card import load_card
    from barbotage_models.evaluation.gallery import Gallery, write_pictures
    from barbotage_models.evaluation.measuring import measure
    from barbotage_models.evaluation.report import as_document, as_tables
    from barbotage_models.evaluation.runner import TfliteRunner
    from barbotage_models.evaluation.targets import points_apart
    from barbotage_models.evaluation.testset import fresh_set, stored_set

    path = bundled_model() if model is None else model
    models = [(one, load_card(one)) for one in (path, against) if one is not None]
    if data is not None and backgrounds is not None:
        raise typer.BadParameter("--backgrounds makes new frames; leave it out with --data", param_hint="--backgrounds")
    samples = stored_set(data) if data is not None else fresh_set(frames, seed, backgrounds)
    with FrameProgress("frames", _stderr(), time.monotonic) as progress:
        runners = [(TfliteRunner(one), card) for one, card in models]
        gallery = Gallery(seed)
        measured = measure(runners, progress.counted(samples.samples, samples.count), None if pictures is None else gallery.look)
    if pictures is not None:
        for written in write_pictures(pictures, gallery, measured[0].reliability):
            typer.echo(f"written: {written}", err=True)
    apart = None if against is None else points_apart(measured[0].targets, measured[1].targets) | {"model": against.name}
    if as_json:
        document = {"model": path.name, "sha256": models[0][1].sha256, "measured": as_document(measured[0], samples.source)}
        typer.echo(json.dumps(document if apart is None else document | {"against": apart}))
        return
    Console(width=None if sys.stdout.isatty() else TABLE_WIDTH).print(as_tables(measured[0], f"{path.name} on {samples.source}"))
    if apart is not None:
        typer.echo(f"figures of {apart['model']} on the same frames are at most {apart['largest']} points apart")


@app.command(
    epilog="""
Examples:

`barbotage-models realism`

`barbotage-models realism --frames 200 --seed 5 --json`
"""
)
def realism(
    frames: Annotated[int, typer.Option(min=40, help="Random simulated frames to measure.")] = 96,
    seed: Seed = 900_000,
    as_json: Json = False,
) -> None:
    """Measure the simulator's pictures against bands measured on real ones; ends with 1 when a value lies outside."""
    from barbotage_models.evaluation.realism import measure

    with _stderr().status("rendering and measuring"):
        gates = measure(frames, seed)
    if as_json:
        typer.echo(
            json.dumps({"passed": all(g.passed for g in gates), "gates": [asdict(g) | {"passed": g.passed} for g in gates]})
        )
    else:
        typer.echo("\n".join(g.row() for g in gates))
    if not all(g.passed for g in gates):
        raise typer.Exit(1)


@app.command(
    "virtual-procedure",
    epilog="""
Examples:

`barbotage-models virtual-procedure --out work/virtual --workers 2`

`barbotage-models virtual-procedure --runs 20 --json`

`barbotage-models virtual-procedure --real 6 --out work/virtual`
""",
)
def virtual_procedure(
    runs: Annotated[int, typer.Option(min=2, help="Procedures of each condition.")] = 200,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the result does not depend on it.")] = 1,
    seed: Seed = 0,
    errors: Annotated[
        Path | None, typer.Option(help="How wrong the guidance is (errors.json of --real).", show_default="as measured")
    ] = None,
    real: Annotated[int, typer.Option(min=0, help="First play so many procedures with the real network; fits the errors.")] = 0,
    model: Annotated[Path | None, typer.Option(help="With --real: a .tflite.", show_default="the bundled model")] = None,
    out: Annotated[Path | None, typer.Option(help="Where table, figures and plot go.")] = None,
    as_json: Json = False,
) -> None:
    """Let a simulated operator place the needle under image only, a perfect oracle, and guidance late, noisy or wrong.

    The operator is a model: the figures rank designs and prove nothing clinical.
    """
    from barbotage_models.evaluation.virtual_procedure.errors import load_errors
    from barbotage_models.evaluation.virtual_procedure.real import run_real
    from barbotage_models.evaluation.virtual_procedure.report import Request, make_report, write_report

    if model is not None and not real:
        raise typer.BadParameter("--model is run with --real only", param_hint="--model")
    console, played = _stderr(), None
    if real:
        given = None if errors is None else load_errors(errors)
        with FrameProgress("procedures with the real network", console, time.monotonic) as progress:
            played = run_real(real, REAL_SEED + seed, model, progress.update)
        chosen = given or played.errors
    else:
        chosen = load_errors(errors)
    with FrameProgress("virtual procedures", console, time.monotonic) as progress:
        report = make_report(Request(chosen, runs, seed, workers, played), progress.update)
    written = [] if out is None else write_report(report, out, played)
    typer.echo(json.dumps(report.document) if as_json else report.table)
    for path in written:
        console.print(f"written: {path}", highlight=False, soft_wrap=True)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and gives its exit code: 0 done, 1 failed, 2 usage, 3 not found, 4 refused, 130 interrupted."""
    try:
        result = typer.main.get_command(app).main(args=arguments, prog_name="barbotage-models", standalone_mode=False)
    except BarbotageError as error:
        typer.echo(f"barbotage-models: {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        result = EXIT_INTERRUPTED
    except OSError as error:
        typer.echo(f"barbotage-models: {error}", err=True)
        return 1
    except Exception as error:
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        return int(getattr(error, "exit_code", 2))
    if result == EXIT_INTERRUPTED:
        typer.echo("barbotage-models: interrupted", err=True)
    return int(result or 0)


def _stderr() -> Console:
    return Console(stderr=True)


def _need_tensorflow() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow  # noqa: F401
    except ImportError as error:
        raise NotFoundError("TensorFlow is not installed; install the extra: pip install 'barbotage[train]'") from error


def _write_preview(data: Path, preview: Path) -> None:
    from itertools import islice

    import cv2

    from barbotage_models.training.preview import contact_sheet
    from barbotage_models.training.shards import Split, iterate_split

    encoded, content = cv2.imencode(".png", contact_sheet(list(islice(iterate_split(data, Split.TEST), 32))))
    if encoded:
        preview.write_bytes(content.tobytes())


if __name__ == "__main__":
    sys.exit(main())
