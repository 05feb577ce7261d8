"""The training loop: fixed seed, cosine schedule, averaged weights, a checkpoint after every epoch. Needs the extra ``train``."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from barbotage_models.contract.output import CLASSES_NAME, TIP_NAME
from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.errors import InvalidInputError, NotFoundError
from barbotage_models.training.augment import Augmenter, AugmentSettings, Batch, plain_batch
from barbotage_models.training.labels import CELL_MM
from barbotage_models.training.losses import KNOWN_COLUMN, LossSettings, Targets, total_loss
from barbotage_models.training.network import DEFAULT_SHAPE, NetworkShape, Weights, build_network, set_checked_weights
from barbotage_models.training.shards import Samples

CHECKPOINT_NAME = "checkpoint.npz"
WEIGHTS_NAME = "weights.npz"


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How to train. ``peak_rate`` is reached after ``warmup_share`` of all steps, then follows a cosine down to 1 % of it."""

    epochs: int = 25
    batch_size: int = 16
    seed: int = 0
    peak_rate: float = 2e-3
    warmup_share: float = 0.03
    weight_decay: float = 1e-4
    average_decay: float = 0.998
    """Of the moving average of the weights: about 500 steps."""
    network: NetworkShape = DEFAULT_SHAPE
    losses: LossSettings = field(default_factory=LossSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)


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

    ``clock`` gives seconds. With ``resume`` the checkpoint in ``out`` is continued. An interrupt saves where it is and goes on up.
    Raises NotFoundError when there is nothing to resume, InvalidInputError when the checkpoint is for another network.
    """
    steps = len(train) // settings.batch_size
    if steps < 1:
        raise InvalidInputError(
            f"{len(train)} training samples do not fill one batch of {settings.batch_size}; simulate more frames"
        )
    out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(settings, steps * settings.epochs)
    first = trainer.restore(out / CHECKPOINT_NAME) if resume else 0
    for epoch in range(first, settings.epochs):
        started = clock()
        try:
            loss = _run_epoch(trainer, train, settings, epoch, steps, watcher)
        except KeyboardInterrupt:
            trainer.save(out, epoch)
            raise
        trainer.save(out, epoch + 1)
        iou, tip_mm = evaluate_epoch(trainer.averaged_model(), validation)
        left_s = (clock() - started) * (settings.epochs - epoch - 1)
        watcher.epoch(EpochReport(epoch + 1, settings.epochs, loss, iou, tip_mm, left_s))
    return out / WEIGHTS_NAME


class Trainer:
    """A network, its optimiser and its averaged weights."""

    def __init__(self, settings: FitSettings, total_steps: int) -> None:
        keras.utils.set_random_seed(settings.seed)
        self._settings = settings
        self._total_steps = total_steps
        self._model = build_network(settings.network)
        self._averaged = build_network(settings.network)
        self._averaged.set_weights(self._model.get_weights())
        self._optimizer: Any = keras.optimizers.AdamW(settings.peak_rate, weight_decay=settings.weight_decay, global_clipnorm=5.0)
        self._optimizer.build(self._model.trainable_variables)
        self._step_function = tf.function(self._update)
        self.steps_done = 0

    def step(self, batch: Batch) -> Any:
        """One update; the loss as a scalar tensor."""
        self._optimizer.learning_rate.assign(learning_rate(self.steps_done, self._total_steps, self._settings))
        # At the start the average follows fast, so that early checkpoints are usable.
        decay = min(self._settings.average_decay, (1.0 + self.steps_done) / (10.0 + self.steps_done))
        self.steps_done += 1
        values = (batch.frames, batch.classes, batch.tip, batch.known, np.float32(decay))
        return self._step_function(*(tf.constant(v) for v in values))

    def averaged_model(self) -> Any:
        """The model with averaged weights, as it will be exported."""
        return self._averaged

    def save(self, out: Path, epochs_done: int) -> None:
        """Writes checkpoint and averaged weights, each atomically."""
        state = {f"model_{i:04d}": w for i, w in enumerate(self._model.get_weights())}
        state |= {f"average_{i:04d}": w for i, w in enumerate(self._averaged.get_weights())}
        state |= {f"optimizer_{i:04d}": np.asarray(v) for i, v in enumerate(self._optimizer.variables)}
        _write_npz(
            out / CHECKPOINT_NAME, {**state, "epochs_done": np.array(epochs_done), "steps_done": np.array(self.steps_done)}
        )
        save_weights(out / WEIGHTS_NAME, self._averaged.get_weights())

    def restore(self, path: Path) -> int:
        """Continues a checkpoint; the number of finished epochs. Raises NotFoundError or InvalidInputError."""
        state = _read_npz(path)
        set_checked_weights(self._model, [state[k] for k in sorted(state) if k.startswith("model_")])
        set_checked_weights(self._averaged, [state[k] for k in sorted(state) if k.startswith("average_")])
        values = [state[k] for k in sorted(state) if k.startswith("optimizer_")]
        if len(values) != len(self._optimizer.variables):
            raise InvalidInputError(f"{path} was written by another version of the optimiser; train again without --resume")
        for variable, value in zip(self._optimizer.variables, values, strict=True):
            variable.assign(value)
        self.steps_done = int(state["steps_done"])
        return int(state["epochs_done"])

    def _update(self, frames: Any, classes: Any, tip: Any, known: Any, decay: Any) -> Any:
        with tf.GradientTape() as tape:
            outputs = self._model(tf.cast(frames, tf.float32), training=True)
            targets = Targets(tf.cast(classes, tf.int32), tip, known)
            loss = total_loss(outputs, targets, self._settings.losses)
        variables = self._model.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        for average, current in zip(self._averaged.weights, self._model.weights, strict=True):
            average.assign(decay * average.value + (1.0 - decay) * current.value)
        return loss


def learning_rate(step: int, total_steps: int, settings: FitSettings) -> float:
    """Linear warm-up, then half a cosine down to 1 % of the peak (Loshchilov 2017, SGDR)."""
    warmup = max(1, round(total_steps * settings.warmup_share))
    if step < warmup:
        return settings.peak_rate * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total_steps - warmup))
    return float(settings.peak_rate * (0.01 + 0.99 * 0.5 * (1.0 + np.cos(np.pi * progress))))


def epoch_batches(samples: Samples, settings: FitSettings, epoch: int) -> Iterator[Batch]:
    """The augmented batches of one epoch: the same for the same seed and epoch, so a resumed run sees what an unbroken one sees."""
    rng = np.random.default_rng([settings.seed, epoch])
    augmenter = Augmenter(rng, settings.augment)
    order = rng.permutation(len(samples))
    for start in range(0, len(order) - settings.batch_size + 1, settings.batch_size):
        yield augmenter.batch(samples, order[start : start + settings.batch_size])


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


def save_weights(path: Path, weights: Weights) -> None:
    """Writes weights in the order of the network, atomically."""
    _write_npz(path, {f"weight_{i:04d}": w for i, w in enumerate(weights)})


def load_weights(path: Path) -> Weights:
    """Weights as ``save_weights`` wrote them. Raises NotFoundError or InvalidInputError."""
    arrays = _read_npz(path)
    return [arrays[key] for key in sorted(arrays)]


def with_epochs(settings: FitSettings, epochs: int, batch_size: int, seed: int) -> FitSettings:
    """The settings with the three values that the command line offers."""
    return replace(settings, epochs=epochs, batch_size=batch_size, seed=seed)


def _run_epoch(trainer: Trainer, train: Samples, settings: FitSettings, epoch: int, steps: int, watcher: Watcher) -> float:
    losses = []
    report_every = max(1, steps // 100)
    for step, batch in enumerate(epoch_batches(train, settings, epoch), start=1):
        losses.append(trainer.step(batch))
        if step % report_every == 0:
            watcher.step(epoch + 1, step, steps, float(losses[-1]))
    return float(np.mean([float(loss) for loss in losses]))


def _tip_distances_mm(maps: npt.NDArray[np.float32], tips_cells: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    visible = ~np.isnan(tips_cells[:, 0])
    rows, columns = np.unravel_index(maps.reshape(len(maps), -1).argmax(axis=1), maps.shape[1:])
    offsets = np.stack([columns, rows], axis=1)[visible] - tips_cells[visible]
    return np.asarray(np.hypot(offsets[:, 0], offsets[:, 1]) * CELL_MM, dtype=np.float64)


def _write_npz(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
    temporary.replace(path)


def _read_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    if not path.is_file():
        raise NotFoundError(f"no file {path}; train first with 'barbotage-models train'")
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}; train again") from error
