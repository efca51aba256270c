"""Fully connected encoders and decoders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import keras

from keras_vae.distributions import get_likelihood, get_posterior
from keras_vae.layers import TiedDense
from keras_vae.networks._checks import check_tied, check_widths


def dense(
    event_shape: Sequence[int],
    latent_dim: int,
    *,
    hidden: Sequence[int] = (500,),
    activation: str = "tanh",
    posterior: Any = "normal",
    likelihood: Any = "bernoulli",
    condition_dim: int | None = None,
    tied: bool = False,
    weight_decay: float = 0.0,
    kernel_stddev: float | None = None,
) -> tuple[keras.Model, keras.Model]:
    """An encoder with layers of the `hidden` widths, and its mirror image for a decoder.

    Args:
        event_shape: Shape of one example, an image's or a vector's.
        latent_dim: Width of the code.
        hidden: Widths of the encoder's hidden layers, first to last.
        activation: Of the hidden layers.
        posterior: What the encoder must give parameters for; "deterministic" for a plain
            autoencoder.
        likelihood: What the decoder must give parameters for.
        condition_dim: Width of the condition, a second input of both networks, which joins the
            input of every layer; None for none.
        tied: Whether the decoder's kernels are the encoder's, transposed. The decoder is then no
            network on its own: make a model of the two.
        weight_decay: This times the sum of the squared kernels is added to the loss.
        kernel_stddev: Standard deviation of the Normal that the kernels begin with; None for
            Glorot's uniform.

    Returns:
        The encoder, from x (batch, *event_shape), and the decoder, from z (batch, latent_dim).

    Raises:
        UserError: When the kernels cannot be tied, or a width is below 1.

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", appendix C.
    """
    check_widths(hidden=hidden, latent_dim=latent_dim)
    event_shape = tuple(event_shape)
    posterior_shape = get_posterior(posterior).params_shape((latent_dim,))
    likelihood_shape = get_likelihood(likelihood).params_shape(event_shape)
    if tied:
        check_tied(latent_dim, posterior_shape, event_shape, likelihood_shape, condition_dim)
    layer = partial(
        keras.layers.Dense,
        kernel_initializer=_initializer(kernel_stddev),
        kernel_regularizer=keras.regularizers.L2(weight_decay) if weight_decay else None,
    )
    names = [f"hidden_{index}" for index in range(len(hidden))]
    encoding = [
        *(layer(width, activation, name=name) for width, name in zip(hidden, names, strict=True)),
        layer(math.prod(posterior_shape), name="params"),
    ]
    sources = ["params", *names[::-1]]
    decoding = [
        (partial(TiedDense, source) if tied else layer)(width, activation=f, name=name)
        for source, width, f, name in zip(
            sources,
            [*hidden[::-1], math.prod(likelihood_shape)],
            [*([activation] * len(hidden)), None],
            [*names, "params"],
            strict=True,
        )
    ]
    return (
        _perceptron("encoder", event_shape, encoding, posterior_shape, condition_dim),
        _perceptron("decoder", (latent_dim,), decoding, likelihood_shape, condition_dim),
    )


def dense_layers(
    event_shape: Sequence[int],
    latent_dim: int,
    *,
    hidden: Sequence[int] = (500,),
    activation: str = "sigmoid",
    posterior: Any = "deterministic",
    likelihood: Any = "bernoulli",
    tied: bool = False,
    weight_decay: float = 0.0,
) -> list[dict[str, Any]]:
    """The layers of an encoder and its mirror image, each as a shallow autoencoder of its own.

    Use it for a stack:

        layers = keras_vae.networks.dense_layers((28, 28, 1), 30, hidden=(1000, 500, 250))
        stack = keras_vae.StackedAutoencoder(
            [keras_vae.DenoisingAutoencoder(**layer) for layer in layers]
        )

    Args:
        event_shape: Shape of one example, an image's or a vector's.
        latent_dim: Width of the last code.
        hidden: Widths of the codes below, first to last.
        activation: Of the codes below: they are data of the next layer, under the likelihood
            "bernoulli" for "sigmoid", and "normal" with that activation for any other.
        posterior: Of the last code: "deterministic", which is linear, or a table with an
            `activation`.
        likelihood: Of the data.
        tied: Whether each decoder's kernel is its encoder's, transposed.
        weight_decay: As in `dense`.

    Returns:
        The arguments of each autoencoder, from the data upwards: `encoder`, `decoder`, `posterior`
        and `likelihood`.

    Raises:
        UserError: When the kernels cannot be tied, or a width is below 1.

    Reference:
        Hinton and Salakhutdinov (2006), "Reducing the Dimensionality of Data with Neural Networks",
        figure 1.
    """
    inner = "bernoulli" if activation == "sigmoid" else {"name": "normal", "activation": activation}
    shapes = [tuple(event_shape), *((width,) for width in hidden)]
    posteriors = [{"name": "deterministic", "activation": activation} for _ in hidden]
    layers = []
    for below, width, code, data in zip(
        shapes,
        [*hidden, latent_dim],
        [*posteriors, posterior],
        [likelihood, *(inner for _ in hidden)],
        strict=True,
    ):
        encoder, decoder = dense(
            below,
            width,
            hidden=(),
            posterior=code,
            likelihood=data,
            tied=tied,
            weight_decay=weight_decay,
        )
        layers.append(
            {"encoder": encoder, "decoder": decoder, "posterior": code, "likelihood": data}
        )
    return layers


def _initializer(kernel_stddev: float | None) -> str | dict[str, Any]:
    """As Keras names it: one object for all layers would give them the same numbers."""
    if kernel_stddev is None:
        return "glorot_uniform"
    return {"class_name": "RandomNormal", "config": {"stddev": kernel_stddev}}


def _perceptron(
    name: str,
    input_shape: tuple[int, ...],
    layers: Sequence[keras.Layer],
    output_shape: tuple[int, ...],
    condition_dim: int | None,
) -> keras.Model:
    inputs = [keras.Input(input_shape)]
    if condition_dim is not None:
        inputs.append(keras.Input((condition_dim,), name="condition"))
    h = keras.layers.Flatten()(inputs[0])  # (batch, input_size)
    for layer in layers:
        if condition_dim is not None:
            h = keras.layers.Concatenate()([h, inputs[1]])  # (batch, width + condition_dim)
        h = layer(h)  # (batch, width)
    outputs = keras.layers.Reshape(output_shape)(h)  # (batch, *output_shape)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs, name=name)
