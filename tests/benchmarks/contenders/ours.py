"""This library, through `model.fit` and `model.log_likelihood`, with the recipes' networks."""

from __future__ import annotations

from typing import Any

import keras

import keras_vae
from contenders import sizes
from contenders.data import dense_layers, digits
from contenders.work import Run, Work

_BINARY = {"name": "bernoulli", "binarization": "dynamic"}


def mlp(work: Work, steps_per_execution: int | None = None) -> Run:
    networks = keras_vae.networks.dense(
        sizes.IMAGE, latent_dim=sizes.MLP_LATENT, hidden=sizes.MLP, activation="tanh"
    )
    vae = keras_vae.VAE(*networks, likelihood=_BINARY)
    return _fit(vae, work, steps_per_execution=steps_per_execution)


def conv(work: Work, bfloat16: bool = False) -> Run:
    _set_policy(bfloat16)
    networks = keras_vae.networks.convolutional(
        sizes.IMAGE,
        latent_dim=sizes.CONV_LATENT,
        filters=sizes.FILTERS,
        hidden=(sizes.CONV_HIDDEN,),
    )
    return _fit(keras_vae.VAE(*networks, likelihood=_BINARY), work)


def contractive(work: Work) -> Run:
    code = {"name": "deterministic", "activation": "sigmoid"}
    networks = keras_vae.networks.dense(
        sizes.IMAGE, latent_dim=sizes.CODE, hidden=(), tied=True, posterior=code
    )
    model = keras_vae.ContractiveAutoencoder(
        *networks, likelihood="bernoulli", posterior=code, weight=sizes.CONTRACTION
    )
    return _fit(model, work)


def iwae(work: Work) -> Run:
    model = keras_vae.IWAE(*_deep(), num_samples=sizes.IWAE_SAMPLES, likelihood=_BINARY)
    return _fit(model, work)


def evaluation(work: Work, bfloat16: bool = False) -> Run:
    _set_policy(bfloat16)
    encoder, decoder = _deep()
    for network, layers in (
        (encoder, dense_layers(sizes.PIXELS, *sizes.DEEP, 2 * sizes.DEEP_LATENT)),
        (decoder, dense_layers(sizes.DEEP_LATENT, *sizes.DEEP[::-1], sizes.PIXELS)),
    ):
        network.set_weights([array for layer in layers for array in layer])
    vae = keras_vae.VAE(encoder, decoder, likelihood=_BINARY)
    x = digits(work.rows)

    def run() -> float:
        for _ in range(work.epochs):
            log_px = vae.log_likelihood(x, num_samples=sizes.NLL_SAMPLES)  # (rows,)
        return -log_px.mean()

    return run


def _deep() -> tuple[keras.Model, keras.Model]:
    return keras_vae.networks.dense(
        sizes.IMAGE, latent_dim=sizes.DEEP_LATENT, hidden=sizes.DEEP, activation="tanh"
    )


def _set_policy(bfloat16: bool) -> None:
    if bfloat16:
        keras.mixed_precision.set_global_policy("mixed_bfloat16")


def _fit(model: keras.Model, work: Work, **options: Any) -> Run:
    model.compile(keras.optimizers.Adam(sizes.LEARNING_RATE), **options)
    x = digits(work.rows)

    def run() -> float:
        history = model.fit(x, batch_size=work.batch_size, epochs=work.epochs, verbose=0)
        return history.history["loss"][-1]

    return run
