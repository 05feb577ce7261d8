"""The training loop: fixed seed, averaged weights, hard samples more often, checkpoints to go on from. Needs the extra ``train``."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from barbotage_models.contract.output import CLASSES_NAME, TIP_NAME
from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.errors import InvalidInputError
from barbotage_models.training.augment import Augmenter, AugmentSettings, Batch, plain_batch
from barbotage_models.training.checkpoint import (
    CHECKPOINT_NAME,
    WEIGHTS_NAME,
    load_weights,
    read_arrays,
    save_weights,
    write_arrays,
)
from barbotage_models.training.labels import CELL_MM
from barbotage_models.training.losses import KNOWN_COLUMN, LossSettings, Targets, total_loss
from barbotage_models.training.mining import HardSamples, Mining
from barbotage_models.training.network import build_network, set_checked_weights
from barbotage_models.training.schedule import Schedule, learning_rate
from barbotage_models.training.shape import NetworkShape
from barbotage_models.training.shards import Samples

HISTORY_NAME = "history.jsonl"
CHECKPOINT_EVERY_S = 300.0
"""Seconds of work that a kill may cost."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How to train."""

    epochs: int = 25
    batch_size: int = 16
    seed: int = 0
    weight_decay: float = 1e-4
    average_decay: float = 0.998
    """Of the moving average of the weights: about 500 steps. 0 keeps no average."""
    schedule: Schedule = field(default_factory=Schedule)
    mining: Mining = field(default_factory=Mining)
    network: NetworkShape = field(default_factory=NetworkShape)
    losses: LossSettings = field(default_factory=LossSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    begin_with: Path | None = None
    """Weights of an earlier run to begin with instead of random ones; the optimiser begins anew."""


@dataclass(frozen=True, slots=True)
class EpochReport:
    """How an epoch ended. ``iou`` per ``Tissue`` on the validation set with the averaged weights (NaN: class absent); ``tip_mm`` the
    median distance between the highest cell of the tip map and a visible tip; ``left_s`` the time that the rest will take.
    """

    epoch: int
    epochs: int
    loss: float
    iou: tuple[float, ...]
    tip_mm: float
    left_s: float


class Watcher(Protocol):
    """Who is told how training goes."""

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """After some steps of an epoch."""
        ...

    def epoch(self, report: EpochReport) -> None:
        """After every epoch, when its checkpoint is on disk."""
        ...


def fit(
    train: Samples,
    validation: Samples,
    out: Path,
    settings: FitSettings,
    watcher: Watcher,
    clock: Callable[[], float],
    resume: bool = False,
) -> Path:
    """Trains and gives the path of the averaged weights (``weights.npz``, rewritten after every epoch).

    ``clock`` gives seconds. With ``resume`` the checkpoint in ``out`` is continued, exactly where it was written: after every epoch, every
    five minutes, and when interrupted, which then goes on up. Every epoch's figures are added to ``history.jsonl``.
    Raises NotFoundError when there is nothing to resume or to begin with, InvalidInputError when it is for another network or other data.
    """
    steps = len(train) // settings.batch_size
    if steps < 1:
        raise InvalidInputError(
            f"{len(train)} training samples do not fill one batch of {settings.batch_size}; simulate more frames"
        )
    planes = 1 if train.frames.ndim == 3 else train.frames.shape[3]
    if planes != settings.network.planes:
        raise InvalidInputError(f"the samples have {planes} plane(s), the network takes {settings.network.planes}")
    out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(settings, steps * settings.epochs, len(train))
    first, begun = trainer.restore(out / CHECKPOINT_NAME) if resume else (0, 0)
    for epoch in range(first, settings.epochs):
        started = clock()
        loss = _run_epoch(trainer, train, out, _Place(epoch, begun if epoch == first else 0, steps), watcher, clock)
        # The weights first: a run killed between the two does its last steps again instead of ending without them.
        save_weights(out / WEIGHTS_NAME, settings.network, trainer.averaged_model().get_weights())
        trainer.save(out, epoch + 1, 0)
        iou, tip_mm = evaluate_epoch(trainer.averaged_model(), validation)
        took_s = clock() - started
        report = EpochReport(epoch + 1, settings.epochs, loss, iou, tip_mm, took_s * (settings.epochs - epoch - 1))
        with (out / HISTORY_NAME).open("a", encoding="utf-8") as history:
            history.write(json.dumps(_without_nan(asdict(report)) | {"took_s": round(took_s, 1)}) + "\n")
        watcher.epoch(report)
    return out / WEIGHTS_NAME


class Trainer:
    """A network, its optimiser, its averaged weights and what it knows of hard samples."""

    def __init__(self, settings: FitSettings, total_steps: int, samples: int) -> None:
        keras.utils.set_random_seed(settings.seed)
        self.settings = settings
        self.hard = HardSamples(samples)
        self._total_steps = total_steps
        self._model = build_network(settings.network)
        if settings.begin_with is not None:
            set_checked_weights(self._model, load_weights(settings.begin_with)[1])
        self._averaged = build_network(settings.network)
        self._averaged.set_weights(self._model.get_weights())
        rate = settings.schedule.peak_rate
        self._optimizer: Any = keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, global_clipnorm=5.0)
        self._optimizer.build(self._model.trainable_variables)
        self._step_function = tf.function(self._update)
        self.steps_done = 0

    def step(self, batch: Batch, indices: npt.NDArray[np.intp]) -> float:
        """One update; the loss. ``indices`` are those of the batch's samples."""
        rate = learning_rate(self.steps_done, self._total_steps, self.settings.schedule)
        self._optimizer.learning_rate.assign(rate)
        # At the start the average follows fast, so that early checkpoints are usable.
        decay = min(self.settings.average_decay, (1.0 + self.steps_done) / (10.0 + self.steps_done))
        values = (batch.frames, batch.classes, batch.tip, batch.known, np.float32(decay))
        loss, each = self._step_function(*(tf.constant(v) for v in values))
        self.hard.seen(indices, each.numpy())
        self.steps_done += 1
        return float(loss)

    def averaged_model(self) -> Any:
        """The model with averaged weights, as it will be exported."""
        return self._averaged

    def save(self, out: Path, epoch: int, step: int) -> None:
        """Writes a checkpoint: ``epoch`` epochs and ``step`` steps of the next one are done."""
        state = {f"model_{i:04d}": w for i, w in enumerate(self._model.get_weights())}
        state |= {f"average_{i:04d}": w for i, w in enumerate(self._averaged.get_weights())}
        state |= {f"optimizer_{i:04d}": np.asarray(v) for i, v in enumerate(self._optimizer.variables)}
        state |= {"losses": self.hard.losses, "losses_at_start": self.hard.at_start}
        done = {"epochs_done": epoch, "epoch_steps_done": step, "steps_done": self.steps_done}
        write_arrays(out / CHECKPOINT_NAME, state | {name: np.array(value) for name, value in done.items()})

    def restore(self, path: Path) -> tuple[int, int]:
        """Continues a checkpoint; the epochs done and the steps of the next one. Raises NotFoundError or InvalidInputError."""
        state = read_arrays(path)
        set_checked_weights(self._model, [state[k] for k in sorted(state) if k.startswith("model_")])
        set_checked_weights(self._averaged, [state[k] for k in sorted(state) if k.startswith("average_")])
        values = [state[k] for k in sorted(state) if k.startswith("optimizer_")]
        if len(values) != len(self._optimizer.variables) or "epoch_steps_done" not in state:
            raise InvalidInputError(f"{path} was written by another version; train again without --resume")
        if len(state["losses"]) != len(self.hard.losses):
            raise InvalidInputError(
                f"{path} was trained on {len(state['losses'])} samples, these are {len(self.hard.losses)}; train again without --resume"
            )
        for variable, value in zip(self._optimizer.variables, values, strict=True):
            variable.assign(value)
        self.hard.losses, self.hard.at_start = state["losses"], state["losses_at_start"]
        self.steps_done = int(state["steps_done"])
        return int(state["epochs_done"]), int(state["epoch_steps_done"])

    def _update(self, frames: Any, classes: Any, tip: Any, known: Any, decay: Any) -> Any:
        with tf.GradientTape() as tape:
            outputs = self._model(tf.cast(frames, tf.float32), training=True)
            targets = Targets(tf.cast(classes, tf.int32), tip, known)
            loss, each = total_loss(outputs, targets, self.settings.losses)
        variables = self._model.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        for average, current in zip(self._averaged.weights, self._model.weights, strict=True):
            average.assign(decay * average.value + (1.0 - decay) * current.value)
        return loss, each


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a run stands: the epoch, how many of its steps are done, and how many it has."""

    epoch: int
    done: int
    steps: int


def epoch_batches(
    samples: Samples, settings: FitSettings, epoch: int, order: npt.NDArray[np.intp], first: int = 0
) -> Iterator[tuple[Batch, npt.NDArray[np.intp]]]:
    """The augmented batches of one epoch from step ``first`` on, with the samples' indices.

    A batch depends on seed, epoch and step only, so a resumed run sees what an unbroken one sees.
    """
    augmenter = Augmenter(np.random.default_rng([settings.seed, epoch]), settings.augment)
    size = settings.batch_size
    for step in range(first, len(order) // size):
        indices = order[step * size : (step + 1) * size]
        augmenter.reseed(np.random.default_rng([settings.seed, epoch, step]))
        yield augmenter.batch(samples, indices), indices


def evaluate_epoch(model: Any, samples: Samples, batch_size: int = 32) -> tuple[tuple[float, ...], float]:
    """Pooled intersection over union per class, and the median distance in mm of the tip map's highest cell from visible tips."""
    overlap, union = np.zeros(len(Tissue)), np.zeros(len(Tissue))
    distances: list[npt.NDArray[np.float64]] = [np.zeros(0)]
    run = tf.function(model)
    for start in range(0, len(samples), batch_size):
        indices = np.arange(start, min(start + batch_size, len(samples)))
        batch = plain_batch(samples, indices)
        outputs = run(tf.constant(batch.frames.astype(np.float32)))
        found = outputs[CLASSES_NAME].numpy().argmax(axis=-1)
        for tissue, column in KNOWN_COLUMN.items():
            unknown = batch.known[:, column, None, None] == 0
            found[unknown & (found == tissue) & (batch.classes != tissue)] = Tissue.BACKGROUND
        for tissue in Tissue:
            overlap[tissue] += np.sum((found == tissue) & (batch.classes == tissue))
            union[tissue] += np.sum((found == tissue) | (batch.classes == tissue))
        distances.append(_tip_distances_mm(outputs[TIP_NAME].numpy()[..., 0], samples.tips_cells[indices]))
    iou = np.where(union > 0, overlap / np.maximum(union, 1), np.nan)
    every = np.concatenate(distances)
    return tuple(float(v) for v in iou), float(np.median(every)) if len(every) else float("nan")


def with_choices(settings: FitSettings, epochs: int, batch_size: int, seed: int) -> FitSettings:
    """The settings with the values that the command line offers."""
    return replace(settings, epochs=epochs, batch_size=batch_size, seed=seed)


def going_on(settings: FitSettings, begin_with: Path, rate_share: float) -> FitSettings:
    """The settings to train on from earlier weights, at a share of the usual peak rate."""
    rate = settings.schedule.peak_rate * rate_share
    return replace(settings, begin_with=begin_with, schedule=replace(settings.schedule, peak_rate=rate))


def _run_epoch(trainer: Trainer, train: Samples, out: Path, place: _Place, watcher: Watcher, clock: Callable[[], float]) -> float:
    """The mean loss of the steps done here. An interrupt saves and goes on up."""
    settings, epoch = trainer.settings, place.epoch
    if place.done == 0:
        trainer.hard.begin_epoch()
    order = trainer.hard.order(epoch, np.random.default_rng([settings.seed, epoch, 1 << 31]), settings.mining)
    losses: list[float] = []
    done, saved = place.done, clock()
    report_every = max(1, place.steps // 100)
    try:
        for batch, indices in epoch_batches(train, settings, epoch, order, place.done):
            losses.append(trainer.step(batch, indices))
            done += 1
            if done % report_every == 0:
                watcher.step(epoch + 1, done, place.steps, losses[-1])
            if clock() - saved >= CHECKPOINT_EVERY_S:
                trainer.save(out, epoch, done)
                saved = clock()
    except KeyboardInterrupt:
        trainer.save(out, epoch, done)
        raise
    return float(np.mean(losses)) if losses else float("nan")


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    """The same with null where nothing was measured: NaN is no JSON."""
    return {
        k: [None if v != v else v for v in value] if isinstance(value, tuple) else (None if value != value else value)
        for k, value in values.items()
    }


def _tip_distances_mm(maps: npt.NDArray[np.float32], tips_cells: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    visible = ~np.isnan(tips_cells[:, 0])
    rows, columns = np.unravel_index(maps.reshape(len(maps), -1).argmax(axis=1), maps.shape[1:])
    offsets = np.stack([columns, rows], axis=1)[visible] - tips_cells[visible]
    return np.asarray(np.hypot(offsets[:, 0], offsets[:, 1]) * CELL_MM, dtype=np.float64)
