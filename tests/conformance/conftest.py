"""Fitted models that the files of this folder share: each case is fitted as seldom as can be."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

from conformance.cases import CASES, VARIANTS, Case, named, slow
from keras_vae.models import LatentModel


@dataclass(frozen=True)
class Fitted:
    """A case fitted for two epochs, saved, and fitted for a third."""

    model: LatentModel
    file: Path
    saved_weights: list[np.ndarray]
    saved_optimizer: list[np.ndarray]
    history: dict[str, list[float]]


@pytest.fixture(scope="session")
def fitted_of(tmp_path_factory):
    """A case's name -> Fitted, to be left as it is."""
    folder = tmp_path_factory.mktemp("conformance")

    @cache
    def fitted(name: str) -> Fitted:
        case = named(name)
        model = case.build()
        case.compile(model, keras.optimizers.Adam(0.01))
        history = case.fit(model, epochs=2)
        file = folder / f"{name.replace(' ', '-')}.keras"
        model.save(file)
        model.save_weights(file.with_suffix(".weights.h5"))
        saved_weights = model.get_weights()
        saved_optimizer = [np.array(variable) for variable in model.optimizer.variables]
        third = case.fit(model)
        history = {key: values + third[key] for key, values in history.items()}
        return Fitted(model, file, saved_weights, saved_optimizer, history)

    return fitted


@pytest.fixture(scope="session", params=[*CASES, *slow(VARIANTS)], ids=str)
def case(request) -> Case:
    return request.param


@pytest.fixture
def fitted(case, fitted_of) -> Fitted:
    return fitted_of(case.name)
