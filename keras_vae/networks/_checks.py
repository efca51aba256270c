"""What a network cannot be."""

from __future__ import annotations

from collections.abc import Sequence

from keras_vae.errors import UserError

Shape = tuple[int, ...]


def check_widths(**widths: int | Sequence[int]) -> None:
    """Raises a `UserError` for a number of units or channels below 1, with its argument's name."""
    for name, value in widths.items():
        if any(width < 1 for width in (value if isinstance(value, Sequence) else [value])):
            raise UserError(f"{name} is made of numbers of at least 1. Received {name}={value!r}.")


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
