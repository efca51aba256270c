"""A compact version: half the precision, each weight once, and the same model for Keras."""

import keras
import numpy as np
import pytest

import keras_vae
from conformance.cases import named
from keras_vae.errors import UserError
from keras_vae.export import halve, read_compact
from loaded_graph import Servable

CASES = [
    "cvae learned prior",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in (
            "vae real nvp",
            "stacked autoencoder dense",
            "cvae vamp prior",
            "vae shared scale",
        )
    ),
]


def folder_size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_model_with_halved_weights(name, tmp_path):
    case = named(name)
    model = case.build()
    before = [np.array(weight) for weight in model.get_weights()]
    folder = model.export(tmp_path / "models" / "small", compact=True)
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)
    assert not (folder / "model.keras").exists()
    halve(model)
    loaded = read_compact(folder)
    changes = 0.0
    for weight, read, old in zip(model.get_weights(), loaded.get_weights(), before, strict=True):
        np.testing.assert_array_equal(read, weight)
        assert read.dtype == old.dtype
        changes += np.abs(read - old).sum()
    assert changes > 0
    x, condition, label = case.data(5)[0], {}, {}
    if case.condition_dim is not None:
        condition = {"condition": np.arange(5, dtype="int32") % case.condition_dim}
        label = {"label": condition["condition"]}
    codes = Servable(folder)("encode", image=x, **label)
    found = next(value for key, value in codes.items() if key in ("z_mean", "code"))
    np.testing.assert_allclose(found, model.encode(x, **condition), atol=1e-5)
    np.testing.assert_allclose(found, loaded.encode(x, **condition), atol=1e-5)


def test_it_answers_as_the_whole_of_a_quarter_of_its_size(tmp_path):
    model = keras_vae.VAE(
        *keras_vae.networks.dense((28, 28, 1), latent_dim=8, hidden=(300,)),
        prior={"name": "real_nvp", "num_layers": 2, "hidden": (5,)},
    )
    halve(model)
    whole, small = (
        model.export(tmp_path / str(compact) / "model", compact=compact)
        for compact in (False, True)
    )
    graphs = [(folder / "saved_model.pb").stat().st_size for folder in (whole, small)]
    assert graphs[1] < graphs[0] / 3
    rest = [
        folder_size(folder) - graph for folder, graph in zip((whole, small), graphs, strict=True)
    ]
    weights = 4 * model.count_params()
    assert rest[0] - rest[1] == pytest.approx(1.5 * weights, rel=0.05)
    inputs = {
        "image": np.linspace(0, 1, 3 * 784).reshape(3, 28, 28, 1),
        "z": np.linspace(-1, 1, 24).reshape(3, 8),
        "seed": np.arange(3),
        "temperature": np.full(3, 0.7),
    }
    whole, small = Servable(whole), Servable(small)
    assert set(small.signatures) == set(whole.signatures)
    for signature in whole.signatures:
        asked = {key: inputs[key] for key in whole.signatures[signature].inputs}
        found, expected = (graph(signature, **asked) for graph in (small, whole))
        for key, values in expected.items():
            np.testing.assert_array_equal(found[key], values)


def test_a_preset_may_be_compact(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = named("vae dense").build()
    halve(model)
    model.export("saved_models/small", compact=True)
    loaded = keras_vae.from_preset("small")
    np.testing.assert_array_equal(loaded.sample(3, seed=0), model.sample(3, seed=0))
    loaded.compile("adam")
    loaded.fit(named("vae dense").data()[0], verbose=0)


def test_a_weight_may_be_too_large(tmp_path):
    model = named("vae dense").build()
    kernel = model.decoder.weights[-1]
    kernel.assign(keras.ops.full_like(kernel, 1e5))
    with pytest.raises(UserError, match=r"at most 65504, and '.*' goes up to 1e\+05"):
        model.export(tmp_path / "models" / "large", compact=True)
    assert not (tmp_path / "models").exists()
