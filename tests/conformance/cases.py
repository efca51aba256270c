"""The registry: one tiny case for every public model class, its networks, and what it may be given.

A new model class gets its cases here and nothing else: every file of this folder runs over them.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae.models import Generative, LatentModel
from keras_vae.noise import Noise

NUM = 50
BATCH_SIZE = 10

REFUSED = {(keras_vae.ConvolutionalAutoencoder, "dense")}
"""Classes and networks that do not go together."""


@dataclass(frozen=True)
class Case:
    """A model of 8 x 8 images with 3 latent dimensions, and data for it."""

    name: str
    cls: type[LatentModel]
    networks: str
    arguments: dict[str, Any] = field(default_factory=dict)
    network_arguments: dict[str, Any] = field(default_factory=dict)
    condition_dim: int | None = None
    has_learned_prior: bool = False
    has_baseline: bool = False
    event_shape: tuple[int, ...] = (8, 8, 1)
    dtype: str = "float32"

    def build(self, **arguments: Any) -> LatentModel:
        """A new model, the same at every call; the arguments replace the case's own."""
        keras.utils.set_random_seed(0)
        arguments = {"likelihood": "bernoulli", "seed": 7, **self.arguments, **arguments}
        if self.has_learned_prior:
            arguments["prior"] = keras.Sequential(
                [keras.Input((self.condition_dim,)), keras.layers.Dense(6)]
            )
        if self.has_baseline:
            size = math.prod(self.event_shape)
            arguments["baseline"] = keras.Sequential(
                [
                    keras.Input((self.condition_dim,)),
                    keras.layers.Dense(size),
                    keras.layers.Reshape(self.event_shape),
                ]
            )
        if self.cls is keras_vae.HierarchicalVAE:
            stages = keras_vae.networks.dense_stages(
                self.event_shape, (3, 2), likelihood=arguments["likelihood"]
            )
            return self.cls(stages, **arguments)
        default = "normal" if issubclass(self.cls, Generative) else "deterministic"
        sizes = {
            "dense": {"latent_dim": 3, "hidden": (8,)},
            "convolutional": {"latent_dim": 3, "filters": (4, 8)},
            "fully_convolutional": {"filters": (4, 3), "kernel_size": 3},
        }
        condition = {} if self.condition_dim is None else {"condition_dim": self.condition_dim}
        encoder, decoder = getattr(keras_vae.networks, self.networks)(
            self.event_shape,
            posterior=arguments.get("posterior", default),
            likelihood=arguments["likelihood"],
            activation="tanh",
            **sizes[self.networks] | self.network_arguments,
            **condition,
        )
        if self.cls is keras_vae.StackedAutoencoder:
            likelihood = arguments.pop("likelihood")
            below = keras_vae.Autoencoder(encoder, decoder, likelihood=likelihood)
            above = keras_vae.DenoisingAutoencoder(
                *keras_vae.networks.dense(
                    (3,), 3, hidden=(), posterior="deterministic", likelihood="normal"
                )
            )
            return self.cls([below, above], **arguments)
        return self.cls(encoder, decoder, **arguments)

    def data(self, num: int = NUM) -> tuple[np.ndarray, ...]:
        """x (num, *event_shape), and labels (num,) or what is given if the model is conditional."""
        generator = np.random.default_rng(0)
        labels = np.arange(num) % 3
        shade = labels.reshape(-1, *[1] * len(self.event_shape)) / 3
        x = (0.1 + 0.6 * shade + 0.2 * generator.random((num, *self.event_shape))).astype("float32")
        if self.dtype == "uint8":
            x = np.round(255 * x).astype("uint8")
        if self.condition_dim is None:
            return (x,)
        given = self.arguments.get("given")
        return x, labels if given is None else x.reshape(num, -1)[:, given]

    def compile(self, model: LatentModel, optimizer: Any, **arguments: Any) -> None:
        """Compiles as by default; but with XLA, which takes seconds, only where a class is new."""
        model.compile(optimizer, **({} if self in PAIRS else {"jit_compile": False}), **arguments)

    def fit(self, model: LatentModel, epochs: int = 1) -> dict[str, list[float]]:
        """Fits a compiled model on the data in a fixed order, and returns the history."""
        return model.fit(
            *self.data(), batch_size=BATCH_SIZE, epochs=epochs, shuffle=False, verbose=0
        ).history

    def __str__(self) -> str:
        return self.name


def loss_terms(model, x, condition=None, training=False) -> dict[str, Any]:
    """What `test_step` computes for one batch, outside of any graph: (batch,) each."""
    x, condition = model.as_inputs(x, condition)
    noise = Noise.for_rows(model.seed, x)
    return model.loss_terms(*model.observed(x, condition, noise), noise, training)


DYNAMIC = {"name": "bernoulli", "binarization": "dynamic"}
STATIC = {"name": "bernoulli", "binarization": "static"}
AUTOREGRESSIVE = {**DYNAMIC, "name": "autoregressive_bernoulli", "num_filters": 2, "kernel_size": 3}

FLOW = {"name": "real_nvp", "num_layers": 2, "hidden": (5,)}
VAMP = {"name": "vamp", "num_components": 3}

CASES = [
    Case("autoencoder dense", keras_vae.Autoencoder, "dense", {"likelihood": "normal"}),
    Case("autoencoder convolutional", keras_vae.Autoencoder, "convolutional"),
    Case(
        "convolutional autoencoder",
        keras_vae.ConvolutionalAutoencoder,
        "convolutional",
        {"likelihood": {"name": "normal", "scale": 0.5, "activation": "sigmoid"}},
    ),
    Case(
        "convolutional autoencoder of feature maps",
        keras_vae.ConvolutionalAutoencoder,
        "fully_convolutional",
        {
            "posterior": {"name": "deterministic", "activation": "sigmoid"},
            "sparsity": {"name": "kl", "target": 0.2, "weight": 0.5},
            "corruption": "gaussian",
        },
    ),
    Case(
        "denoising autoencoder dense",
        keras_vae.DenoisingAutoencoder,
        "dense",
        {"corruption": {"name": "salt_and_pepper", "rate": 0.3}, "untouched_weight": 0.5},
    ),
    Case(
        "sparse autoencoder dense",
        keras_vae.SparseAutoencoder,
        "dense",
        {
            "posterior": {"name": "deterministic", "activation": "sigmoid"},
            "sparsity": {"name": "kl", "target": 0.2, "weight": 0.5, "momentum": 0.9},
        },
    ),
    Case(
        "k-sparse autoencoder",
        keras_vae.SparseAutoencoder,
        "dense",
        {"sparsity": {"name": "topk", "k": 1, "evaluation_factor": 3.0}},
    ),
    Case(
        "contractive autoencoder dense",
        keras_vae.ContractiveAutoencoder,
        "dense",
        {"weight": 0.3},
    ),
    Case("stacked autoencoder dense", keras_vae.StackedAutoencoder, "dense"),
    Case("vae dense", keras_vae.VAE, "dense", {"beta": 0.5}),
    Case("vae convolutional", keras_vae.VAE, "convolutional"),
    Case(
        "vae dynamic binarization, mixture",
        keras_vae.VAE,
        "dense",
        {
            "likelihood": DYNAMIC,
            "beta": {"name": "linear_warmup", "steps": 12},
            "prior": "normal_mixture",
            "estimator": {"name": "monte_carlo_kl", "num_samples": 2},
        },
        dtype="uint8",
    ),
    Case(
        "vae full covariance, learned scale",
        keras_vae.VAE,
        "dense",
        {
            "posterior": "multivariate_normal_tril",
            "likelihood": {"name": "normal", "scale": "learned", "min_scale": 0.1},
            "free_bits": 0.5,
        },
    ),
    Case(
        "vae score function, continuous bernoulli",
        keras_vae.VAE,
        "dense",
        {"estimator": "score_function", "likelihood": "continuous_bernoulli"},
    ),
    Case(
        "vae two flows, discretized logistic",
        keras_vae.VAE,
        "dense",
        {
            "posterior": {
                "name": "inverse_autoregressive_flow",
                "num_layers": 1,
                "hidden": (5,),
                "context_dim": 4,
            },
            "prior": FLOW,
            "likelihood": {"name": "discretized_logistic", "num_components": 2},
        },
        event_shape=(4, 4, 3),
        dtype="uint8",
    ),
    Case("iwae dense", keras_vae.IWAE, "dense", {"num_samples": 3}),
    Case("hierarchical vae", keras_vae.HierarchicalVAE, "dense_stages", {"num_samples": 2}),
    Case("wake-sleep dense", keras_vae.WakeSleep, "dense"),
    Case(
        "monte carlo em dense",
        keras_vae.MonteCarloEM,
        "dense",
        {"num_transitions": 2, "num_leapfrog_steps": 3, "step_size": 0.3},
    ),
    Case(
        "iwae vamp prior, autoregressive bernoulli",
        keras_vae.IWAE,
        "dense",
        {"prior": VAMP, "likelihood": AUTOREGRESSIVE},
    ),
    Case("cvae dense", keras_vae.CVAE, "dense", condition_dim=3),
    Case(
        "cvae learned prior",
        keras_vae.CVAE,
        "dense",
        {"likelihood": DYNAMIC},
        condition_dim=3,
        has_learned_prior=True,
    ),
    Case(
        "cvae masked autoregressive flow",
        keras_vae.CVAE,
        "dense",
        {"prior": {"name": "masked_autoregressive_flow", "num_layers": 2, "hidden": (5,)}},
        condition_dim=3,
    ),
    Case(
        "completion cvae dense",
        keras_vae.CompletionCVAE,
        "dense",
        {"given": [5, 1, 3], "prior": {"name": "conditional_normal", "hidden": (5,)}},
        condition_dim=3,
        has_baseline=True,
    ),
]

VARIANTS = [
    Case(
        "sparse autoencoder convolutional",
        keras_vae.SparseAutoencoder,
        "convolutional",
        {"sparsity": "winner_take_all"},
    ),
    Case(
        "contractive autoencoder convolutional",
        keras_vae.ContractiveAutoencoder,
        "convolutional",
        {"jacobian": "hutchinson"},
    ),
    Case(
        "iwae convolutional",
        keras_vae.IWAE,
        "convolutional",
        {"gradient": "sticking_the_landing", "likelihood": DYNAMIC},
    ),
    Case(
        "cvae convolutional",
        keras_vae.CVAE,
        "convolutional",
        {"likelihood": AUTOREGRESSIVE},
        condition_dim=3,
    ),
    Case(
        "convolutional autoencoder tied",
        keras_vae.ConvolutionalAutoencoder,
        "convolutional",
        {"likelihood": "normal"},
        {"tied": True, "downsampling": "max_pool"},
    ),
    Case("l1 autoencoder", keras_vae.SparseAutoencoder, "dense", {"sparsity": "l1"}),
    Case(
        "contractive autoencoder tied",
        keras_vae.ContractiveAutoencoder,
        "dense",
        {"posterior": {"name": "deterministic", "activation": "sigmoid"}},
        {"hidden": (), "tied": True},
    ),
    Case("denoising vae", keras_vae.VAE, "dense", {"corruption": "gaussian"}),
    Case(
        "vae with max-pooling",
        keras_vae.VAE,
        "convolutional",
        network_arguments={"downsampling": "max_pool"},
    ),
    Case(
        "vae shared scale",
        keras_vae.VAE,
        "convolutional",
        {"likelihood": {"name": "normal", "scale": "shared"}},
    ),
    Case(
        "vae static binarization",
        keras_vae.VAE,
        "convolutional",
        {"likelihood": STATIC, "beta": {"name": "cyclical_warmup", "period": 8}},
        dtype="uint8",
    ),
    Case(
        "iwae of a condition",
        keras_vae.IWAE,
        "dense",
        {"gradient": "doubly_reparameterized", "posterior": "multivariate_normal_tril"},
        condition_dim=3,
    ),
    Case(
        "hierarchical vae with a flow",
        keras_vae.HierarchicalVAE,
        "dense_stages",
        {"prior": FLOW, "gradient": "doubly_reparameterized", "likelihood": DYNAMIC},
    ),
    Case("hierarchical vae vamp prior", keras_vae.HierarchicalVAE, "dense_stages", {"prior": VAMP}),
    Case(
        "wake-sleep of a condition",
        keras_vae.WakeSleep,
        "dense",
        {"likelihood": "continuous_bernoulli", "prior": FLOW},
        condition_dim=3,
    ),
    Case(
        "wake-sleep discretized logistic",
        keras_vae.WakeSleep,
        "dense",
        {"likelihood": {"name": "discretized_logistic", "num_components": 2}},
        event_shape=(4, 4, 3),
        dtype="uint8",
    ),
    Case(
        "monte carlo em of a condition",
        keras_vae.MonteCarloEM,
        "dense",
        {
            "posterior": "multivariate_normal_tril",
            "estimator": "monte_carlo_kl",
            "likelihood": DYNAMIC,
        },
        condition_dim=3,
    ),
    Case("denoising cvae", keras_vae.CVAE, "dense", {"corruption": "masking"}, condition_dim=3),
    Case("denoising autoencoder convolutional", keras_vae.DenoisingAutoencoder, "convolutional"),
    Case("stacked autoencoder convolutional", keras_vae.StackedAutoencoder, "convolutional"),
    Case("vae full covariance", keras_vae.VAE, "dense", {"posterior": "multivariate_normal_tril"}),
    Case(
        "vae dynamic binarization",
        keras_vae.VAE,
        "dense",
        {"likelihood": DYNAMIC, "beta": {"name": "linear_warmup", "steps": 12}},
        dtype="uint8",
    ),
    Case(
        "vae learned scale",
        keras_vae.VAE,
        "dense",
        {"likelihood": {"name": "normal", "scale": "learned", "min_scale": 0.1}},
    ),
    Case(
        "vae continuous bernoulli",
        keras_vae.VAE,
        "dense",
        {"likelihood": "continuous_bernoulli"},
    ),
    Case(
        "vae monte carlo kl",
        keras_vae.VAE,
        "dense",
        {
            "estimator": {"name": "monte_carlo_kl", "num_samples": 2},
            "posterior": "multivariate_normal_tril",
        },
    ),
    Case("vae score function", keras_vae.VAE, "dense", {"estimator": "score_function"}),
    Case("vae free bits", keras_vae.VAE, "dense", {"free_bits": 0.5}),
    Case(
        "wake-sleep convolutional",
        keras_vae.WakeSleep,
        "convolutional",
        {"likelihood": {"name": "normal", "scale": "learned"}, "corruption": "gaussian"},
    ),
    Case("monte carlo em convolutional", keras_vae.MonteCarloEM, "convolutional"),
    Case("vae normal mixture", keras_vae.VAE, "dense", {"prior": "normal_mixture"}),
    Case("vae real nvp", keras_vae.VAE, "convolutional", {"prior": FLOW}),
    Case(
        "vae inverse autoregressive flow",
        keras_vae.VAE,
        "dense",
        {"posterior": {"name": "inverse_autoregressive_flow", "hidden": (5,), "context_dim": 4}},
    ),
    Case(
        "vae discretized logistic",
        keras_vae.VAE,
        "dense",
        {"likelihood": {"name": "discretized_logistic", "num_components": 2}},
        event_shape=(4, 4, 3),
        dtype="uint8",
    ),
    Case(
        "completion cvae convolutional",
        keras_vae.CompletionCVAE,
        "convolutional",
        {"given": [5, 1, 3], "cvae_weight": 0.7, "likelihood": DYNAMIC},
        condition_dim=3,
    ),
    Case("cvae vamp prior", keras_vae.CVAE, "dense", {"prior": VAMP}, condition_dim=3),
]
"""Other networks of a class above, and one by one what some cases above have together.

Their tests are slow ones.
"""


def first_of_each_pair(cases: Iterable[Case]) -> list[Case]:
    """The first case of each class and kind of networks."""
    first: dict[Any, Case] = {}
    for case in cases:
        first.setdefault((case.cls, case.networks), case)
    return list(first.values())


PAIRS = first_of_each_pair(CASES)
"""For what is too slow for all cases."""

OTHERS = [case for case in CASES if case not in PAIRS]
"""What their densities, estimators and penalties add."""


def slow(cases: Iterable[Case]) -> list[Any]:
    """The same as parameters of tests that are left out unless asked for."""
    return [pytest.param(case, marks=pytest.mark.slow) for case in cases]


EVERY_PAIR = [
    *PAIRS,
    *slow(case for case in first_of_each_pair([*CASES, *VARIANTS]) if case not in PAIRS),
]
"""The same, as parameters of tests, with the pairs that only the variants have."""


def named(name: str) -> Case:
    """The case of that name."""
    return next(case for case in (*CASES, *VARIANTS) if case.name == name)
