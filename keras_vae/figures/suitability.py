"""Which figures suit a model and a dataset, and what to tell a user who asks for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_vae.datasets import Dataset
from keras_vae.errors import UserError

if TYPE_CHECKING:
    from keras_vae.models import FittedModel

NAMES = (
    "reconstructions",
    "corruption",
    "samples",
    "completions",
    "manifold",
    "latent",
    "interpolate",
    "analogies",
    "styles",
    "filters",
    "tangents",
    "posterior",
)


def suitable(model: FittedModel, dataset: Dataset) -> list[str]:
    """Names in `FIGURES` of the figures of a model that suit it and the dataset, in their order."""
    return [name for name in NAMES if objection(name, model, dataset) is None]


def check_suitable(name: str, model: FittedModel, dataset: Dataset) -> None:
    """Raises UserError, with the reason and a way out, unless the figure suits."""
    reason = objection(name, model, dataset)
    if reason is not None:
        raise UserError(f"Cannot draw '{name}': {reason}.")


def objection(name: str, model: FittedModel, dataset: Dataset) -> str | None:
    """Why a figure does not suit, and what to do instead; None when it suits."""
    # Imported here, so that image sheets do without tensorflow.
    from keras_vae.distributions import ConditionalNormal, LearnedNormal, StandardNormal
    from keras_vae.figures.kernels import first_kernel
    from keras_vae.models import CompletionCVAE, Generative, LatentModel
    from keras_vae.models.jacobian import WIDEST

    if not isinstance(model, LatentModel):
        return f"a {type(model).__name__} has no code and draws nothing: name an autoencoder"
    if tuple(model.event_shape) != tuple(dataset.event_shape):
        return (
            f"the model takes examples of shape {tuple(model.event_shape)}, but {dataset.name} has "
            f"{tuple(dataset.event_shape)}: give the data it was fitted to"
        )
    if model.condition_dim is not None and dataset.y_test is None:
        return (
            f"the model takes a condition, but {dataset.name} has no labels: give data with "
            "`y_train` and `y_test`"
        )
    if model.condition_dim is not None and not _condition_fits(model.condition_dim, dataset):
        return (
            f"the model takes conditions of {model.condition_dim} entries, but those of "
            f"{dataset.name} have {dataset.condition_dim}: give the data it was fitted to"
        )
    if name == "completions" and not isinstance(model, CompletionCVAE):
        return (
            f"it needs a model that completes a part of its data, and this is a "
            f"{type(model).__name__}: fit mnist-quadrants-1, or draw 'samples'"
        )
    if name in ("samples", "manifold", "interpolate", "styles", "posterior") and not isinstance(
        model, Generative
    ):
        return (
            f"it needs a generative model, and {type(model).__name__} has no prior over its code: "
            "fit a VAE or CVAE, or draw 'reconstructions' or 'latent'"
        )
    if name in ("manifold", "posterior") and model.latent_dim != 2:
        return (
            f"it needs a latent space of 2 dimensions, and this one has {model.latent_dim}: fit "
            "with `latent_dim=2`, or draw 'samples' or 'latent'"
        )
    if name == "manifold" and not isinstance(
        model.prior_layer, (StandardNormal, LearnedNormal, ConditionalNormal)
    ):
        return (
            f"it needs a Normal prior, and this one is {type(model.prior_layer).__name__}: draw "
            "'samples' or 'latent'"
        )
    if name == "latent" and model.latent_dim < 2:
        return (
            "it needs a latent space of at least 2 dimensions, and this one has "
            f"{model.latent_dim}: fit with a larger `latent_dim`"
        )
    if name == "corruption" and model.corruption_layer is None:
        return (
            f"it needs a model with a corruption, and this {type(model).__name__} has none: fit a "
            "DenoisingAutoencoder, or any model with `corruption`"
        )
    if name == "filters" and len(first_kernel(model)) == 0:
        return (
            "it needs images, and an encoder that begins with a dense layer or a convolution: draw "
            "'reconstructions'"
        )
    if name == "tangents" and model.condition_dim is not None:
        return (
            f"it needs a model without a condition, and this one is a {type(model).__name__}: draw "
            "'analogies'"
        )
    if name == "tangents" and model.latent_dim > WIDEST:
        return (
            f"it takes codes of at most {WIDEST:,} numbers, and this one has {model.latent_dim:,}: "
            "draw 'filters'"
        )
    if name in ("analogies", "styles") and (
        model.condition_dim is None or dataset.num_classes is None
    ):
        return (
            "it needs a model with a condition and integer labels: fit a CVAE on labelled data, or "
            "draw 'interpolate'"
        )
    return None


def _condition_fits(condition_dim: int, dataset: Dataset) -> bool:
    """Labels may leave the last classes of a model out; real-valued conditions fit exactly."""
    if dataset.num_classes is not None:
        return dataset.num_classes <= condition_dim
    return dataset.condition_dim == condition_dim
