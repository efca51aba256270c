"""A Keras 3 zoo of autoencoders: train, compare, look at and serve them.

`import keras_vae` costs nothing: TensorFlow is imported with the first name that needs it. The
classes are registered with Keras as soon as both packages are imported, in either order, so that
`keras.saving.load_model` knows them.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import wrapt

from keras_vae.errors import UserError

if TYPE_CHECKING:
    from keras_vae import distributions as distributions
    from keras_vae import layers as layers
    from keras_vae import networks as networks
    from keras_vae.models import CVAE as CVAE
    from keras_vae.models import IWAE as IWAE
    from keras_vae.models import VAE as VAE
    from keras_vae.models import Autoencoder as Autoencoder
    from keras_vae.models import Classifier as Classifier
    from keras_vae.models import CompletionCVAE as CompletionCVAE
    from keras_vae.models import ContractiveAutoencoder as ContractiveAutoencoder
    from keras_vae.models import ConvolutionalAutoencoder as ConvolutionalAutoencoder
    from keras_vae.models import DenoisingAutoencoder as DenoisingAutoencoder
    from keras_vae.models import HierarchicalVAE as HierarchicalVAE
    from keras_vae.models import MonteCarloEM as MonteCarloEM
    from keras_vae.models import SparseAutoencoder as SparseAutoencoder
    from keras_vae.models import StackedAutoencoder as StackedAutoencoder
    from keras_vae.models import WakeSleep as WakeSleep
    from keras_vae.recipes import from_preset as from_preset

__version__ = "0.1.0"

_MODULES = (
    "datasets",
    "distributions",
    "evaluation",
    "export",
    "figures",
    "layers",
    "models",
    "networks",
    "papers",
    "recipes",
    "serving",
    "testing",
    "training",
)
_CLASSES = (
    "CVAE",
    "IWAE",
    "VAE",
    "Autoencoder",
    "Classifier",
    "CompletionCVAE",
    "ContractiveAutoencoder",
    "ConvolutionalAutoencoder",
    "DenoisingAutoencoder",
    "HierarchicalVAE",
    "MonteCarloEM",
    "SparseAutoencoder",
    "StackedAutoencoder",
    "WakeSleep",
)

__all__ = [*_CLASSES, "distributions", "from_preset", "networks"]


def __getattr__(name: str) -> Any:
    if name in _CLASSES:
        return getattr(importlib.import_module("keras_vae.models"), name)
    if name == "from_preset":
        return importlib.import_module("keras_vae.recipes").from_preset
    if name in _MODULES:
        return importlib.import_module(f"keras_vae.{name}")
    raise AttributeError(f"module 'keras_vae' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_CLASSES, *_MODULES, "from_preset"])


_BELOW_MODELS = tuple(
    f"keras_vae.{name}" for name in ("distributions", "export", "float32", "layers")
)
_whole: set[str] = set()


def _import_models() -> None:
    """Registers the classes, but later where modules that they need have themselves begun this."""
    if "keras" in sys.modules and _whole.issuperset(sys.modules.keys() & _BELOW_MODELS):
        importlib.import_module("keras_vae.models")


def _is_whole(module: ModuleType) -> None:
    _whole.add(module.__name__)
    _import_models()


for _name in _BELOW_MODELS:
    wrapt.register_post_import_hook(_is_whole, _name)


@wrapt.when_imported("keras")
def _register(keras: Any) -> None:
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise UserError(
            f"keras_vae needs Keras on TensorFlow. Received the backend {backend!r}; "
            "set KERAS_BACKEND=tensorflow before Keras is imported."
        )
    _import_models()
