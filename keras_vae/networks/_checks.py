"""What a network cannot be."""

from __future__ import annotations

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
