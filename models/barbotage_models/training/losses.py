"""What training minimises: class cross-entropy with soft Dice, and a focal loss on the tip map. Needs the extra ``train``."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from barbotage_models.contract.output import CLASSES_NAME, TIP_NAME
from barbotage_models.contract.taxonomy import Tissue

EPSILON = 1e-6


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
    """Tensors of a batch: ``classes`` int (n, 64, 64); ``tip`` float (n, 64, 64, 1) in [0, 1]; ``bone_known`` float (n,), 0 or 1."""

    classes: Any
    tip: Any
    bone_known: Any


def total_loss(outputs: dict[str, Any], targets: Targets, settings: LossSettings) -> Any:
    """The scalar loss of a batch."""
    probabilities = _bone_forgiven(tf.clip_by_value(outputs[CLASSES_NAME], EPSILON, 1.0), targets.bone_known)
    classes = cross_entropy(probabilities, targets, settings.class_weights)
    dice = dice_loss(probabilities, targets)
    return (
        classes + settings.dice_weight * dice + settings.tip_weight * tip_loss(outputs[TIP_NAME], targets.tip, settings.tip_focus)
    )


def cross_entropy(probabilities: Any, targets: Targets, class_weights: tuple[float, ...]) -> Any:
    """Weighted mean over all cells of -log of the true class's probability."""
    hot = tf.one_hot(targets.classes, len(Tissue))
    weights = tf.reduce_sum(hot * tf.constant(class_weights), axis=-1)
    return tf.reduce_mean(-tf.math.log(tf.reduce_sum(hot * probabilities, axis=-1)) * weights)


def dice_loss(probabilities: Any, targets: Targets) -> Any:
    """1 - soft Dice over the batch, mean of deposit, bone (where it is known) and needle (Milletari 2016, V-Net)."""
    hot = tf.one_hot(targets.classes, len(Tissue))
    known = targets.bone_known[:, None, None, None]
    counted = tf.concat([tf.ones_like(known), tf.ones_like(known), known, tf.ones_like(known)], axis=-1)
    overlap = tf.reduce_sum(hot * probabilities * counted, axis=(0, 1, 2))
    sizes = tf.reduce_sum((hot + probabilities) * counted, axis=(0, 1, 2))
    smooth = 1.0  # one cell: a batch without the class costs next to nothing when nothing is claimed
    dice = (2.0 * overlap + smooth) / (sizes + smooth)
    return 1.0 - tf.reduce_mean(dice[1:])


def tip_loss(predicted: Any, target: Any, focus: float) -> Any:
    """Quality focal loss against a soft map, summed over cells, per tip in the batch (at least one)."""
    p = tf.clip_by_value(predicted, EPSILON, 1.0 - EPSILON)
    entropy = -(target * tf.math.log(p) + (1.0 - target) * tf.math.log(1.0 - p))
    tips = tf.reduce_sum(tf.cast(tf.reduce_max(target, axis=(1, 2, 3)) > 0.0, tf.float32))
    return tf.reduce_sum(tf.abs(target - p) ** focus * entropy) / tf.maximum(tips, 1.0)


def _bone_forgiven(probabilities: Any, bone_known: Any) -> Any:
    """On frames with unlabelled bone, what the network calls bone counts as background: either answer is right there."""
    unknown = 1.0 - bone_known[:, None, None]
    background = probabilities[..., Tissue.BACKGROUND] + unknown * probabilities[..., Tissue.BONE]
    bone = probabilities[..., Tissue.BONE] * (1.0 - unknown) + EPSILON
    return tf.stack([background, probabilities[..., Tissue.DEPOSIT], bone, probabilities[..., Tissue.NEEDLE]], axis=-1)
