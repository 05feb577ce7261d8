"""The network: a depthwise-separable U-Net with a class map and a tip map at stride 4. Needs the extra ``train``.

Only operations that quantise to int8 and run delegated are used (facts measured on LiteRT 2.3): ReLU6, bilinear up-sampling,
addition, softmax, sigmoid; channels in multiples of 8. The first layers run at high resolution and cost most, so they are narrow.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_SIZE_PX
from barbotage_models.contract.output import CLASSES_NAME, INPUT_NAME, OUTPUT_SIZE_PX, TIP_NAME
from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.errors import InvalidInputError
from barbotage_models.training.shape import PLAIN_SHAPE, NetworkShape, Weights

GREY_MAX = 255.0
STEM_NAME = "stem"
TIP_PRIOR = 0.01
"""Start value of the tip map, so that the few positive cells do not drown at the start (Lin 2017, focal loss, section 4.1)."""


def build_network(shape: NetworkShape = PLAIN_SHAPE, batch_size: int | None = None, rescaled: bool = True) -> Any:
    """The Keras model: frame (n, 256, 256, planes) of grey levels 0 to 255 -> dict of ``classes`` (n, 64, 64, 4) and ``tip`` (n, 64, 64, 1).

    ``rescaled`` False leaves out the division by 255; use it with ``folded_weights``, which puts the division into the first convolution.
    """
    frame = keras.Input((CANONICAL_SIZE_PX, CANONICAL_SIZE_PX, shape.planes), batch_size=batch_size, name=INPUT_NAME)
    x = keras.layers.Rescaling(1.0 / GREY_MAX)(frame) if rescaled else frame
    x = keras.layers.Conv2D(shape.stem, 3, strides=2, padding="same", use_bias=False, name=STEM_NAME)(x)
    x = _activated(x)
    levels = []
    for channels, blocks, kernel in zip(shape.encoder, shape.blocks, shape.kernels, strict=True):
        x = _separable(x, channels, strides=2)
        for _ in range(blocks - 1):
            x = _separable(x, channels, kernel=kernel)
        levels.append(x)
    for channels, level, blocks in zip(reversed(shape.encoder[:-1]), reversed(levels[:-1]), shape.decoder_blocks, strict=True):
        x = keras.layers.UpSampling2D(2, interpolation="bilinear")(_pointwise(x, channels))
        x = keras.layers.Add()([x, level])
        for _ in range(blocks):
            x = _separable(x, channels)
    classes = keras.layers.Conv2D(len(Tissue), 1, name="class_logits")(x)
    prior: Any = keras.initializers.Constant(float(np.log(TIP_PRIOR / (1.0 - TIP_PRIOR))))
    tip = keras.layers.Conv2D(1, 1, bias_initializer=prior, name="tip_logits")(
        _separable(x, shape.encoder[0], kernel=shape.tip_kernel)
    )
    outputs = {
        CLASSES_NAME: keras.layers.Softmax(name=CLASSES_NAME)(classes),
        TIP_NAME: keras.layers.Activation("sigmoid", name=TIP_NAME)(tip),
    }
    model = keras.Model(frame, outputs, name="barbotage")
    _check_shapes(model)
    return model


def folded_weights(model: Any) -> Weights:
    """The weights of a rescaled model for one built with ``rescaled=False``: the first kernel is divided by 255.

    Exact, because nothing stands between the division and the convolution; zero padding stays zero.
    """
    stem = model.get_layer(STEM_NAME).kernel
    return [
        np.asarray(value / GREY_MAX if variable is stem else value, dtype=np.float32)
        for variable, value in zip(model.weights, model.get_weights(), strict=True)
    ]


def set_checked_weights(model: Any, weights: Sequence[npt.NDArray[np.float32]]) -> None:
    """Puts weights into a model. Raises InvalidInputError when they belong to another network."""
    shapes = [tuple(w.shape) for w in weights]
    expected = [tuple(w.shape) for w in model.weights]
    if shapes != expected:
        raise InvalidInputError(
            f"the weights have {len(shapes)} arrays that do not fit this network of {len(expected)}; train again"
        )
    model.set_weights(list(weights))


def _separable(x: Any, channels: int, strides: int = 1, kernel: int = 3) -> Any:
    # Nothing between the two convolutions: as good (Chollet 2017, Xception, section 4.7), and half the normalisation to train.
    x = keras.layers.DepthwiseConv2D(kernel, strides=strides, padding="same", use_bias=False)(x)
    return _pointwise(x, channels)


def _pointwise(x: Any, channels: int) -> Any:
    return _activated(keras.layers.Conv2D(channels, 1, use_bias=False)(x))


def _activated(x: Any) -> Any:
    return keras.layers.ReLU(6.0)(keras.layers.BatchNormalization(momentum=0.97)(x))


def _check_shapes(model: Any) -> None:
    map_shape = (OUTPUT_SIZE_PX, OUTPUT_SIZE_PX)
    found = {name: tuple(tensor.shape[1:]) for name, tensor in model.output.items()}
    expected = {CLASSES_NAME: (*map_shape, len(Tissue)), TIP_NAME: (*map_shape, 1)}
    if found != expected:
        raise InvalidInputError(f"the network gives {found}, the contract needs {expected}")
