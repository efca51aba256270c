"""The schedule of each form, and what each of the ten models is."""

import numpy as np
import pytest
from click.testing import CliRunner

from keras_vae import IWAE, HierarchicalVAE, papers, recipes
from keras_vae.cli import main
from keras_vae.errors import UserError
from keras_vae.papers.burda_2015 import boundaries, recipe
from keras_vae.papers.laboratory import Laboratory
from recipes.tiny import write_data


def laboratory(data, out, form="full"):
    return Laboratory("burda-2015", data, out, form, 0)


def test_the_papers_schedule():
    lengths = [3**i for i in range(8)]
    ends = boundaries(lengths, 3280 * 3000)
    assert ends[:3] == [3000, 12000, 39000]
    np.testing.assert_array_equal(np.diff([0, *ends, 3280 * 3000]) / 3000, lengths)


@pytest.mark.parametrize(("form", "epochs"), [("exact", 3280), ("full", 48)])
def test_the_rates_of_each_form(form, epochs, tmp_path):
    """50 rows in batches of 20 are three steps per epoch."""
    rows = laboratory(write_data(tmp_path), tmp_path, form)
    model = recipe(rows, "VAE", 5, 1).build(rows.dataset())
    adam, steps = model.optimizer, 3 * epochs
    assert adam.epsilon == 1e-4
    assert model.estimator.num_samples == 5
    for step, rate in ((0, 1e-3), (steps - 1, 1e-4)):
        adam.iterations.assign(step)
        np.testing.assert_allclose(float(adam.learning_rate), rate, rtol=1e-5)
    if form == "exact":
        adam.iterations.assign(3 * 4)  # after 3^0 and 3^1 epochs
        assert float(adam.learning_rate) == pytest.approx(10 ** (-3 - 1 / 7))
        adam.iterations.assign(3 * 4 + 1)
        assert float(adam.learning_rate) == pytest.approx(10 ** (-3 - 2 / 7))


@pytest.mark.parametrize(("objective", "alpha"), [("VAE", 1.0), ("IWAE", 0.0)])
@pytest.mark.parametrize(("layers", "cls"), [(1, IWAE), (2, HierarchicalVAE)])
def test_the_objective(objective, alpha, layers, cls, tmp_path):
    rows = laboratory(write_data(tmp_path), tmp_path)
    model = recipe(rows, objective, 50, layers).build(rows.dataset())
    assert type(model) is cls
    assert (model.alpha, model.num_samples, model.gradient) == (alpha, 50, "standard")


@pytest.mark.parametrize("layers", [1, 2])
def test_the_papers_hidden_units(layers, tmp_path):
    """The recipes that it begins with have others."""
    rows = laboratory(write_data(tmp_path), tmp_path)
    assert recipe(rows, "IWAE", 5, layers).network["activation"] == "tanh"


def test_two_layers_of_codes(tmp_path):
    rows = laboratory(write_data(tmp_path), tmp_path)
    model = recipe(rows, "VAE", 50, 2).build(rows.dataset())
    assert [stage[0].output_shape for stage in model.stages] == [(None, 200), (None, 100)]


def test_what_takes_long_is_measured_once(tmp_path, monkeypatch):
    """Of the same weights; of others, or with other settings, anew."""
    rows = laboratory(write_data(tmp_path), tmp_path)
    small = recipes.load("mnist-vae").override(["network.hidden=[4]", "network.latent_dim=2"])
    data = rows.dataset()
    model = small.build(data)
    found = rows.scores(model, data, 10, 5)
    expected = model.log_likelihood(data.x_test[:5], num_samples=10).mean()
    np.testing.assert_allclose(found["nll"], -expected, rtol=1e-5)
    monkeypatch.setattr("keras_vae.evaluation.evaluate", lambda *_, **__: {"nll": 1.0})
    assert rows.scores(model, data, 10, 5) == found
    assert rows.scores(model, data, 10, 4) == {"nll": 1.0}
    model.set_weights([weight + 1 for weight in model.get_weights()])
    assert rows.scores(model, data, 10, 5) == {"nll": 1.0}


def test_a_schedule_of_days_is_of_one_paper():
    with pytest.raises(UserError, match="is kept for burda-2015, and takes days"):
        papers.reproduce("rifai-2011", form="exact")


def test_the_two_other_forms_are_asked_for_alone():
    result = CliRunner().invoke(main, ["reproduce", "burda-2015", "--quick", "--exact"])
    assert result.exit_code == 2
    assert "give one of them" in result.output
