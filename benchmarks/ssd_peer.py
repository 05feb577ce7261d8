"""The peer of the frame-path benchmark: an SSD-MobileNetV2 320 x 320 int8 detector, built here with random weights.

Same graph as ``ssd_mobilenet_v2_320x320`` of the TensorFlow detection zoo: MobileNetV2 alpha 1.0, six feature maps, depthwise-separable
(SSDLite) heads, 91 classes, 2034 anchors, full-int8 post-training quantisation. Its time does not depend on its weights, so
none are downloaded. Non-maximum suppression is left out, which favours the peer.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

CACHE = Path(__file__).resolve().parent.parent / ".bench-cache"
PEER_FILE = CACHE / "ssd-mobilenetv2-320-int8.tflite"
SIDE_PX = 320
CLASSES = 91
ANCHORS = (3, 6, 6, 6, 6, 6)
"""Anchors per cell of each feature map; the zoo's configuration has three in the finest."""
EXTRA_WIDTHS = (512, 256, 256, 128)
CALIBRATION_FRAMES = 8
SEED = 20


def peer_model() -> Path:
    """The peer's file, built on first use (about a minute, needs the ``train`` extra)."""
    if not PEER_FILE.is_file():
        CACHE.mkdir(exist_ok=True)
        content = _converted()
        partial = PEER_FILE.with_suffix(".partial")
        partial.write_bytes(content)
        partial.replace(PEER_FILE)
    return PEER_FILE


def _network() -> Any:
    import keras
    from keras import layers

    keras.utils.set_random_seed(SEED)
    frame = keras.Input(batch_shape=(1, SIDE_PX, SIDE_PX, 3), name="frame")
    backbone = keras.applications.MobileNetV2(input_tensor=frame, alpha=1.0, include_top=False, weights=None)
    maps = [backbone.get_layer("block_13_expand_relu").output, backbone.output]
    for width in EXTRA_WIDTHS:
        squeezed = layers.ReLU(6.0)(layers.Conv2D(width // 2, 1)(maps[-1]))
        wide = layers.DepthwiseConv2D(3, strides=2, padding="same")(squeezed)
        maps.append(layers.ReLU(6.0)(layers.Conv2D(width, 1)(wide)))
    boxes, scores = [], []
    for features, anchors in zip(maps, ANCHORS, strict=True):
        boxes.append(layers.Reshape((-1, 4))(_head(layers, features, anchors * 4)))
        scores.append(layers.Reshape((-1, CLASSES))(_head(layers, features, anchors * CLASSES)))
    all_scores = layers.Activation("sigmoid")(layers.Concatenate(axis=1)(scores))
    return keras.Model(frame, {"boxes": layers.Concatenate(axis=1)(boxes), "scores": all_scores})


def _head(layers: Any, features: Any, channels: int) -> Any:
    spread = layers.ReLU(6.0)(layers.DepthwiseConv2D(3, padding="same")(features))
    return layers.Conv2D(channels, 1)(spread)


def _converted() -> bytes:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    def frames() -> Iterator[list[npt.NDArray[np.float32]]]:
        rng = np.random.default_rng(SEED)
        for _ in range(CALIBRATION_FRAMES):
            yield [rng.uniform(-1.0, 1.0, (1, SIDE_PX, SIDE_PX, 3)).astype(np.float32)]

    converter = tf.lite.TFLiteConverter.from_keras_model(_network())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = frames
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(peer_model())
