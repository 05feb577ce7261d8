"""What training minimises: class cross-entropy with soft Dice, and a focal loss on the tip map. Needs the extra ``train``."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from barbotage_models.contract.output import CLASSES_NAME, TIP_NAME
from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.training.labels import Known

EPSILON = 1e-6
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


@dataclass(frozen=True, slots=True)
class Targets:
    """Tensors of a batch: ``classes`` int (n, 64, 64); ``tip`` float (n, 64, 64, 1) in [0, 1]; ``known`` float (n, 4), 0 or 1, columns as ``Known``."""

    classes: Any
    tip: Any
    known: Any


def total_loss(outputs: dict[str, Any], targets: Targets, settings: LossSettings) -> Any:
    """The scalar loss of a batch."""
    probabilities = _unknown_forgiven(tf.clip_by_value(outputs[CLASSES_NAME], EPSILON, 1.0), targets)
    classes = cross_entropy(probabilities, targets, settings.class_weights)
    dice = dice_loss(probabilities, targets)
    tip = tip_loss(outputs[TIP_NAME], targets.tip, settings.tip_focus, targets.known[:, Known.TIP])
    return classes + settings.dice_weight * dice + settings.tip_weight * tip


def cross_entropy(probabilities: Any, targets: Targets, class_weights: tuple[float, ...]) -> Any:
    """Weighted mean over all cells of -log of the true class's probability."""
    hot = tf.one_hot(targets.classes, len(Tissue))
    weights = tf.reduce_sum(hot * tf.constant(class_weights), axis=-1)
    return tf.reduce_mean(-tf.math.log(tf.reduce_sum(hot * probabilities, axis=-1)) * weights)


def dice_loss(probabilities: Any, targets: Targets) -> Any:
    """1 - soft Dice over the batch, mean of deposit, bone and needle, each where it is known (Milletari 2016, V-Net)."""
    hot = tf.one_hot(targets.classes, len(Tissue))
    counted = _known_classes(targets)
    overlap = tf.reduce_sum(hot * probabilities * counted, axis=(0, 1, 2))
    sizes = tf.reduce_sum((hot + probabilities) * counted, axis=(0, 1, 2))
    smooth = 1.0  # one cell: a batch without the class costs next to nothing when nothing is claimed
    dice = (2.0 * overlap + smooth) / (sizes + smooth)
    return 1.0 - tf.reduce_mean(dice[1:])


def tip_loss(predicted: Any, target: Any, focus: float, known: Any) -> Any:
    """Quality focal loss against a soft map, summed over the cells of frames with ``known`` tip, per tip in the batch (at least one)."""
    p = tf.clip_by_value(predicted, EPSILON, 1.0 - EPSILON)
    entropy = -(target * tf.math.log(p) + (1.0 - target) * tf.math.log(1.0 - p))
    tips = tf.reduce_sum(tf.cast(tf.reduce_max(target, axis=(1, 2, 3)) > 0.0, tf.float32))
    return tf.reduce_sum(tf.abs(target - p) ** focus * entropy * known[:, None, None, None]) / tf.maximum(tips, 1.0)


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
