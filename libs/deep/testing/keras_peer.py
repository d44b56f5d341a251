"""Processor seconds of Keras for the nets of training.bench.ts: the same shapes, data of the same kind, epochs and batches.

Prints {"ae": s, "vae": s, "lstm": s}. One thread for each operation, as ours.
"""

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
layers = tf.keras.layers


def autoencoder():
    return tf.keras.Sequential(
        [layers.Dense(32, "relu", input_shape=(64,)), layers.Dense(8, "relu"), layers.Dense(32, "relu"), layers.Dense(64)]
    )


class Variational(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.waist = layers.Dense(32, "relu"), layers.Dense(16)
        self.back, self.out = layers.Dense(32, "relu"), layers.Dense(64)

    def call(self, x):
        mean, log_variance = tf.split(self.waist(self.hidden(x)), 2, axis=1)
        self.add_loss(0.5 * tf.reduce_mean(tf.reduce_sum(mean**2 + tf.exp(log_variance) - log_variance - 1, axis=1)))
        drawn = mean + tf.exp(log_variance / 2) * tf.random.normal(tf.shape(mean))
        return self.out(self.back(drawn))


def lstm():
    return tf.keras.Sequential(
        [
            layers.LSTM(32, input_shape=(32, 8)),
            layers.RepeatVector(32),
            layers.LSTM(32, return_sequences=True),
            layers.TimeDistributed(layers.Dense(8)),
        ]
    )


def seconds(model, data, epochs):
    model.compile("adam", "mse")
    start = time.process_time()
    model.fit(data, data, batch_size=64, epochs=epochs, verbose=0)
    return time.process_time() - start


t = np.arange(4096)[:, None]
flat = np.sin(t / 9 + np.arange(64) / 5).astype(np.float32)
rows = np.sin(np.arange(2048)[:, None, None] / 9 + np.arange(32)[None, :, None] / 9 + np.arange(8)).astype(np.float32)
json.dump({"ae": seconds(autoencoder(), flat, 20), "vae": seconds(Variational(), flat, 20), "lstm": seconds(lstm(), rows, 5)}, sys.stdout)
