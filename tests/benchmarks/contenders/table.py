"""Which contenders each net has, and how much they do in one timing."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, NamedTuple

from contenders.work import Run, Work

LIBRARIES = {
    "ours": ("keras_vae",),
    "plain_keras": ("keras", "tensorflow"),
    "products": ("numpy",),
    "pytorch": ("torch",),
    "pythae_models": ("pythae", "torch"),
    "jax_models": ("jax", "optax"),
}
"""What the modules of this package import."""


class Contender:
    """A function of this package, named as its net, with its options.

    Args:
        module: The module's name.
        **options: Of the function.
    """

    def __init__(self, module: str, **options: Any) -> None:
        self._module = module
        self._options = options

    @property
    def rival(self) -> str:
        """The name of what it is compared with: this library, with the same kind of numbers."""
        return OURS_BFLOAT16 if self._options.get("bfloat16") else OURS

    def missing(self) -> list[str]:
        """The libraries that it needs and that are not installed."""
        return [name for name in LIBRARIES[self._module] if not importlib.util.find_spec(name)]

    def prepare(self, net: str, work: Work) -> Run:
        """Imports its library and makes its model."""
        module = importlib.import_module(f"contenders.{self._module}")
        return getattr(module, net)(work, **self._options)


class Net(NamedTuple):
    """A network with its objective, and the work that is timed unless another is asked for."""

    contenders: dict[str, Contender]
    batch_size: int
    rows: int = 60_000
    epochs: int = 1


OURS, OURS_BFLOAT16 = "keras-vae", "keras-vae, bfloat16"
PRODUCTS = {"products of matrices alone": Contender("products")}
PYTHAE = {"pythae": Contender("pythae_models")}
JAX = {"JAX, scan": Contender("jax_models")}
PLAIN_KERAS = {"plain Keras": Contender("plain_keras")}
EAGER = {"PyTorch eager": Contender("pytorch")}
PYTORCH = {**EAGER, "PyTorch compiled, fused Adam": Contender("pytorch", compiled=True)}
LOADED = {"PyTorch eager, DataLoader": Contender("pytorch", loader=True)}
OURS_BOTH = {OURS: Contender("ours"), OURS_BFLOAT16: Contender("ours", bfloat16=True)}

NETS = {
    "mlp": Net(
        {
            OURS: Contender("ours"),
            **PRODUCTS,
            **PYTORCH,
            **LOADED,
            **PYTHAE,
            **JAX,
            **PLAIN_KERAS,
            "keras-vae, 1 step per execution": Contender("ours", steps_per_execution=1),
        },
        batch_size=100,  # of Kingma and Welling (2013), section 5
        epochs=2,
    ),
    "conv": Net(
        {
            **OURS_BOTH,
            **PRODUCTS,
            **EAGER,
            **{
                f"PyTorch {mode}, channels_last{dtype}": Contender(
                    "pytorch", compiled=compiled, channels_last=True, bfloat16=bool(dtype)
                )
                for dtype in ("", ", bfloat16")
                for mode, compiled in (("eager", False), ("compiled", True))
            },
            **LOADED,
            **PYTHAE,
            **JAX,
            **PLAIN_KERAS,
        },
        batch_size=128,
        rows=12_800,
    ),
    "contractive": Net(
        {OURS: Contender("ours"), **PRODUCTS, **PYTORCH, **LOADED, **JAX, **PLAIN_KERAS},
        batch_size=100,
        rows=12_000,
        epochs=2,
    ),
    "iwae": Net(
        {OURS: Contender("ours"), **PRODUCTS, **PYTORCH, **LOADED, **PYTHAE, **JAX, **PLAIN_KERAS},
        batch_size=20,  # of Burda, Grosse and Salakhutdinov (2016), section 5
        rows=6_000,
    ),
    "evaluation": Net(
        {
            **OURS_BOTH,
            **PRODUCTS,
            **EAGER,
            "PyTorch compiled": Contender("pytorch", compiled=True),
            "PyTorch eager, bfloat16": Contender("pytorch", bfloat16=True),
            "PyTorch compiled, bfloat16": Contender("pytorch", compiled=True, bfloat16=True),
            **PYTHAE,
            **JAX,
            "JAX, scan, bfloat16": Contender("jax_models", bfloat16=True),
        },
        batch_size=100,
        rows=200,
    ),
}
