"""What was measured in each epoch, as lines."""

import numpy as np
import pytest

from keras_vae import figures
from keras_vae.errors import UserError


def test_history_draws_training_and_validation():
    columns = {
        "epoch": [0, 1, 2],
        "kl": [1.0, 1.1, 1.2],
        "loss": [3.0, 2.0, 1.5],
        "val_loss": [3.5, 2.5, 2.25],
        "active_units": [1, 2, 2],
        "accuracy": [90, 91, 92],
    }
    figure = figures.history(columns)
    loss, kl, units, accuracy = figure.axes
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["loss", "kl", "active units", "accuracy"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["nats", "nats", "units", "%"]
    train, validation = loss.lines
    np.testing.assert_array_equal(train.get_xydata(), np.transpose([[0, 1, 2], [3.0, 2.0, 1.5]]))
    np.testing.assert_array_equal(validation.get_ydata(), columns["val_loss"])
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["1.5", "2.25"]
    assert train.get_color() == kl.lines[0].get_color() != validation.get_color()
    assert len(units.lines) == len(accuracy.lines) == 1


def test_history_counts_epochs_from_one():
    (axes,) = figures.history({"loss": [3.0, 2.0]}).axes
    assert axes.lines[0].get_xdata().tolist() == [1, 2]


def test_history_leaves_out_what_was_not_measured():
    (axes,) = figures.history({"epoch": [1, 2, 3], "loss": [3.0, np.nan, 2.0]}).axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 3.0], [3, 2.0]])


def test_history_of_many_epochs_shows_the_later_ones():
    loss = np.linspace(100, 90, 40)
    for first in (500.0, np.inf):
        loss[0] = first
        (axes,) = figures.history({"loss": loss}).axes
        low, high = axes.get_ylim()
        assert 89 < low < 90
        assert 98 < high < 101


def test_history_with_a_spike_shows_the_other_epochs():
    loss = np.linspace(100, 90, 40)
    loss[30] = 4e7
    (axes,) = figures.history({"loss": loss}).axes
    low, high = axes.get_ylim()
    assert 89 < low < 90
    assert 98 < high < 101
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), loss)


def test_history_of_few_jumps_shows_them():
    (axes,) = figures.history({"loss": [1.0] * 10 + [2.0]}).axes
    low, high = axes.get_ylim()
    assert low < 1 < 2 < high


@pytest.mark.parametrize("columns", [{}, {"epoch": [0]}, {"loss": [], "val_loss": []}])
def test_history_refuses_what_is_empty(columns):
    with pytest.raises(UserError, match="at least one epoch"):
        figures.history(columns)
