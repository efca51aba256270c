"""The networks and objectives that all contenders share."""

from __future__ import annotations

IMAGE = (28, 28, 1)
PIXELS = 784
LEARNING_RATE = 1e-3

MLP = (500,)
"""Hidden widths of Kingma and Welling (2013), appendix C."""
MLP_LATENT = 20

FILTERS = (32, 64)
"""Of the convolutions, 3 x 3 with stride 2; the recipe mnist-conv-vae."""
CONV_HIDDEN = 256
CONV_LATENT = 20

CODE = 1000
"""Sigmoid units of Rifai et al. (2011), table 1, with tied weights."""
CONTRACTION = 2.0
"""The weight of the contraction, as in the recipe mnist-contractive-ae."""

DEEP = (200, 200)
"""Hidden widths of Burda, Grosse and Salakhutdinov (2016), section 5, one stochastic layer."""
DEEP_LATENT = 50
IWAE_SAMPLES = 50
NLL_SAMPLES = 5000
