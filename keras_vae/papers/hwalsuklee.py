"""hwalsuklee's repositories tensorflow-mnist-VAE and tensorflow-mnist-CVAE: all their pictures.

Networks 784-500-500 with elu and tanh, and the mirror image of that; Adam at 1e-3, batches of 128,
grey values as targets. Reconstructions from 2, 5, 10 and 20 dimensions (60 epochs), denoising,
manifolds, latent codes, and analogies.

They publish no figures, so the table has the measured ones alone: the ELBO of the test rows, also
for the denoising models, which see them clean. Grey values as targets make it a cross-entropy, not
comparable with likelihoods of binary images. The quick form trains for 3 epochs in place of 60, and
for 2 in place of 40 and 20.

Three things are not theirs: no dropout (a tenth of the hidden units there), for a
network's own random numbers would depend on the number of devices; labels join the input of
every layer, not of the first alone; and noise sets half of the pixels to black or white, where
theirs may add up to 2.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from keras_vae import figures
from keras_vae.errors import UserError
from keras_vae.models import LatentModel
from keras_vae.papers.comparison import Comparison, Findings
from keras_vae.papers.laboratory import Laboratory

_SETTINGS = (
    "network.hidden=[500, 500]",
    "network.activation=['elu', 'tanh']",
    "model.likelihood=bernoulli",
    "model.beta=1.0",
    "training.batch_size=128",
    "training.optimizer={name = 'adam', learning_rate = 1e-3}",
)
_NOISE = "model.corruption={name = 'salt_and_pepper', rate = 0.5}"
_DIMS = (2, 5, 10, 20)


def measure(laboratory: Laboratory) -> Findings:
    """All pictures, and the bound of each model that is in them."""
    data = laboratory.dataset()
    if data.num_classes is None:
        raise UserError(
            f"A CVAE of digits needs integer labels, and {data.name!r} has none: give y_train and "
            "y_test, or leave out --data for MNIST."
        )
    rows, pictures = [], []

    def trained(name: str, latent_dim: int, epochs: int, *choices: str) -> LatentModel:
        run = f"{name.lower().replace(', ', '-')}-{latent_dim}-epochs-{epochs}"
        model = laboratory.model(
            run,
            "mnist-cvae" if name.startswith("CVAE") else "mnist-vae",
            epochs,
            *_SETTINGS,
            f"network.latent_dim={latent_dim}",
            *choices,
        )
        y_test = None if model.condition_dim is None else data.y_test
        elbo = float(model.elbo(data.x_test, y_test).mean())
        plural = "epoch" if epochs == 1 else "epochs"
        what = f"{name}, {latent_dim} dimensions, {epochs} {plural}: ELBO"
        rows.append(Comparison(what, None, elbo, "nats"))
        return model

    def show(name: str, figure: Figure, caption: str) -> None:
        pictures.append(laboratory.picture(name, figure, caption))

    long, noisy, short = (
        laboratory.choose(full, quick) for full, quick in ((60, 3), (40, 2), (20, 2))
    )
    vaes = {f"z = {width}": trained("VAE", width, long) for width in _DIMS}
    show(
        "vae-reconstructions",
        figures.side_by_side(vaes, data),
        f"VAE: reconstructions from 2, 5, 10 and 20 dimensions, after {long} epochs.",
    )
    show(
        "vae-denoising",
        figures.corruption(trained("VAE, denoising", 20, noisy, _NOISE), data),
        f"VAE with 20 dimensions, trained for {noisy} epochs to restore digits from "
        "salt-and-pepper noise.",
    )
    show(
        "vae-manifold",
        figures.manifold(vaes["z = 2"], data),
        "VAE with 2 dimensions: what the latent space decodes to.",
    )
    show(
        "vae-latent",
        figures.latent(vaes["z = 2"], data),
        "VAE with 2 dimensions: the codes of test digits, by label.",
    )
    for epochs in (1, short):
        both = {name: trained(name, 2, epochs) for name in ("CVAE", "VAE")}
        show(
            f"cvae-reconstructions-epoch-{epochs}",
            figures.side_by_side(both, data),
            f"CVAE and VAE with 2 dimensions: reconstructions after epoch {epochs}.",
        )
    cvae = both["CVAE"]
    restoring = {name: trained(f"{name}, denoising", 2, short, _NOISE) for name in ("CVAE", "VAE")}
    show(
        "cvae-denoising",
        figures.side_by_side(restoring, data, corrupted=True),
        f"CVAE and VAE with 2 dimensions: digits restored from noise, after {short} epochs.",
    )
    show(
        "cvae-manifolds",
        figures.manifold(cvae, data),
        "CVAE with 2 dimensions: what the latent space decodes to, for each digit.",
    )
    show(
        "cvae-latent",
        figures.latent(cvae, data),
        "CVAE with 2 dimensions: the codes of test digits. The labels mix: the code is the style.",
    )
    show(
        "cvae-styles",
        figures.styles(cvae, data),
        "CVAE: analogies of random codes. Each row is one style, in all digits.",
    )
    show(
        "cvae-analogies",
        figures.analogies(cvae, data),
        "CVAE: analogies of given images. The style of the test digit at the left, in all digits.",
    )
    return Findings(rows, pictures)
