"""Fully connected encoders and decoders."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras

from keras_vae.distributions import get_likelihood, get_posterior
from keras_vae.errors import UserError, check_counts, check_widths
from keras_vae.layers import GatedDense, TiedDense
from keras_vae.networks._checks import check_tied


def dense(
    event_shape: Sequence[int],
    latent_dim: int,
    *,
    hidden: Sequence[int] = (500,),
    activation: str | Sequence[str] = "tanh",
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
        activation: Of the hidden layers, one for all or a list with one for each, first to last of
            the encoder; "glu" makes them gated linear units, with two kernels.
        posterior: What the encoder must give parameters for; "deterministic" for a plain
            autoencoder.
        likelihood: What the decoder must give parameters for.
        condition_dim: Width of the condition, a second input of both networks, which joins the
            input of every layer; None for none.
        tied: Whether the decoder's kernels are the encoder's, transposed. The decoder is then no
            network on its own: make a model of the two.
        weight_decay: This times the sum of the squared kernels is minimized too, and is no part of
            the `loss` that a fit logs.
        kernel_stddev: Standard deviation of the Normal that the kernels begin with; None for
            Glorot's uniform.

    Returns:
        The encoder, from x (batch, *event_shape), and the decoder, from z (batch, latent_dim).

    Raises:
        UserError: When the kernels cannot be tied, a width is below 1, or there are not as many
            activations as layers.

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", appendix C.
    """
    check_widths(event_shape=event_shape, hidden=hidden)
    check_counts(latent_dim=latent_dim)
    event_shape = tuple(event_shape)
    posterior_shape = get_posterior(posterior).params_shape((latent_dim,))
    likelihood_shape = get_likelihood(likelihood).params_shape(event_shape)
    activations = [activation] * len(hidden) if isinstance(activation, str) else [*activation]
    if len(activations) != len(hidden):
        raise UserError(
            f"activation is one name, or one for each of the {len(hidden)} hidden layers. "
            f"Received {activation!r}."
        )
    if tied:
        check_tied(latent_dim, posterior_shape, event_shape, likelihood_shape, condition_dim)
        if "glu" in activations:
            raise UserError("Gated units have two kernels, which cannot be tied: leave out `tied`.")
    hidden_layer, layer = _makers(weight_decay, kernel_stddev)
    names = [f"hidden_{index}" for index in range(len(hidden))]
    encoding = [
        *(
            hidden_layer(each)(width, name=name)
            for each, width, name in zip(activations, hidden, names, strict=True)
        ),
        layer(math.prod(posterior_shape), name="params"),
    ]
    makers: list[Callable[..., keras.Layer]] = [*map(hidden_layer, activations[::-1]), layer]
    if tied:
        makers = [
            partial(TiedDense, source, activation=each)
            for source, each in zip(
                ["params", *names[::-1]], [*activations[::-1], None], strict=True
            )
        ]
    decoding = [
        make(width, name=name)
        for make, width, name in zip(
            makers, [*hidden[::-1], math.prod(likelihood_shape)], [*names, "params"], strict=True
        )
    ]
    network = partial(_perceptron, condition_dim=condition_dim, joins=len(encoding))
    return (
        network("encoder", event_shape, encoding, posterior_shape),
        network("decoder", (latent_dim,), decoding, likelihood_shape),
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
    check_widths(event_shape=event_shape, hidden=hidden)
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


def dense_stages(
    event_shape: Sequence[int],
    latent_dims: Sequence[int],
    *,
    hidden: Sequence[Sequence[int]] | None = None,
    activation: str = "tanh",
    likelihood: Any = "bernoulli",
) -> list[tuple[keras.Model, keras.Model]]:
    """An encoder and its mirror image for each layer of codes, from the data upwards.

    Use it for a `HierarchicalVAE`.

    Args:
        event_shape: Shape of one example, an image's or a vector's.
        latent_dims: Widths of the codes, from the data upwards.
        hidden: For each code, the widths of the hidden layers between it and what is below, first
            to last of the encoder; None for one layer of twice the code's width.
        activation: Of the hidden layers.
        likelihood: Of the data.

    Returns:
        The pairs of networks.

    Raises:
        UserError: When `hidden` is not as long as `latent_dims`, or a width is below 1.

    Reference:
        Burda, Grosse and Salakhutdinov (2016), "Importance Weighted Autoencoders", section 5.
    """
    check_widths(event_shape=event_shape, latent_dims=latent_dims)
    if hidden is None:
        hidden = [(2 * width,) for width in latent_dims]
    if len(hidden) != len(latent_dims):
        raise UserError(
            f"hidden has the widths of each code's layers. Received {len(hidden)} of them for "
            f"{len(latent_dims)} codes."
        )
    below = [tuple(event_shape), *((width,) for width in latent_dims)]
    likelihoods = [likelihood, *[{"name": "normal", "scale": "learned"}] * (len(hidden) - 1)]
    return [
        dense(shape, width, hidden=widths, activation=activation, likelihood=density)
        for shape, width, widths, density in zip(
            below, latent_dims, hidden, likelihoods, strict=False
        )
    ]


def dense_completion(
    event_shape: Sequence[int],
    latent_dim: int,
    condition_dim: int,
    *,
    hidden: Sequence[int] = (500,),
    baseline_hidden: Sequence[int] = (500,),
    activation: str = "relu",
    posterior: Any = "normal",
    likelihood: Any = "bernoulli",
    weight_decay: float = 0.0,
) -> dict[str, keras.Model]:
    """An encoder, its mirror image, and a network from the condition to a first guess at the data.

    Use it for a `CompletionCVAE`. What is given of an image is wide, and joins the input of the
    first layers alone, where `dense` has it in every layer.

    Args:
        event_shape: As in `dense`, like all that follow.
        latent_dim: The same.
        condition_dim: The same.
        hidden: The same.
        baseline_hidden: Widths of the hidden layers of the guess.
        activation: The same.
        posterior: The same.
        likelihood: The same.
        weight_decay: The same, for all three networks.

    Returns:
        `encoder`, `decoder` and `baseline`, from c (batch, condition_dim) to raw likelihood
        parameters.

    Raises:
        UserError: When a width is below 1.

    Reference:
        Sohn, Lee and Yan (2015), "Learning Structured Output Representation using Deep Conditional
        Generative Models", section 4.
    """
    check_widths(event_shape=event_shape, hidden=hidden, baseline_hidden=baseline_hidden)
    check_counts(latent_dim=latent_dim, condition_dim=condition_dim)
    event_shape = tuple(event_shape)
    hidden_layer, layer = _makers(weight_decay)

    def network(
        name: str,
        input_shape: tuple[int, ...],
        widths: Sequence[int],
        output_shape: tuple[int, ...],
        condition_dim: int | None,
    ) -> keras.Model:
        layers = [
            hidden_layer(activation)(width, name=f"hidden_{index}")
            for index, width in enumerate(widths)
        ]
        layers.append(layer(math.prod(output_shape), name="params"))
        return _perceptron(name, input_shape, layers, output_shape, condition_dim, joins=1)

    codes = get_posterior(posterior).params_shape((latent_dim,))
    data = get_likelihood(likelihood).params_shape(event_shape)
    return {
        "encoder": network("encoder", event_shape, hidden, codes, condition_dim),
        "decoder": network("decoder", (latent_dim,), hidden[::-1], data, condition_dim),
        "baseline": network("baseline", (condition_dim,), baseline_hidden, data, None),
    }


def _makers(
    weight_decay: float, kernel_stddev: float | None = None
) -> tuple[Callable[[str], Callable[..., keras.Layer]], Callable[..., keras.Layer]]:
    """Functions of a width that make a hidden layer, given its activation, and the last one."""
    settings: dict[str, Any] = {
        "kernel_initializer": _initializer(kernel_stddev),
        "kernel_regularizer": keras.regularizers.L2(weight_decay) if weight_decay else None,
    }
    last = partial(keras.layers.Dense, **settings)

    def hidden_layer(activation: str) -> Callable[..., keras.Layer]:
        if activation == "glu":
            return partial(GatedDense, **settings)
        return partial(last, activation=activation)

    return hidden_layer, last


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
    joins: int,
) -> keras.Model:
    """A network of layers, of which the first `joins` see the condition, if there is one."""
    inputs = [keras.Input(input_shape)]
    if condition_dim is not None:
        inputs.append(keras.Input((condition_dim,), name="condition"))
    h = keras.layers.Flatten()(inputs[0])  # (batch, input_size)
    for index, layer in enumerate(layers):
        if condition_dim is not None and index < joins:
            h = keras.layers.Concatenate()([h, inputs[1]])  # (batch, width + condition_dim)
        h = layer(h)  # (batch, width)
    outputs = keras.layers.Reshape(output_shape)(h)  # (batch, *output_shape)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs, name=name)
