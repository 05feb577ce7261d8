"""What training minimises: class cross-entropy with soft Dice, and a focal loss on the tip map. Needs the extra ``train``.

Every part is also known per sample, so that training can tell the hard ones.
"""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from barbotage_models.contract.output import CLASSES_NAME, TIP_NAME
from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.training.labels import Known

EPSILON = 1e-6
TYPICAL_CELLS = 60.0
"""Median of the deposits (66) and mean of the shafts (50) in a training frame."""
FACTOR_MAX = 3.0
KNOWN_COLUMN = {Tissue.DEPOSIT: Known.DEPOSIT, Tissue.BONE: Known.BONE, Tissue.NEEDLE: Known.NEEDLE}
"""Which column of ``known`` speaks of a class."""


@dataclass(frozen=True, slots=True)
class LossSettings:
    """Weights of the parts. Class weights follow ``Tissue``; background fills over 90 % of the cells."""

    class_weights: tuple[float, float, float, float] = (1.0, 3.0, 2.0, 4.0)
    dice_weight: float = 0.5
    tip_weight: float = 0.2
    tip_focus: float = 2.0
    """Exponent of the quality focal loss (Li 2020, Generalized Focal Loss, equation 6: beta = 2)."""
    balance: float = 0.5
    """Exponent by which cells of a small deposit or of little shaft weigh more than those of a large one; 0 weighs all alike."""
    dice_per_frame: bool = True
    """Dice also of every thing in its own frame, so that a small one counts as much as a large one. Else only pooled over the batch."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Tensors of a batch: ``classes`` int (n, 64, 64); ``tip`` float (n, 64, 64, 1) in [0, 1]; ``known`` float (n, 4), 0 or 1, columns as ``Known``."""

    classes: Any
    tip: Any
    known: Any


def total_loss(outputs: dict[str, Any], targets: Targets, settings: LossSettings) -> tuple[Any, Any]:
    """The scalar loss of a batch, and the loss of each sample (n,): cross-entropy and tip, without Dice."""
    probabilities = _unknown_forgiven(tf.clip_by_value(outputs[CLASSES_NAME], EPSILON, 1.0), targets)
    classes = cross_entropy(probabilities, targets, settings)
    dice = dice_loss(probabilities, targets, settings.dice_per_frame)
    tips = tf.maximum(tf.reduce_sum(tf.cast(tf.reduce_max(targets.tip, axis=(1, 2, 3)) > 0.0, tf.float32)), 1.0)
    tip = tip_loss(outputs[TIP_NAME], targets.tip, settings.tip_focus) * targets.known[:, Known.TIP]
    scalar = tf.reduce_mean(classes) + settings.dice_weight * dice + settings.tip_weight * tf.reduce_sum(tip) / tips
    return scalar, classes + settings.tip_weight * tip


def cross_entropy(probabilities: Any, targets: Targets, settings: LossSettings) -> Any:
    """Per sample (n,): weighted mean over all cells of -log of the true class's probability."""
    hot = tf.one_hot(targets.classes, len(Tissue))
    factors = tf.constant(settings.class_weights) * _size_factors(hot, settings.balance)
    weights = tf.reduce_sum(hot * factors[:, None, None, :], axis=-1)
    return tf.reduce_mean(-tf.math.log(tf.reduce_sum(hot * probabilities, axis=-1)) * weights, axis=(1, 2))


def dice_loss(probabilities: Any, targets: Targets, per_frame: bool) -> Any:
    """1 - soft Dice (Milletari 2016, V-Net) of deposit, bone and needle, each where it is known, pooled over the batch.

    With ``per_frame``, the mean of that and of the Dice of every thing in its own frame. Frames without a thing count in the pooled part alone: a
    Dice of their own would cost most where nothing is to be found, and the network learns to say nothing.
    """
    counted = _known_classes(targets)
    hot = (tf.one_hot(targets.classes, len(Tissue)) * counted)[..., 1:]
    probabilities = (probabilities * counted)[..., 1:]
    overlap = tf.reduce_sum(hot * probabilities, axis=(1, 2))
    sizes = tf.reduce_sum(hot + probabilities, axis=(1, 2))
    pooled = 1.0 - tf.reduce_mean(_dice(tf.reduce_sum(overlap, axis=0), tf.reduce_sum(sizes, axis=0)))
    if not per_frame:
        return pooled
    present = tf.cast(tf.reduce_max(hot, axis=(1, 2)) > 0.0, tf.float32)
    missed = tf.reduce_sum(present * (1.0 - _dice(overlap, sizes))) / tf.maximum(tf.reduce_sum(present), 1.0)
    return 0.5 * (pooled + missed)


def _dice(overlap: Any, sizes: Any) -> Any:
    """Soft Dice with one cell on both sides: where nothing is and nothing is claimed, it is 1."""
    return (2.0 * overlap + 1.0) / (sizes + 1.0)


def tip_loss(predicted: Any, target: Any, focus: float) -> Any:
    """Per sample (n,): quality focal loss against a soft map, summed over cells."""
    p = tf.clip_by_value(predicted, EPSILON, 1.0 - EPSILON)
    entropy = -(target * tf.math.log(p) + (1.0 - target) * tf.math.log(1.0 - p))
    return tf.reduce_sum(tf.abs(target - p) ** focus * entropy, axis=(1, 2, 3))


def _size_factors(hot: Any, exponent: float) -> Any:
    """Per sample and class (n, 4): how much more a cell weighs where there are few of its class; 1 for background and bone."""
    cells = tf.maximum(tf.reduce_sum(hot, axis=(1, 2)), 1.0)
    factors = tf.clip_by_value((TYPICAL_CELLS / cells) ** exponent, 1.0 / FACTOR_MAX, FACTOR_MAX)
    small = tf.constant([0.0, 1.0, 0.0, 1.0])
    return small * factors + (1.0 - small)


def _known_classes(targets: Targets) -> Any:
    """(n, 1, 1, classes): 1 where the frame's labels speak of the class; of background they always do."""
    columns = [tf.ones_like(targets.known[:, 0])] + [targets.known[:, KNOWN_COLUMN[t]] for t in Tissue if t in KNOWN_COLUMN]
    return tf.stack(columns, axis=-1)[:, None, None, :]


def _unknown_forgiven(probabilities: Any, targets: Targets) -> Any:
    """Where a class is not known, what the network calls so beyond its labelled cells counts as background: either answer is right."""
    hot = tf.one_hot(targets.classes, len(Tissue))
    forgiven = probabilities * (1.0 - _known_classes(targets)) * (1.0 - hot)
    to_background = tf.one_hot(int(Tissue.BACKGROUND), len(Tissue)) * tf.reduce_sum(forgiven, axis=-1, keepdims=True)
    return tf.maximum(probabilities - forgiven, EPSILON) + to_background
