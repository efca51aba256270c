"""Tiny data, models of them, and what is read back out of a picture."""

import functools

import numpy as np

import keras_vae
from keras_vae.datasets import Dataset

RNG = np.random.default_rng(0)
LABELS = np.arange(36) % 3


def dataset(event_shape, labels=None, x=None):
    x = RNG.integers(0, 256, (36, *event_shape)).astype(np.uint8) if x is None else x
    return Dataset(
        "tiny", x, x[::-1].copy(), labels, None if labels is None else labels[::-1].copy()
    )


GREY = dataset((8, 8, 1))
DIGITS = dataset((8, 8, 1), LABELS)
COLOURS = dataset((6, 4, 3), LABELS)
SIGNED = dataset((8, 8, 1), x=RNG.uniform(-1.0, 1.0, (36, 8, 8, 1)).astype(np.float32))
VECTORS = dataset((7,), x=RNG.normal(size=(36, 7)).astype(np.float32))
ANGLES = dataset((8, 8, 1), RNG.uniform(size=(36, 2)).astype(np.float32))


def networks(data, latent_dim, **kwargs):
    condition_dim = kwargs.pop("condition_dim", None)
    return keras_vae.networks.dense(
        data.event_shape, latent_dim, hidden=(8,), condition_dim=condition_dim, **kwargs
    )


@functools.cache  # no test changes a model
def vae(data, latent_dim=2):
    return keras_vae.VAE(*networks(data, latent_dim, likelihood="normal"), likelihood="normal")


@functools.cache
def cvae(data, latent_dim=2, **kwargs):
    pair = networks(data, latent_dim, likelihood="normal", condition_dim=data.condition_dim)
    return keras_vae.CVAE(*pair, likelihood="normal", **kwargs)


@functools.cache
def autoencoder(data, latent_dim=2):
    pair = networks(data, latent_dim, posterior="deterministic", likelihood="normal")
    return keras_vae.Autoencoder(*pair)


@functools.cache
def denoising(data):
    pair = networks(data, 2, posterior="deterministic", likelihood="normal")
    corruption = {"name": "masking", "rate": 0.5}
    return keras_vae.DenoisingAutoencoder(*pair, corruption=corruption)


QUICK = {"posterior": {"num": 2, "num_samples": 40, "num_burnin": 20}}
"""Arguments of figures that take long."""


def tiles_of(axes, rows, columns, event_shape, gap=2):
    """The events (rows, columns, *event_shape) that an axes shows, and the enlargement."""
    sheet = np.asarray(axes.images[0].get_array())
    assert sheet.dtype == np.uint8
    sheet = sheet[..., : event_shape[2]] / 255.0
    height, width = (sheet.shape[0] + gap) // rows, (sheet.shape[1] + gap) // columns
    scale = (height - gap) // event_shape[0]
    assert sheet.shape[:2] == (rows * height - gap, columns * width - gap)
    assert (width - gap) == scale * event_shape[1]
    return np.array(
        [
            [
                sheet[y * height : y * height + height - gap, x * width : x * width + width - gap]
                for x in range(columns)
            ]
            for y in range(rows)
        ]
    )[:, :, ::scale, ::scale]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def close(shown, expected):
    np.testing.assert_allclose(shown, np.clip(expected, 0.0, 1.0), atol=0.502 / 255)
