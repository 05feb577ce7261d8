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
    """Make labelled frames: simulated worlds, composites on real pictures, real hard negatives."""
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
"""
)
def train(
    data: DataDirs,
    out: Annotated[Path, typer.Option(help="Where checkpoint.npz and weights.npz go.")],
    epochs: Annotated[int, typer.Option(min=1)] = 25,
    batch: Annotated[int, typer.Option(min=1, help="Frames per step.")] = 16,
    seed: Seed = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out (after Ctrl-C, too).")] = False,
    validation_frames: Annotated[
        int, typer.Option(min=1, help="Validation frames of each --data looked at after every epoch.")
    ] = 800,
    as_json: Json = False,
) -> None:
    """Train the network (needs the extra `train`); a checkpoint is written after every epoch."""
    _need_tensorflow()
    from barbotage_models.training.fit import FitSettings, fit, with_epochs
    from barbotage_models.training.reviewed import load_data
    from barbotage_models.training.shards import Split

    train_samples = load_data(data, Split.TRAIN)
    validation = load_data(data, Split.VALIDATION, validation_frames)
    settings = with_epochs(FitSettings(), epochs, batch, seed)
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
    from barbotage_models.training.fit import load_weights

    console = _stderr()
    with console.status("exporting") as status:

        def say(text: str) -> None:
            status.update(text)
            if not console.is_terminal:
                console.print(text, highlight=False)

        done = run_export(load_weights(weights), data, out, say=say)
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

`barbotage-models evaluate --frames 500 --seed 7 --backgrounds pictures`
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
    as_json: Json = False,
) -> None:
    """Measure a model: what it finds, misses and claims wrongly, with n and 95 % intervals."""
    from barbotage_models.bundle import bundled_model
    from barbotage_models.contract.card import load_card
    from barbotage_models.evaluation.metrics import measure
    from barbotage_models.evaluation.report import as_document, as_table
    from barbotage_models.evaluation.runner import TfliteRunner
    from barbotage_models.evaluation.testset import fresh_set, stored_set

    path = bundled_model() if model is None else model
    card = load_card(path)
    if data is not None and backgrounds is not None:
        raise typer.BadParameter("--backgrounds makes new frames; leave it out with --data", param_hint="--backgrounds")
    samples = stored_set(data) if data is not None else fresh_set(frames, seed, backgrounds)
    with FrameProgress("frames", _stderr(), time.monotonic) as progress:
        measured = measure(TfliteRunner(path), card, progress.counted(samples.samples, samples.count))
    if as_json:
        typer.echo(json.dumps({"model": path.name, "sha256": card.sha256, "measured": as_document(measured, samples.source)}))
    else:
        Console(width=None if sys.stdout.isatty() else TABLE_WIDTH).print(as_table(measured, f"{path.name} on {samples.source}"))


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
