"""Recipes: a model, its network, its data and its training as a TOML file, and the fits they make.

Here live the packaged recipes, their reader, and run folders from a fit's start to its metrics.
Nothing here is mathematics. Reading a recipe imports no TensorFlow; building and fitting one does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from keras_vae.recipes.presets import Preset, presets
from keras_vae.recipes.recipe import Recipe, load, names
from keras_vae.recipes.runs import Run

if TYPE_CHECKING:
    from keras_vae.recipes._finishing import Interrupted
    from keras_vae.recipes.exported import export
    from keras_vae.recipes.fitting import fit, fit_once, resume
    from keras_vae.recipes.opened import Opened, from_preset, open_model
    from keras_vae.recipes.pictures import plot, sample
    from keras_vae.recipes.results import evaluate, judge, probe
    from keras_vae.recipes.speed import measure_speed

__all__ = [
    "Interrupted",
    "Opened",
    "Preset",
    "Recipe",
    "Run",
    "evaluate",
    "export",
    "fit",
    "fit_once",
    "from_preset",
    "judge",
    "load",
    "measure_speed",
    "names",
    "open_model",
    "plot",
    "presets",
    "probe",
    "resume",
    "sample",
]

_IMPORTS_TENSORFLOW = {
    "export": "exported",
    "Interrupted": "_finishing",
    "fit": "fitting",
    "fit_once": "fitting",
    "resume": "fitting",
    "Opened": "opened",
    "from_preset": "opened",
    "open_model": "opened",
    "plot": "pictures",
    "sample": "pictures",
    "evaluate": "results",
    "judge": "results",
    "probe": "results",
    "measure_speed": "speed",
}


def __getattr__(name: str) -> Any:
    if name not in _IMPORTS_TENSORFLOW:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_IMPORTS_TENSORFLOW[name]}")
    return getattr(module, name)
