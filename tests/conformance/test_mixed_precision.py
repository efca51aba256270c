"""Half precision in the networks, float32 in the densities: finite, trains, near float32."""

import keras
import numpy as np
import pytest

from conformance.cases import OTHERS, PAIRS, VARIANTS, loss_terms, named, slow

POLICIES = {"mixed_bfloat16": 2e-2, "mixed_float16": 5e-3}
"""Name -> relative tolerance of a loss term: some units of the last place."""


@pytest.fixture(params=POLICIES)
def policy(request):
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("case", [*PAIRS, *slow([*OTHERS, *VARIANTS])], ids=str)
def test_terms_are_near_float32(policy, case):
    model = case.build()
    keras.config.set_dtype_policy("float32")
    exact = case.build()
    kinds = (keras.layers.Dense, keras.layers.Conv2D)
    weighted = next(part for part in model.encoder._flatten_layers() if isinstance(part, kinds))
    assert weighted.compute_dtype == policy.removeprefix("mixed_")
    model.set_weights(exact.get_weights())
    terms, expected = (loss_terms(m, *case.data()) for m in (model, exact))
    for name, term in terms.items():
        assert term.dtype == "float32"
        scale = np.abs(expected[name]).mean()
        error = np.abs(term - expected[name]).mean()
        assert error < POLICIES[policy] * max(scale, 1.0), name
    code = model.encode(*case.data())
    assert code.dtype == "float32"
    assert np.isfinite(code).all()
    # Half precision that changed nothing would be float32 under another name.
    assert any(np.any(terms[name] != expected[name]) for name in terms)


@pytest.mark.parametrize(
    "name",
    [
        "vae convolutional",
        pytest.param("cvae dense", marks=pytest.mark.slow),
        pytest.param("convolutional autoencoder", marks=pytest.mark.slow),
        pytest.param("vae learned scale", marks=pytest.mark.slow),
    ],
)
def test_trains(policy, name, fitted_of):
    case = named(name)
    model = case.build()
    case.compile(model, keras.optimizers.Adam(0.01))
    losses = case.fit(model, epochs=3)["loss"]
    assert np.all(np.isfinite(losses))
    assert losses[-1] < losses[0]
    # Loss scaling skips the first steps in float16, so the first epoch is the nearest.
    assert losses[0] == pytest.approx(fitted_of(name).history["loss"][0], rel=0.05)
    assert np.all(np.isfinite(model.reconstruct(*case.data())))


def test_policy_is_saved(policy, tmp_path):
    case = named("vae dense")
    model = case.build()
    model.save(tmp_path / "model.keras")
    keras.config.set_dtype_policy("float32")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.encoder.layers[-1].compute_dtype == policy.removeprefix("mixed_")
    np.testing.assert_array_equal(loaded.encode(*case.data()), model.encode(*case.data()))
