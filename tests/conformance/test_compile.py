"""What compile takes: metrics of (x, reconstruction), and no loss."""

import keras
import numpy as np
import pytest

import keras_vae
from conformance.cases import named
from keras_vae.errors import UserError
from keras_vae.models import KLSparsity, L1Sparsity

WEIGHTS = np.where(np.arange(50) % 3 == 1, 0.1, 2.0).astype("float32")


@keras.saving.register_keras_serializable("conformance")
class Difference(keras.metrics.Mean):
    """The mean of twice the target less the prediction, which tells the two apart."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        values = keras.ops.mean(2.0 * y_true - y_pred, axis=(1, 2, 3))
        return super().update_state(values, sample_weight)


@pytest.mark.parametrize(
    "name",
    [
        "vae convolutional",
        pytest.param("autoencoder dense", marks=pytest.mark.slow),
        pytest.param("cvae dense", marks=pytest.mark.slow),
    ],
)
def test_metrics_see_x_and_reconstruction(name):
    case = named(name)
    model = case.build()
    metrics = [Difference(name="difference"), "mse"]
    model.compile(metrics=metrics, weighted_metrics=[Difference(name="weighted")])
    history = case.fit(model)
    scores = model.evaluate(
        *case.data(), sample_weight=WEIGHTS, batch_size=7, verbose=0, return_dict=True
    )
    assert set(history) == set(scores) >= {"loss", "reconstruction", "difference", "mse"}
    x, reconstruction = case.data()[0], model.reconstruct(*case.data())
    differences = (2 * x - reconstruction).mean(axis=(1, 2, 3))
    assert scores["difference"] == pytest.approx(differences.mean(), rel=1e-4)
    assert scores["mse"] == pytest.approx(np.square(x - reconstruction).mean(), rel=1e-4)
    weighted = np.average(differences, weights=WEIGHTS)
    assert scores["weighted"] == pytest.approx(weighted, rel=1e-4)
    assert weighted != pytest.approx(differences.mean(), rel=1e-3)


def test_metrics_leave_the_terms_alone(fitted_of):
    case = named("vae dense")
    model = case.build()
    model.compile(keras.optimizers.Adam(0.01), metrics=["mse"])
    history = case.fit(model, epochs=3)
    expected = fitted_of("vae dense").history
    for term in ("loss", "reconstruction", "kl", "elbo"):
        assert history[term] == pytest.approx(expected[term], rel=1e-4)


@pytest.mark.parametrize("loss", ["mse", keras.losses.BinaryCrossentropy()], ids=["name", "object"])
def test_loss_is_refused(case, loss):
    with pytest.raises(UserError, match="likelihood="):
        case.build().compile("adam", loss)
    with pytest.raises(UserError, match="likelihood=") as error:
        case.build().compile("adam", loss=loss)
    assert case.cls.__name__ in str(error.value)


def test_logs_are_the_terms(case, fitted):
    expected = {"loss", "reconstruction"}
    if fitted.model.elbo_terms:
        layers = {"kl_1", "kl_2"} if case.cls is keras_vae.HierarchicalVAE else {"kl"}
        expected |= {"elbo", *layers}
    if "free_bits" in case.arguments:
        expected |= {"free_bits"}
    if issubclass(case.cls, keras_vae.IWAE):
        expected |= {"iwae"}
    if case.cls is keras_vae.WakeSleep:
        expected |= {"sleep"}
    if case.cls is keras_vae.MonteCarloEM:
        expected |= {"em", "encoding"}
    if case.cls is keras_vae.CompletionCVAE:
        expected |= {"gsnn"} if "cvae_weight" in case.arguments else set()
        expected |= {"baseline"} if case.has_baseline else set()
    if case.cls is keras_vae.ContractiveAutoencoder:
        expected |= {"contraction"}
    if isinstance(getattr(fitted.model, "sparsity", None), (KLSparsity, L1Sparsity)):
        expected |= {"sparsity"}
    assert set(fitted.history) == expected


def test_running_eagerly_changes_nothing(fitted_of):
    case = named("cvae learned prior")
    model = case.build()
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    history = case.fit(model)
    assert history["loss"][0] == pytest.approx(fitted_of(case.name).history["loss"][0], rel=1e-3)
