"""Figures of models and fits.

Every figure is a function of (model, dataset) or of a history that returns a matplotlib `Figure`
made without pyplot, so that nothing global changes; saving it is the caller's. All randomness comes
from a `seed` argument. Training, evaluation and file formats of runs do not live here.
"""

from collections.abc import Callable

from matplotlib.figure import Figure

from keras_vae.figures.activity import activity
from keras_vae.figures.codes import compare, latent
from keras_vae.figures.completions import completions
from keras_vae.figures.curves import history
from keras_vae.figures.decoded import (
    analogies,
    interpolate,
    manifold,
    reconstructions,
    samples,
)
from keras_vae.figures.features import filters, tangents
from keras_vae.figures.posterior import posterior
from keras_vae.figures.restored import corruption
from keras_vae.figures.sheets import image_sheet, save_images
from keras_vae.figures.side_by_side import side_by_side
from keras_vae.figures.styles import styles
from keras_vae.figures.suitability import suitable

FIGURES: dict[str, Callable[..., Figure]] = {
    "reconstructions": reconstructions,
    "corruption": corruption,
    "samples": samples,
    "completions": completions,
    "manifold": manifold,
    "latent": latent,
    "interpolate": interpolate,
    "analogies": analogies,
    "styles": styles,
    "filters": filters,
    "tangents": tangents,
    "posterior": posterior,
    "compare": compare,
    "history": history,
}

__all__ = [
    "FIGURES",
    "activity",
    "analogies",
    "compare",
    "completions",
    "corruption",
    "filters",
    "history",
    "image_sheet",
    "interpolate",
    "latent",
    "manifold",
    "posterior",
    "reconstructions",
    "samples",
    "save_images",
    "side_by_side",
    "styles",
    "suitable",
    "tangents",
]
