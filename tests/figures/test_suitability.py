"""Every figure is drawn of what suits it, and others are refused with a reason."""

import io

import pytest

import keras_vae
from figures.tiny import (
    ANGLES,
    COLOURS,
    DIGITS,
    GREY,
    LABELS,
    QUICK,
    VECTORS,
    autoencoder,
    cvae,
    dataset,
    denoising,
    networks,
    vae,
)
from keras_vae import figures
from keras_vae.distributions import Prior
from keras_vae.distributions.flows import standard_normal
from keras_vae.errors import UserError


@pytest.mark.parametrize(
    ("build", "data", "names"),
    [
        (lambda: autoencoder(GREY), GREY, "reconstructions latent filters tangents"),
        (lambda: autoencoder(VECTORS), VECTORS, "reconstructions latent tangents"),
        (
            lambda: denoising(DIGITS),
            DIGITS,
            "reconstructions corruption latent filters tangents",
        ),
        (lambda: autoencoder(DIGITS, 1), DIGITS, "reconstructions filters tangents"),
        (
            lambda: vae(GREY),
            GREY,
            "reconstructions samples manifold latent interpolate filters tangents posterior",
        ),
        (
            lambda: vae(DIGITS, 3),
            DIGITS,
            "reconstructions samples latent interpolate filters tangents",
        ),
        (lambda: vae(DIGITS, 1), DIGITS, "reconstructions samples interpolate filters tangents"),
        (
            lambda: cvae(DIGITS),
            DIGITS,
            "reconstructions samples manifold latent interpolate analogies styles filters "
            "posterior",
        ),
        (lambda: cvae(ANGLES, 3), ANGLES, "reconstructions samples latent interpolate filters"),
        (lambda: cvae(DIGITS), GREY, ""),
        (lambda: cvae(DIGITS), ANGLES, ""),
        (lambda: cvae(dataset((8, 8, 1), LABELS % 2)), DIGITS, ""),
        (lambda: vae(GREY), COLOURS, ""),
    ],
)
def test_suitable_figures_are_drawn_and_others_refused(build, data, names):
    model = build()
    assert figures.suitable(model, data) == names.split()
    for name in set(figures.FIGURES) - {"history", "compare"}:
        if name in names.split():
            figures.FIGURES[name](model, data, **QUICK.get(name, {})).savefig(io.BytesIO())
        else:
            with pytest.raises(UserError, match=rf"^Cannot draw '{name}': .*: .*\.$"):
                figures.FIGURES[name](model, data)


@pytest.mark.parametrize(
    ("build", "data", "name", "reason"),
    [
        (lambda: autoencoder(GREY), GREY, "samples", "Autoencoder has no prior"),
        (lambda: vae(DIGITS, 3), DIGITS, "manifold", "this one has 3"),
        (lambda: vae(DIGITS, 3), DIGITS, "posterior", "this one has 3"),
        (lambda: vae(DIGITS, 1), DIGITS, "latent", "this one has 1"),
        (lambda: vae(GREY), GREY, "analogies", "integer labels"),
        (lambda: cvae(DIGITS), GREY, "latent", "tiny has no labels"),
        (
            lambda: cvae(DIGITS),
            ANGLES,
            "latent",
            "conditions of 3 entries, but those of tiny have 2",
        ),
        (lambda: vae(GREY), COLOURS, "latent", r"\(8, 8, 1\), but tiny has \(6, 4, 3\)"),
    ],
)
def test_refusal_says_why(build, data, name, reason):
    with pytest.raises(UserError, match=reason):
        figures.FIGURES[name](build(), data)


def test_manifold_refuses_a_prior_without_quantiles():
    class Shifted(Prior):
        def distribution(self, condition, training=False):
            return standard_normal(self.latent_dim)

    model = keras_vae.VAE(*networks(GREY, 2), prior=Shifted())
    assert "manifold" not in figures.suitable(model, GREY)
    with pytest.raises(UserError, match="Shifted"):
        figures.manifold(model, GREY)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("reconstructions", "num"),
        ("reconstructions", "columns"),
        ("samples", "num"),
        ("samples", "columns"),
        ("manifold", "size"),
        ("latent", "num"),
        ("interpolate", "num"),
        ("analogies", "num"),
        ("styles", "num"),
        ("filters", "num"),
        ("posterior", "num"),
    ],
)
def test_numbers_below_one_are_refused(name, count):
    with pytest.raises(UserError, match=f"^Received {count}=0, expected at least 1"):
        figures.FIGURES[name](cvae(DIGITS), DIGITS, **{count: 0})
