"""Trains a group of cases under one strategy and writes down all that came of it.

`python train.py STRATEGY GROUP FILE`, with the strategy none, mirrored (two logical devices) or
multiworker (TF_CONFIG names the workers). A process of its own, because logical devices and
workers must be made before TensorFlow runs anything.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_vae

NUM, BATCH_SIZE, EPOCHS = 25, 10, 4  # 12 steps; the last batch of an epoch holds 5 rows
CODE = {"name": "deterministic", "activation": "sigmoid"}
LEARNED_SCALE = {"name": "normal", "scale": "learned"}
IAF = {"name": "inverse_autoregressive_flow", "hidden": (8,), "context_dim": 4}


def networks(hidden: tuple[int, ...] = (8,), **arguments: Any) -> tuple[keras.Model, keras.Model]:
    return keras_vae.networks.dense((8, 8, 1), 3, hidden=hidden, **arguments)


def normalized() -> tuple[keras.Model, keras.Model]:
    """Networks of a user, with batch normalization and a penalty on weights."""
    decay = keras.regularizers.L2(1e-3)
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(8, use_bias=False, kernel_regularizer=decay),
            keras.layers.BatchNormalization(synchronized=True),
            keras.layers.Dense(6),
        ]
    )
    decoder = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(64), keras.layers.Reshape((8, 8, 1))]
    )
    return encoder, decoder


def sparse(sparsity: str, kind: str) -> keras_vae.SparseAutoencoder:
    sizes = {"filters": (4,), "kernel_size": 3} if kind != "dense" else {"hidden": ()}
    dims = {"latent_dim": 12} if kind == "dense" else {}
    pair = getattr(keras_vae.networks, kind)(
        (8, 8, 1), **dims, **sizes, posterior=CODE, likelihood="bernoulli"
    )
    return keras_vae.SparseAutoencoder(
        *pair, likelihood="bernoulli", posterior=CODE, sparsity=sparsity
    )


MODELS: dict[str, Callable[[], Any]] = {
    "autoencoder": lambda: keras_vae.Autoencoder(
        *networks(posterior="deterministic", likelihood="normal"), likelihood="normal"
    ),
    "vae": lambda: keras_vae.VAE(
        *networks(), likelihood={"name": "bernoulli", "binarization": "dynamic"}
    ),
    "cvae": lambda: keras_vae.CVAE(*networks(condition_dim=3)),
    "contractive": lambda: keras_vae.ContractiveAutoencoder(
        *networks((), posterior=CODE), posterior=CODE
    ),
    "normalized": lambda: keras_vae.VAE(*normalized()),
    "iwae": lambda: keras_vae.IWAE(*networks(), gradient="doubly_reparameterized"),
    "hierarchical": lambda: keras_vae.HierarchicalVAE(
        keras_vae.networks.dense_stages((8, 8, 1), (4, 3)), prior="normal_mixture"
    ),
    "flow prior": lambda: keras_vae.VAE(*networks(), prior={"name": "real_nvp", "hidden": (8,)}),
    "vamp prior": lambda: keras_vae.CVAE(
        *networks(condition_dim=3), prior={"name": "vamp", "num_components": 4}
    ),
    "autoregressive": lambda: keras_vae.VAE(
        *networks(posterior=IAF),
        posterior=IAF,
        prior={"name": "masked_autoregressive_flow", "hidden": (8,)},
    ),
    "levels": lambda: keras_vae.VAE(
        *networks(likelihood="discretized_logistic"), likelihood="discretized_logistic"
    ),
    "iwae of a condition": lambda: keras_vae.IWAE(
        *networks(condition_dim=3, posterior="multivariate_normal_tril"),
        posterior="multivariate_normal_tril",
        prior={"name": "conditional_normal", "hidden": (8,)},
    ),
    "learned prior": lambda: keras_vae.CVAE(
        *networks(condition_dim=3, likelihood=LEARNED_SCALE),
        likelihood=LEARNED_SCALE,
        prior=keras.Sequential([keras.Input((3,)), keras.layers.Dense(6)]),
    ),
    "pixel by pixel": lambda: keras_vae.VAE(
        *networks(likelihood="autoregressive_bernoulli"),
        likelihood="autoregressive_bernoulli",
        prior={"name": "normal_mixture", "num_components": 4},
    ),
    "denoising": lambda: keras_vae.DenoisingAutoencoder(
        *networks(posterior="deterministic", likelihood="continuous_bernoulli"),
        likelihood="continuous_bernoulli",
    ),
    "stacked": lambda: keras_vae.StackedAutoencoder(
        [
            keras_vae.Autoencoder(
                *keras_vae.networks.dense(shape, width, hidden=(), posterior="deterministic")
            )
            for shape, width in (((8, 8, 1), 6), ((6,), 3))
        ]
    ),
    "feature maps": lambda: keras_vae.ConvolutionalAutoencoder(
        *keras_vae.networks.fully_convolutional((8, 8, 1), filters=(4, 3), kernel_size=3)
    ),
    "completion": lambda: keras_vae.CompletionCVAE(
        *networks(condition_dim=3), given=[5, 1, 3], cvae_weight=0.7
    ),
    "wake-sleep": lambda: keras_vae.WakeSleep(*networks()),
    "monte carlo em": lambda: keras_vae.MonteCarloEM(*networks()),
    "kl dense": lambda: sparse("kl", "dense"),
    "kl maps": lambda: sparse("kl", "fully_convolutional"),
    "winners dense": lambda: sparse("winner_take_all", "dense"),
    "winners maps": lambda: sparse("winner_take_all", "fully_convolutional"),
}


@dataclass(frozen=True)
class Case:
    """One fit of 12 steps."""

    model: str
    steps_per_execution: int = 4
    jit_compile: bool | str = False
    stream: bool = False
    optimizer: tuple[str, tuple[tuple[str, float], ...]] = ("Adam", ())

    def __str__(self) -> str:
        settings = " ".join(name for name, _ in self.optimizer[1])
        jit = {True: "jit", False: "", "auto": "auto"}[self.jit_compile]
        words = (self.model, jit, self.steps_per_execution, "stream" * self.stream, settings)
        return " ".join(str(word) for word in words if word)


CLIPPED = (("learning_rate", 0.03), ("momentum", 0.9), ("clipnorm", 0.1))
SUITE = [
    Case("vae", 4, jit_compile=True),
    Case("cvae", 1, stream=True, optimizer=("SGD", CLIPPED)),
]
SLOW = [
    case
    for case in [
        *(
            Case(model, steps, jit, stream)
            for model in ("autoencoder", "vae", "cvae", "contractive")
            for steps in (1, 4)
            for jit in (False, True)
            for stream in (False, True)
        ),
        *(
            Case(model)
            for model in (
                "iwae",
                "iwae of a condition",
                "hierarchical",
                "vamp prior",
                "learned prior",
                "autoregressive",
                "levels",
                "pixel by pixel",
                "denoising",
                "stacked",
                "feature maps",
                "completion",
                "wake-sleep",
                "monte carlo em",
            )
        ),
        Case("normalized", 1, stream=True, optimizer=("SGD", CLIPPED)),
        Case("flow prior", jit_compile=True),
        Case("kl dense"),
        Case("winners maps"),
        Case("kl maps", jit_compile="auto"),
        Case("winners dense", jit_compile="auto"),
        Case("autoencoder", 1, stream=True, optimizer=("SGD", (("clipnorm", 0.1),))),
        Case("autoencoder", optimizer=("SGD", (("global_clipnorm", 0.1),))),
        Case("autoencoder", optimizer=("SGD", (("clipvalue", 0.01),))),
    ]
    if case not in SUITE
]
GROUPS = {"suite": SUITE, "slow": SLOW}


def data(model: Any) -> tuple[np.ndarray, ...]:
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (NUM, 8, 8, 1), np.uint8)
    if model.condition_dim is None:
        return (x,)
    return x, np.eye(3, dtype="float32")[np.arange(NUM) % 3]


def outcome(case: Case, strategy: tf.distribute.Strategy | None) -> dict[str, np.ndarray]:
    """Weights, slots, history, evaluation and predictions after a fit."""
    keras.utils.set_random_seed(0)
    with contextlib.nullcontext() if strategy is None else strategy.scope():
        model = MODELS[case.model]()
        name, settings = case.optimizer
        model.compile(
            getattr(keras.optimizers, name)(**{"learning_rate": 0.003} | dict(settings)),
            jit_compile=case.jit_compile,
            steps_per_execution=case.steps_per_execution,
            metrics=["mse"] if case.stream or case.model == "autoencoder" else None,
        )
    arrays = data(model)
    fed: dict[str, Any] = {"batch_size": BATCH_SIZE}
    x: Any = arrays
    if case.stream:
        fed = {}
        x = (tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH_SIZE),)
    history = model.fit(
        *x, **fed, validation_data=arrays, epochs=EPOCHS, shuffle=not case.stream, verbose=0
    ).history
    evaluation = model.evaluate(*arrays, batch_size=BATCH_SIZE, verbose=0, return_dict=True)
    evaluation["on a batch"] = model.test_on_batch(*arrays)[0]
    inputs = arrays[0] if len(arrays) == 1 else arrays
    weights = [*model.variables, *model.optimizer.variables]
    return {
        **{f"weights {i}": keras.ops.convert_to_numpy(w) for i, w in enumerate(weights)},
        **{f"history {key}": np.asarray(values) for key, values in history.items()},
        **{f"evaluation {key}": np.asarray(value) for key, value in evaluation.items()},
        "predictions": model.predict(inputs, batch_size=BATCH_SIZE, verbose=0),
    }


def main(name: str, group: str, file: str) -> None:
    """Trains all cases of a group under the strategy of this name."""
    strategy: tf.distribute.Strategy | None = None
    if name == "mirrored":
        (cpu,) = tf.config.list_physical_devices("CPU")
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, halves)
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    elif name == "multiworker":
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    found = {str(case): outcome(case, strategy) for case in GROUPS[group]}
    flat = {f"{case}/{key}": value for case, parts in found.items() for key, value in parts.items()}
    np.savez(file, **flat)


if __name__ == "__main__":
    main(*sys.argv[1:])
