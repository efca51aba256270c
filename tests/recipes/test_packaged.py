"""Every packaged recipe, from fit to a model that is read again."""

import json

import numpy as np
import pytest

import keras_vae
from keras_vae import recipes
from recipes.tiny import write_data


@pytest.mark.slow
@pytest.mark.parametrize("name", recipes.names())
def test_it_fits_and_is_read_again(name, tmp_path):
    recipe = recipes.load(name)
    if recipe.pretraining:
        recipe = recipe.override(["pretraining.epochs=1"])
    shape = (28, 20, 1) if recipe.data["name"] == "frey-faces" else (28, 28, 1)
    data = write_data(tmp_path, shape)
    run = recipes.fit(recipe.with_epochs(1), data=data, out=tmp_path / "runs", verbose=0)
    metrics = json.loads((run.folder / "metrics.json").read_text())
    assert (metrics["recipe"], metrics["data"], metrics["epochs"]) == (name, "squares", 1)
    assert list((run.folder / "figures").glob("*.png"))
    model = recipes.open_model(str(run.folder)).model
    if isinstance(model, keras_vae.Classifier):
        assert np.isfinite(model.probabilities(np.load(data)["x_test"])).all()
        return
    x = np.load(data)["x_test"]
    y = np.load(data)["y_test"] if model.condition_dim is not None else None
    code = model.encode(x, y)
    assert len(code) == len(x)
    assert np.isfinite(model.decode(code, y)).all()
