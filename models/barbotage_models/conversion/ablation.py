"""What each ingredient of the training is worth: variants trained alike on the same data, measured on validation. Needs the extra ``train``.

The test split stays unseen: its figures are for the model that is shipped, not for choosing.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from barbotage_models.contract.card import ModelCard
from barbotage_models.conversion.calibrate import FOLD_FRAMES, calibrate
from barbotage_models.conversion.tflite import to_float
from barbotage_models.errors import InvalidInputError
from barbotage_models.evaluation.measuring import measure
from barbotage_models.evaluation.runner import Runner, TfliteRunner
from barbotage_models.evaluation.targets import Reached
from barbotage_models.training.checkpoint import CHECKPOINT_NAME, WEIGHTS_NAME, load_weights
from barbotage_models.training.fit import Watcher, fit
from barbotage_models.training.labels import Sample
from barbotage_models.training.shards import Samples, Split, iterate_split, load_split
from barbotage_models.training.variants import VARIANTS, WHAT

RESULT_NAME = "result.json"
VALIDATION_FRAMES = 400
"""Looked at after every epoch; the figures of the table are of the whole split."""


def ablation(
    data: Path,
    out: Path,
    names: Sequence[str],
    epochs: int,
    frames: int | None,
    seed: int,
    watcher: Watcher,
    clock: Callable[[], float],
) -> list[dict[str, Any]]:
    """Trains and measures every named variant; one record each, in order. A variant that is finished in ``out`` is not trained again.

    ``frames`` limits the training samples. Thresholds are chosen on every other world of validation, the figures are of the rest.
    Raises InvalidInputError for a name that is not known.
    """
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        raise InvalidInputError(f"no variant is called {', '.join(unknown)}; known are {', '.join(VARIANTS)}")
    records = []
    for name in names:
        folder, conditions = out / name, {"epochs": epochs, "frames": frames, "seed": seed}
        finished = _finished(folder, conditions)
        if finished is None:
            _train(data, folder, name, conditions, watcher, clock)
            finished = {"variant": name, "what": WHAT[name], **conditions, "targets": _measured(data, folder)}
            (folder / RESULT_NAME).write_text(json.dumps(finished, indent=2) + "\n", encoding="utf-8")
        records.append(finished)
    return records


def as_markdown(records: Sequence[dict[str, Any]]) -> str:
    """The records as a table for the documentation: a row per figure, a column per variant."""
    lines = ["| figure | " + " | ".join(r["variant"] for r in records) + " |", "|---" * (len(records) + 1) + "|"]
    for index, first in enumerate(records[0]["targets"]):
        cells = [_cell(record["targets"][index]) for record in records]
        lines.append(f"| {first['name'].replace('_', ' ')} ({first['on']}), n = {first['n']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def half_of_worlds(samples: Iterator[Sample], half: int) -> Iterator[Sample]:
    """Every other world: ``half`` 0 for choosing, 1 for measuring."""
    return (sample for number, sample in enumerate(samples) if number // FOLD_FRAMES % 2 == half)


def decided(runner: Runner, samples: Iterator[Sample], name: str) -> ModelCard:
    """A card with what a model decides by, and nothing else."""
    d = calibrate(runner, samples)
    return ModelCard(name, "", "", "float32", d.thresholds, d.deposit, d.needle, d.tip, {})


def _train(data: Path, folder: Path, name: str, conditions: dict[str, Any], watcher: Watcher, clock: Callable[[], float]) -> None:
    settings = replace(VARIANTS[name], epochs=conditions["epochs"], seed=conditions["seed"])
    planes = settings.network.planes
    train: Samples = load_split(data, Split.TRAIN, conditions["frames"], planes)
    validation = load_split(data, Split.VALIDATION, VALIDATION_FRAMES, planes)
    fit(train, validation, folder, settings, watcher, clock, resume=(folder / CHECKPOINT_NAME).is_file())


def _measured(data: Path, folder: Path) -> list[dict[str, Any]]:
    shape, weights = load_weights(folder / WEIGHTS_NAME)
    runner = TfliteRunner(to_float(weights, shape))
    card = decided(runner, half_of_worlds(iterate_split(data, Split.VALIDATION), 0), folder.name)
    (measured,) = measure([(runner, card)], half_of_worlds(iterate_split(data, Split.VALIDATION), 1))
    targets: list[Reached] = measured.targets
    return [one.document() for one in targets]


def _finished(folder: Path, conditions: dict[str, Any]) -> dict[str, Any] | None:
    path = folder / RESULT_NAME
    if not path.is_file():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if any(record[key] != value for key, value in conditions.items()):
        raise InvalidInputError(
            f"{path} is of another run ({record['epochs']} epochs, {record['frames']} frames); choose another --out"
        )
    return record


def _cell(target: dict[str, Any]) -> str:
    def text(value: float) -> str:
        return f"{value:.1%}" if target["unit"] == "" else f"{value:.2f} {target['unit']}"

    if target["value"] is None:
        return "none"
    return f"{text(target['value'])} ({text(target['low'])} to {text(target['high'])})"
