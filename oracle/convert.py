#!/usr/bin/env python3
"""Makes int8 .tflite files as other people's tools do: Keras networks with random weights, converted by TensorFlow.

Usage: convert.py FOLDER SEED...

Writes FOLDER/<network>-<seed>.tflite for every kind of network below. The networks are small, of the shapes that MobileNet V1 and V2 of Keras, the models of
MLPerf Tiny and simple classifiers have, so that all operators occur that TensorFlow writes for those.

Needs the packages of `convert-requirements.txt`. With `DANAS_CONVERTED=FOLDER` the tests of danas-deploy compare what
danas makes of the files with the reference runtime; `record_converted.py` records what that makes of them, as for the
files in `crates/deploy/tests/converted`.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

keras = tf.keras
layers = tf.keras.layers

# Examples by which the converter measures the ranges of activations.
CALIBRATION = 16


def normalised(x, activation="relu"):
    """BatchNorm and an activation, which the converter folds into the convolution before."""
    x = layers.BatchNormalization()(x)
    return layers.Activation(activation)(x) if activation else x


def mobilenet_v1(rng):
    """As keras.applications.MobileNet: explicit padding before strides, a mean, a convolution as classifier."""
    side = int(rng.integers(16, 34))
    image = layers.Input((side, side, 3))
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(image)
    x = normalised(layers.Conv2D(8, 3, strides=2, use_bias=False)(x), "relu6")
    for stride, width in [(1, 12), (2, 16), (1, 20)]:
        if stride == 2:
            x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
        padding = "same" if stride == 1 else "valid"
        x = layers.DepthwiseConv2D(3, strides=stride, padding=padding, use_bias=False)(x)
        x = normalised(x, "relu6")
        x = normalised(layers.Conv2D(width, 1, use_bias=False)(x), "relu6")
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Conv2D(5, 1)(x)
    return keras.Model(image, layers.Softmax()(layers.Reshape((5,))(x)))


def mobilenet_v2(rng):
    """As keras.applications.MobileNetV2: inverted residuals, a mean, a fully connected layer."""
    side = int(rng.integers(16, 34))
    image = layers.Input((side, side, 3))
    x = normalised(layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image), "relu6")
    for stride, width in [(1, 8), (2, 12), (1, 12)]:
        before = x
        x = normalised(layers.Conv2D(4 * x.shape[-1], 1, use_bias=False)(x), "relu6")
        if stride == 2:
            x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
        padding = "same" if stride == 1 else "valid"
        x = layers.DepthwiseConv2D(3, strides=stride, padding=padding, use_bias=False)(x)
        x = normalised(x, "relu6")
        x = normalised(layers.Conv2D(width, 1, use_bias=False)(x), None)
        if stride == 1 and before.shape[-1] == width:
            x = layers.add([before, x])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(7, activation="softmax")(x))


def resnet(rng):
    """As the image classification of MLPerf Tiny: sums with a fused ReLU, a pool, a flattening."""
    side = 4 * int(rng.integers(4, 8))
    image = layers.Input((side, side, 3))
    x = normalised(layers.Conv2D(8, 3, padding="same")(image))
    for stride, width in [(1, 8), (2, 12), (2, 16)]:
        y = normalised(layers.Conv2D(width, 3, strides=stride, padding="same")(x))
        y = normalised(layers.Conv2D(width, 3, padding="same")(y), None)
        if stride == 2:
            x = layers.Conv2D(width, 1, strides=stride, padding="same")(x)
        x = layers.Activation("relu")(layers.add([x, y]))
    x = layers.Flatten()(layers.AveragePooling2D(side // 4)(x))
    return keras.Model(image, layers.Dense(10, activation="softmax")(x))


def ds_cnn(rng):
    """As the keyword spotting of MLPerf Tiny: a tall stem, a pool over an oblong map."""
    height, width = int(rng.integers(25, 50)), int(rng.integers(8, 13))
    spectrum = layers.Input((height, width, 1))
    x = normalised(layers.Conv2D(16, (10, 4), strides=(2, 2), padding="same")(spectrum))
    for _ in range(2):
        x = normalised(layers.DepthwiseConv2D(3, padding="same")(x))
        x = normalised(layers.Conv2D(16, 1, padding="same")(x))
    x = layers.AveragePooling2D((x.shape[1], x.shape[2]))(x)
    return keras.Model(spectrum, layers.Dense(12, activation="softmax")(layers.Flatten()(x)))


def classifier(rng):
    """A first Keras network: convolutions without padding, max pools, two fully connected layers."""
    side = int(rng.integers(18, 29))
    return keras.Sequential(
        [
            layers.Input((side, side, 1)),
            layers.Conv2D(6, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(16, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def autoencoder(rng):
    """As the anomaly detection of MLPerf Tiny: fully connected layers only."""
    count = 8 * int(rng.integers(5, 13))
    spectrum = layers.Input((count,))
    x = spectrum
    for width in (24, 24, 8, 24):
        x = normalised(layers.Dense(width)(x))
    return keras.Model(spectrum, layers.Dense(count)(x))


def windows(rng):
    """Windows that the other networks do not have: oblong ones, of unequal strides, pools that overlap or reach over
    the edge, depthwise convolutions that widen, padding on one side, no bias."""
    image = layers.Input((int(rng.integers(18, 24)), int(rng.integers(18, 24)), 3))
    x = layers.Conv2D(6, (3, 5), strides=(1, 2), activation="relu6")(image)
    x = layers.DepthwiseConv2D((3, 2), depth_multiplier=2, padding="same", activation="relu")(x)
    x = layers.AveragePooling2D(3, strides=2, padding="same")(x)
    y = layers.Conv2D(12, 2, use_bias=False, padding="same")(x)
    x = layers.ReLU(6.0)(layers.add([x, y]))
    x = layers.MaxPooling2D((3, 2), strides=(2, 1), padding="same")(x)
    x = layers.ZeroPadding2D(((2, 0), (1, 3)))(x)
    x = layers.SeparableConv2D(8, 3, strides=2)(x)
    x = layers.AveragePooling2D(2, strides=1)(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(4)(x))


NETWORKS = [mobilenet_v1, mobilenet_v2, resnet, ds_cnn, classifier, autoencoder, windows]


def randomise(model, rng):
    """Weights that keep activations about as large as the input, and BatchNorms that have been trained."""
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, layers.BatchNormalization):
            count = weights[0].shape
            weights = [
                rng.uniform(0.5, 1.5, count),
                rng.normal(0, 0.3, count),
                rng.normal(0, 0.3, count),
                rng.uniform(0.5, 1.5, count),
            ]
        else:
            weights = [randomised(values.shape, layer, rng) for values in weights]
        layer.set_weights(weights)


def randomised(shape, layer, rng):
    """Random weights, or biases, of a layer."""
    if len(shape) == 1:
        return rng.normal(0, 0.1, shape)
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    inputs = shape[0] * shape[1] if depthwise else np.prod(shape[:-1])
    return rng.normal(0, np.sqrt(2 / inputs), shape)


def convert(model, rng):
    """The int8 file of a model."""
    shape = model.input_shape[1:]

    def examples():
        for _ in range(CALIBRATION):
            yield [rng.uniform(-1, 1, (1, *shape)).astype(np.float32)]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = examples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter.convert()


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 1
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for seed in map(int, arguments[1:]):
        for number, network in enumerate(NETWORKS):
            rng = np.random.default_rng([seed, number])
            model = network(rng)
            randomise(model, rng)
            path = folder / f"{network.__name__}-{seed}.tflite"
            path.write_bytes(convert(model, rng))
            print(path, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
