"""The stacked autoencoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import keras
import numpy as np

from keras_vae.errors import UserError
from keras_vae.models._chain import Chain
from keras_vae.models.autoencoder import Autoencoder


@keras.saving.register_keras_serializable("keras_vae")
class StackedAutoencoder(Autoencoder):
    """A deep autoencoder made of shallow ones, each trained on the codes of the one below.

    Use it for deep codes where training from the start gets stuck, and with few labels.

    `pretrain` trains one autoencoder after the other, each with its own objective: denoising,
    sparse, contractive or plain. `fit` then trains all layers at once; its objective, per example
    in nats, is that of `Autoencoder` for the whole stack: reconstruction = -log p(x | z).

    Args:
        autoencoders: From the data upwards: the first takes x, every other one the codes of the one
            below. Their networks become parts of the stack's, and are not copied.
        **kwargs: `corruption` and `seed`, as in `LatentModel`.

    Example:
    >>> import keras_vae
    >>> sizes = [(64,), (16,), (4,)]
    >>> shallow = [
    ...     keras_vae.DenoisingAutoencoder(
    ...         *keras_vae.networks.dense(
    ...             below, above[0], hidden=(), posterior="deterministic", likelihood="normal"
    ...         )
    ...     )
    ...     for below, above in zip(sizes, sizes[1:])
    ... ]
    >>> stack = keras_vae.StackedAutoencoder(shallow)
    >>> x = np.random.default_rng(0).random((50, 64), "float32")
    >>> histories = stack.pretrain(x, epochs=1, verbose=0)
    >>> stack.encode(x).shape
    (50, 4)

    Reference:
        Hinton and Salakhutdinov (2006), "Reducing the Dimensionality of Data with Neural Networks";
        Bengio et al. (2007), "Greedy Layer-Wise Training of Deep Networks", section 3; Vincent et
        al. (2010), "Stacked Denoising Autoencoders", section 3.5.
    """

    def __init__(self, autoencoders: Sequence[Autoencoder], **kwargs: Any) -> None:
        autoencoders = list(autoencoders)
        _check(autoencoders)
        for key in ("posterior", "likelihood"):
            if key in kwargs:
                raise UserError(
                    f"A StackedAutoencoder takes no {key!r}: its code is that of the last "
                    "autoencoder, and its likelihood that of the first. Give it to those."
                )
        first, last = autoencoders[0], autoencoders[-1]
        encoding = [layer for part in autoencoders for layer in part.encoding_layers()]
        decoding = [layer for part in autoencoders[:0:-1] for layer in part.decoding_layers()]
        super().__init__(
            Chain(first.event_shape, encoding, name="encoder"),
            Chain(last.latent_shape, [*decoding, first.decoder], name="decoder"),
            likelihood=first.likelihood_layer,
            **kwargs,
        )
        self.autoencoders = autoencoders

    def pretrain(
        self,
        x: Any,
        *,
        optimizer: Any = "adam",
        validation_data: Any = None,
        callbacks: Callable[[int], Any] | Any = None,
        **kwargs: Any,
    ) -> list[keras.callbacks.History]:
        """Trains the autoencoders one after the other, from the data upwards.

        Args:
            x: Data (num, *event_shape), an array.
            optimizer: A Keras optimizer or its name; each autoencoder gets one like it. An
                autoencoder that has been compiled keeps its own.
            validation_data: Data (num, *event_shape), or a tuple that holds them alone.
            callbacks: Keras callbacks for all, or a function that gives those of a layer by its
                number, from 1.
            **kwargs: Of `fit`, the same for all: `epochs`, `batch_size`, `verbose`, which also says
                which layer it is.

        Returns:
            The history of each.

        Raises:
            UserError: When some of them, or the stack, have been trained already, or for data that
                are no array.
        """
        self._check_untrained()
        x = np.asarray(x)
        if x.dtype == object:
            raise UserError(
                "pretrain() takes an array (num, *event_shape), since the codes of one layer are "
                "the data of the next. Received another kind of data; fit() takes those."
            )
        config = keras.optimizers.serialize(keras.optimizers.get(optimizer))
        held_out = validation_data[0] if isinstance(validation_data, tuple) else validation_data
        histories = []
        for number, part in enumerate(self.autoencoders, start=1):
            if kwargs.get("verbose", "auto"):
                widths = f"{math.prod(part.event_shape)}-{part.latent_dim}"
                print(f"Layer {number} of {len(self.autoencoders)}: {widths}", flush=True)
            if not part.compiled:
                part.compile(keras.optimizers.deserialize(config))
            validation = None if held_out is None else (held_out,)
            own = callbacks(number) if callable(callbacks) else callbacks
            histories.append(part.fit(x, validation_data=validation, callbacks=own, **kwargs))
            x = part.encode(x)  # (num, *latent_shape)
            held_out = None if held_out is None else part.encode(held_out)
        return histories

    def _check_untrained(self) -> None:
        """Raises a `UserError` unless all autoencoders are new."""
        steps, *parts = (
            int(keras.ops.convert_to_numpy(model.step)) for model in (self, *self.autoencoders)
        )
        if steps > 0:
            raise UserError(
                f"The stack has been fitted for {steps} steps, and pretraining comes "
                "before: go on with fit(), or make a new stack."
            )
        trained = [number for number, steps in enumerate(parts, start=1) if steps > 0]
        if trained:
            raise UserError(
                f"Of {len(self.autoencoders)} autoencoders, number {', '.join(map(str, trained))} "
                "have been trained: a stack is pretrained once, from new. Go on with fit() if all "
                "have been, or make a new stack."
            )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the autoencoders included."""
        config = super().get_config()
        for key in ("encoder", "decoder", "posterior", "likelihood"):
            del config[key]
        serialize = keras.saving.serialize_keras_object
        return {**config, "autoencoders": [serialize(part) for part in self.autoencoders]}


def _check(autoencoders: Sequence[Any]) -> None:
    """Raises a `UserError` unless each takes the codes of the one below."""
    if not autoencoders:
        raise UserError("A stack is made of one autoencoder or more. Received none.")
    for part in autoencoders:
        if not isinstance(part, Autoencoder) or part.condition_dim is not None:
            raise UserError(
                "A stack is made of autoencoders without a condition. "
                f"Received a {type(part).__name__}."
            )
    for below, above in pairwise(autoencoders):
        if above.event_shape != below.latent_shape:
            raise UserError(
                f"Codes of shape {below.latent_shape} are followed by an autoencoder of data of "
                f"shape {above.event_shape}: build its networks for the codes below."
            )
