"""Keras weights to .tflite, int8 or float32, and the check that an int8 graph really is one. Needs the extra ``train``.

Only ``from_keras_model`` with a fixed batch of 1 is used: ``from_concrete_functions`` on a Keras 3 model gives a file without
weights that LiteRT runs without complaint. The conversion is byte-deterministic.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from barbotage_models.contract.geometry import GreyImage
from barbotage_models.contract.output import INPUT_NAME
from barbotage_models.errors import BarbotageError
from barbotage_models.evaluation.runner import TfliteRunner
from barbotage_models.training.network import build_network, folded_weights, set_checked_weights
from barbotage_models.training.shape import NetworkShape, Weights

INTEGER_TYPES = frozenset({"int8", "int32"})
"""All that a full-int8 graph holds: int8 values and weights, int32 biases and shapes."""
BYTES_PER_WEIGHT_MIN = 0.9
"""A file smaller than its weights has lost them."""


class ConversionError(BarbotageError):
    """The converted file is not what it should be; nothing is written."""


def to_float(weights: Weights, shape: NetworkShape) -> bytes:
    """The float32 model file."""
    return _converted(tf.lite.TFLiteConverter.from_keras_model(_inference_model(weights, shape)))


def to_int8(weights: Weights, shape: NetworkShape, representative: GreyImage) -> bytes:
    """The full-int8 model file; ``representative`` uint8 (n, 256, 256, planes) sets the value ranges.

    It must hold needles, deposits and dark frames, else the range of the tip map is cut. Raises ConversionError when a
    floating-point tensor is left or the weights are missing.
    """
    model = _inference_model(weights, shape)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _inputs(representative)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    content = _converted(converter)
    check_int8(content, int(model.count_params()))
    return content


def check_int8(content: bytes, parameters: int) -> None:
    """Raises ConversionError unless every tensor is an integer and the file is large enough to hold its weights."""
    if len(content) < parameters * BYTES_PER_WEIGHT_MIN:
        raise ConversionError(
            f"the int8 file has {len(content)} bytes for {parameters} weights: they are missing; check the converter"
        )
    types = TfliteRunner(content).tensor_types()
    if not set(types) <= INTEGER_TYPES:
        raise ConversionError(f"the int8 graph holds tensors of types {types}; only {sorted(INTEGER_TYPES)} may be left")


def _converted(converter: Any) -> bytes:
    # The converter prints its temporary folder on stdout and warns of its own deprecations; neither is for our users.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bytes(converter.convert())


def _inference_model(weights: Weights, shape: NetworkShape) -> Any:
    # Layer names end up in the file and are counted up through the life of a process; the same weights must give the same bytes.
    keras.utils.clear_session()
    trained = build_network(shape)
    set_checked_weights(trained, weights)
    model = build_network(shape, batch_size=1, rescaled=False)
    set_checked_weights(model, folded_weights(trained))
    return model


def _inputs(frames: GreyImage) -> Iterator[dict[str, Any]]:
    for frame in frames:
        yield {INPUT_NAME: frame[None].astype(np.float32)}
