"""What a network cannot be."""

from __future__ import annotations

from collections.abc import Sequence

from keras_vae.errors import UserError

Shape = tuple[int, ...]


def check_tied(
    latent_dim: int,
    posterior_shape: Shape,
    event_shape: Shape,
    likelihood_shape: Shape,
    condition_dim: int | None,
) -> None:
    """Raises a `UserError` where the decoder cannot go back over the encoder's own kernels."""
    if (condition_dim, posterior_shape, likelihood_shape) != (None, (latent_dim,), event_shape):
        raise UserError(
            "Tied kernels need one number per value of the code and of the data, and no condition. "
            f"Received {posterior_shape} for a code of {latent_dim}, {likelihood_shape} for data "
            f"of {event_shape} and condition_dim={condition_dim!r}: leave out `tied`."
        )


def check_images(event_shape: Sequence[int], filters: Sequence[int]) -> Shape:
    """The shape (height, width, channels), or a `UserError` for another, or without `filters`."""
    if len(event_shape) != 3:
        raise UserError(
            f"A convolutional network takes images (height, width, channels). "
            f"Received data of shape {tuple(event_shape)}; "
            'use the network "dense".'
        )
    if not filters:
        raise UserError(
            "A convolutional network takes at least one number in `filters`. Received none; "
            'use the network "dense".'
        )
    return tuple(event_shape)
