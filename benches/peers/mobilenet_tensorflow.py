"""MobileNetV2 in TensorFlow: Keras' own network in a tf.function."""

import numpy as np
import tensorflow as tf

from workloads import CLASSES, LEARNING_RATE, MOMENTUM, split


def use_threads(threads):
    """Must come before anything else."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def build(task):
    """A function that does the task once and waits for its result."""
    workload, kind = split(task)
    shape = (workload.side, workload.side, workload.channels)
    network = tf.keras.applications.MobileNetV2(
        input_shape=shape, alpha=workload.width, weights=None, classes=CLASSES
    )
    pictures = tf.constant(np.random.randn(workload.batch, *shape).astype("float32"))
    labels = tf.constant(np.arange(workload.batch) % CLASSES)
    optimizer = tf.keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM, nesterov=True)
    loss_of = tf.keras.losses.SparseCategoricalCrossentropy()

    @tf.function
    def train():
        with tf.GradientTape() as tape:
            loss = loss_of(labels, network(pictures, training=True))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables))
        return loss

    @tf.function
    def inference():
        return network(pictures, training=False)

    step = train if kind == "train" else inference
    return lambda: step().numpy()
